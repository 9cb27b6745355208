"""What texts sound like."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.pinyin import PRIVATE, needs_pinyin, to_pinyin, to_syllables


def test_homophones_meet_and_others_do_not() -> None:
    weixin, other, xin = to_pinyin(pack(["微信", "薇芯", "心"])).unpack()
    assert weixin == other
    assert xin == weixin[1]
    assert weixin[0] != weixin[1]


def test_mixed_text_keeps_its_order() -> None:
    assert to_syllables("加vx：八88 ok") == ["jia", "v", "x", "：", "ba", "8", "8", " ", "o", "k"]


def test_u_with_two_dots_is_v_and_readings_are_the_commonest() -> None:
    assert to_syllables("绿女行银行") == ["lv", "nv", "xing", "yin", "xing"]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_keeps_its_length_and_what_is_not_chinese(text: str) -> None:
    packed = pack([text])
    heard = to_pinyin(packed)
    assert heard.offsets.tolist() == packed.offsets.tolist()
    same = heard.codes < PRIVATE
    np.testing.assert_array_equal(heard.codes[same], packed.codes[same])


def test_where_sounds_matter() -> None:
    assert needs_pinyin(pack(["您好", "ok"]))
    assert not needs_pinyin(pack(["hello" * 10, "好"]))
    assert not needs_pinyin(pack([""]))
