"""Pinyin of texts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.pinyin import PRIVATE, needs_pinyin, to_pinyin, to_syllables


def test_homophones_are_equal_and_others_are_not() -> None:
    weixin, other, xin = to_pinyin(pack(["微信", "薇芯", "心"])).unpack()
    assert weixin == other
    assert xin == weixin[1]
    assert weixin[0] != weixin[1]


def test_mixed_text_keeps_its_order() -> None:
    assert to_syllables("加vx：八88 ok") == ["jia", "v", "x", "：", "ba", "8", "8", " ", "o", "k"]


def test_v_stands_for_u_umlaut_and_readings_are_the_most_common() -> None:
    assert to_syllables("绿女行银行") == ["lv", "nv", "xing", "yin", "xing"]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_keeps_its_length_and_other_characters(text: str) -> None:
    packed = pack([text])
    pinyin = to_pinyin(packed)
    assert pinyin.offsets.tolist() == packed.offsets.tolist()
    same = pinyin.codes < PRIVATE
    np.testing.assert_array_equal(pinyin.codes[same], packed.codes[same])


def test_pinyin_is_needed_for_chinese_texts() -> None:
    assert needs_pinyin(pack(["您好", "ok"]))
    assert not needs_pinyin(pack(["hello" * 10, "好"]))
    assert not needs_pinyin(pack([""]))
