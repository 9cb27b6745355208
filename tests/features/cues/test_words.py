"""Words by category: the list, handmade texts, and comparison with regular expressions."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.custom_lists import CATEGORIES, WORDS, count_groups, count_words
from fraudsieve.features.text.automaton import build_automaton, read_words
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_text
from tests.profiles import examples

NESTED = {"ab": 0, "b": 1, "abab": 2, "a b": 3, "b1": 4, "中奖": 5, "中": 6, "奖": 7, "奖b": 8, "a": 9}


def counted(text: str) -> dict[str, int]:
    return {name: int(n) for name, n in zip(CATEGORIES, count_words(pack([text]))[0], strict=True) if n}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("see you at six", {}),
        ("请立即处理", {"urgency": 1}),
        ("urgent!", {"urgency": 1}),
        ("insurgent urgent2", {}),
        ("公安", {"authority": 1}),
        ("公安局", {"authority": 2}),
        ("a court", {"authority": 1}),
        ("courtesy", {}),
        ("您已中奖", {"reward": 1}),
        ("your account is suspended", {"threat": 1}),
        ("keep it secret", {"secrecy": 1}),
        ("请转账", {"payment": 1}),
        ("your verification code", {"verification": 2}),
        ("call me", {"contact_me": 1}),
        ("recall men", {}),
        ("无抵押贷款", {"loan": 2}),
        ("线上博彩", {"gambling": 1}),
        ("裸聊", {"adult": 1}),
        ("兼职日结", {"job": 2}),
        ("代开发票", {"invoice": 3}),
    ],
)
def test_words_of_handmade_texts(text: str, found: dict[str, int]) -> None:
    assert counted(text) == found


def test_every_word_of_the_list_is_folded_and_matches() -> None:
    words = read_words(WORDS, CATEGORIES)
    assert [word for word in words if fold_text(word) != word] == []
    sizes = Counter(words.values())
    assert all(15 <= sizes[kind] <= 60 for kind in range(len(CATEGORIES)))
    rows = count_words(pack(list(words)))
    assert all(row[kind] >= 1 for row, kind in zip(rows, words.values(), strict=True))


@examples(500)
@given(st.text(st.sampled_from("ab1 中奖\U00020000"), max_size=15))
def test_counts_equal_regular_expressions(text: str) -> None:
    row = count_groups(pack([text]), build_automaton(NESTED), len(CATEGORIES))[0]
    for word, kind in NESTED.items():
        pattern = rf"(?<![a-z0-9])(?={word}(?![a-z0-9]))" if word.isascii() else rf"(?={word})"
        assert row[kind] == len(re.findall(pattern, text)), word
