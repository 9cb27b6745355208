"""Messenger accounts: handmade texts and comparison with a regular expression."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.contacts import HANDLES, WORDS, find_handles
from fraudsieve.features.text.automaton import read_words
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_text
from tests.profiles import examples

IDS = {"wechat": "somebody_1", "qq": "123456", "telegram": "somebody_1", "whatsapp": "2348012345678"}


def found(text: str) -> list[tuple[str, str]]:
    return [(HANDLES[kind], text[a:b]) for _, kind, a, b in find_handles(pack([text])).tolist()]


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("", []),
        ("微信", []),
        ("微信支付100元", []),
        ("微信abc_123", [("wechat", "abc_123")]),
        ("微信号是: abc-123-", [("wechat", "abc-123")]),
        ("加微信somebody吧", [("wechat", "somebody")]),
        ("微信 13800138000", [("wechat", "13800138000")]),
        ("微信12345678901234", []),
        ("微信012345", []),
        ("微信ab1", []),
        ("微信_abcdef", []),
        ("微信" + "a" * 20, [("wechat", "a" * 20)]),
        ("微信" + "a" * 21, []),
        ("加微信vx:abc123", [("wechat", "abc123")]),
        ("wechat message me", []),
        ("wechat: message", [("wechat", "message")]),
        ("wechat id somebody", [("wechat", "somebody")]),
        ("vx123456", [("wechat", "123456")]),
        ("vx abc123", [("wechat", "abc123")]),
        ("avx abc123", []),
        ("vxabc123", []),
        ("+v abc123", [("wechat", "abc123")]),
        ("加v:somebody", [("wechat", "somebody")]),
        ("v: somebody", [("wechat", "somebody")]),
        ("tv: somebody", []),
        ("qq123456", [("qq", "123456")]),
        ("qq群:123456", [("qq", "123456")]),
        ("扣扣 12345678901", [("qq", "12345678901")]),
        ("qq1234", []),
        ("qq012345", []),
        ("qq123456789012", []),
        ("qq123456a", []),
        ("qq abcdef", []),
        ("t.me/somebody", [("telegram", "somebody")]),
        ("https://t.me/somebody", [("telegram", "somebody")]),
        ("tg @somebody", [("telegram", "somebody")]),
        ("飞机:somebody", [("telegram", "somebody")]),
        ("飞机 12:30", []),
        ("tg somebody", []),
        ("ask @somebody!", [("telegram", "somebody")]),
        ("@somebody.", [("telegram", "somebody")]),
        ("me@somebody", []),
        ("me_@somebody", []),
        ("@somebody.com", []),
        ("@some", []),
        ("@1somebody", []),
        ("whatsapp 2348012345678", [("whatsapp", "2348012345678")]),
        ("whatsapp:+2348012345678", [("whatsapp", "2348012345678")]),
        ("wa.me/2348012345678", [("whatsapp", "2348012345678")]),
        ("whatsapp me", []),
        ("whatsapp 1234567", []),
        ("news 12345678", []),
    ],
)
def test_handles_of_handmade_texts(text: str, handles: list[tuple[str, str]]) -> None:
    assert found(text) == handles


def test_every_word_of_the_list_is_folded_and_matches() -> None:
    words = read_words(WORDS, HANDLES)
    for word, kind in words.items():
        assert fold_text(word) == word
        account = IDS[HANDLES[kind]]
        gap = "" if word[-1] in "/:" else ":"
        assert found(word + gap + account) == [(HANDLES[kind], account)]


@examples(500)
@given(st.text(st.sampled_from("@ab1_.- 中"), max_size=20))
def test_names_equal_a_regular_expression(text: str) -> None:
    pattern = r"(?<![a-z0-9._])@([a-z][a-z0-9_]{4,31})(?![a-z0-9_]|[.-][a-z0-9])"
    assert [name for _, name in found(text)] == re.findall(pattern, text)
