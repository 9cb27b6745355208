"""What texts sound like."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.pinyin import PRIVATE, sounds, speaks_chinese, syllables_of


def test_homophones_meet_and_others_do_not() -> None:
    weixin, other, xin = sounds(pack(["微信", "薇芯", "心"])).unpack()
    assert weixin == other
    assert xin == weixin[1]
    assert weixin[0] != weixin[1]


def test_mixed_text_keeps_its_order() -> None:
    assert syllables_of("加vx：八88 ok") == ["jia", "v", "x", "：", "ba", "8", "8", " ", "o", "k"]


def test_u_with_two_dots_is_v_and_readings_are_the_commonest() -> None:
    assert syllables_of("绿女行银行") == ["lv", "nv", "xing", "yin", "xing"]


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_keeps_its_length_and_what_is_not_chinese(text: str) -> None:
    packed = pack([text])
    heard = sounds(packed)
    assert heard.offsets.tolist() == packed.offsets.tolist()
    same = heard.codes < PRIVATE
    np.testing.assert_array_equal(heard.codes[same], packed.codes[same])


def test_where_sounds_matter() -> None:
    assert speaks_chinese(pack(["您好", "ok"]))
    assert not speaks_chinese(pack(["hello" * 10, "好"]))
    assert not speaks_chinese(pack([""]))
