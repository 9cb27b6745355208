"""Amounts and codes: handmade texts and comparison with regular expressions."""

import math
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.amounts import (
    AMOUNT_SHAPES,
    AMOUNTS,
    CODE_WORDS,
    CURRENCIES,
    INVOICE_WORDS,
)
from tests.profiles import examples

from .columns import columns

NAMES = AMOUNTS + AMOUNT_SHAPES
PIECES = [*"0123,. $元万千km中a", "usd", "123", "code", "验证码", "发票", "123456", "12345678", "filler", "千元"]
MONEY_LIKE = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
TIMES = {"百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8, "k": 1e3, "m": 1e6}


def measured(text: str) -> dict[str, float]:
    return {name: n for name, n in zip(NAMES, columns([text], NAMES)[0].tolist(), strict=True) if n}


def word_bounds(words: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Return the starts and ends of words."""
    found = []
    for word in words:
        plain = re.escape(word)
        pattern = rf"(?<![a-z])(?={plain}(?![a-z]))" if word.isalpha() and word.isascii() else rf"(?={plain})"
        found += [(at.start(), at.start() + len(word)) for at in re.finditer(pattern, text)]
    return found


def expected(text: str) -> dict[str, float]:
    money, code, invoice = (word_bounds(words.split(), text) for words in (CURRENCIES, CODE_WORDS, INVOICE_WORDS))
    counts = dict.fromkeys(NAMES, 0.0)
    for number in re.finditer(r"[0-9]+(?:,[0-9]{3}(?![0-9]))*(?:\.[0-9]+)?", text):
        begin, end = number.span()
        times = re.compile(r"[百千万亿]|[km](?![a-z])").match(text, end)
        before = {begin} | ({begin - 1} if text[begin - 1 : begin] == " " else set())
        after_word = {
            spot for at in (end, times.end() if times else end) for spot in (at, at + (text[at : at + 1] == " "))
        }
        if any(b in after_word or e in before for b, e in money):
            value = float(number.group().replace(",", "")) * (TIMES[times.group()] if times else 1)
            counts["amounts"] += 1
            counts["largest_amount"] = max(counts["largest_amount"], math.log10(1 + min(value, 1e15)))
        if re.fullmatch(r"[0-9]{4,8}", number.group()):
            counts["codes"] += any(0 <= begin - e <= 12 or 0 <= b - end <= 12 for b, e in code)
        if re.fullmatch(r"[0-9]{8,20}", number.group()):
            counts["invoice_numbers"] += any(0 <= begin - e <= 12 for _, e in invoice)
    return {name: n for name, n in counts.items() if n}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$5", 5),
        ("$ 5", 5),
        ("$  5", None),
        ("us$5", 5),
        ("5元", 5),
        ("5 元", 5),
        ("5块", 5),
        ("1,234.5元", 1234.5),
        ("1,2345元", 2345),
        ("1,23元", 23),
        ("5万", 5e4),
        ("5.5万元", 5.5e4),
        ("3千元", 3e3),
        ("2百元", 2e2),
        ("1亿", 1e8),
        ("$5k", 5e3),
        ("$5m", 5e6),
        ("$5kg", 5),
        ("5k usd", 5e3),
        ("usd 100", 100),
        ("usd100", 100),
        ("100usd", 100),
        ("100 usds", None),
        ("ausd 100", None),
        ("ngn5000", 5000),
        ("5000 naira", 5000),
        ("人民币100", 100),
        ("100美元", 100),
        ("5", None),
        ("5k", None),
        ("5千", None),
        ("元", None),
        ("$0", 0),
        ("$" + "9" * 400, 1e15),
        ("$0." + "9" * 400, 1),
    ],
)
def test_amounts_of_handmade_texts(text: str, amount: float | None) -> None:
    row = measured(text)
    assert row.get("amounts", 0) == (amount is not None)
    assert row.get("largest_amount", 0) == pytest.approx(math.log10(1 + (amount or 0)))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("验证码123456", 1),
        ("验证码是: 1234", 1),
        ("your code is 123456.", 1),
        ("123456 is your otp", 1),
        ("g-123456 是您的校验码", 1),
        ("code 123", 0),
        ("code 123456789", 0),
        ("code 1,234", 0),
        ("encode 1234", 0),
        ("code            1234", 1),
        ("code             1234", 0),
        ("1234             code", 0),
        ("call 12345678", 0),
    ],
)
def test_codes_of_handmade_texts(text: str, codes: int) -> None:
    assert measured(text).get("codes", 0) == codes


def test_invoice_numbers_are_long_and_follow_their_word() -> None:
    assert measured("发票号码12345678") == {"invoice_numbers": 1}
    assert measured("invoice no. 12345678901234567890") == {"invoice_numbers": 1}
    assert measured("12345678发票 发票1234567 发票" + "1" * 21) == {}


@pytest.mark.slow
@examples(1000)
@given(MONEY_LIKE)
def test_measures_equal_regular_expressions(text: str) -> None:
    assert measured(text) == pytest.approx(expected(text))
