"""Pinyin of texts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.pinyin import PRIVATE, is_syllable, needs_pinyin, to_pinyin


def test_homophones_are_equal_and_others_are_not() -> None:
    weixin, other, xin = to_pinyin(pack(["微信", "薇芯", "心"])).unpack()
    assert weixin == other
    assert xin == weixin[1]
    assert weixin[0] != weixin[1]


def test_mixed_text_keeps_its_order() -> None:
    mixed, one, other = to_pinyin(pack(["加vx：八88 ok", "家", "巴"])).unpack()
    assert mixed == f"{one}vx：{other}88 ok"


def test_readings_are_the_most_common() -> None:
    bank, other = to_pinyin(pack(["银行", "星"])).unpack()
    assert bank[1] == other


def test_v_stands_for_u_umlaut() -> None:
    assert is_syllable("lv")
    assert is_syllable("nv")
    assert not is_syllable("lü")


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
