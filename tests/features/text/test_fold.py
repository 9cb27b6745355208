"""Folding of all Unicode code points and of texts."""

import runpy
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import CHARACTER_KINDS, KINDS, OBFUSCATIONS, TABLE, fold_codes, fold_text
from tests.profiles import examples

SCRIPT = Path(__file__).parents[3] / "scripts" / "tables" / "fold.py"
LOOKALIKES = Path(str(TABLE)).with_name("lookalikes.txt")
ANYTHING = st.text(st.characters(exclude_categories=()))
# Letters, signs and digits that the context rules use.
COMMON = "加微信ab f12*.·_| -一二零壹請、，é①\u200b"
WORDS = st.text(st.sampled_from("abｏo01３5$.*-/@ "), max_size=40)
SPACED = st.text(st.sampled_from(COMMON), max_size=30)
TRICKY = st.text(st.sampled_from("aA Ａé\u0301\u200b\u202e\0 \n\t\u3000\u00a0а①㏂ﬁßİ\ud800\u00a8中\u2800™"))


@pytest.fixture(scope="module")
def stored() -> dict[str, npt.NDArray[Any]]:
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def lookalikes() -> list[list[str]]:
    lines = LOOKALIKES.read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def changed_kinds(text: str) -> dict[str, int]:
    counts = fold_codes(pack([text]))[1][0]
    return {kind: int(n) for kind, n in zip(KINDS, counts, strict=True) if n}


def assert_folded_is_a_fixed_point(folded: CodePoints) -> None:
    again, counts = fold_codes(folded)
    assert np.array_equal(again.codes, folded.codes)
    assert np.array_equal(again.offsets, folded.offsets)
    assert not counts.any()


@pytest.mark.slow
def test_every_code_point_folds_to_at_most_two_that_fold_to_themselves() -> None:
    everything = CodePoints(np.arange(0x110000, dtype=np.uint32), np.arange(0x110001, dtype=np.int64))
    folded, counts = fold_codes(everything)
    assert np.diff(folded.offsets).max() == 2
    assert counts.sum(axis=1).max() == 1
    assert_folded_is_a_fixed_point(folded)


def test_all_of_unicode_in_one_text_folds_to_a_fixed_point(stored: dict[str, npt.NDArray[Any]]) -> None:
    everything = CodePoints(np.arange(0x110000, dtype=np.uint32), np.array([0, 0x110000]))
    folded, counts = fold_codes(everything)
    assert_folded_is_a_fixed_point(folded)
    assert counts[0, :-2].sum() == len(stored["source"])


def test_a_code_point_is_counted_if_and_only_if_folding_changes_it() -> None:
    everything = CodePoints(np.arange(0x110000, dtype=np.uint32), np.arange(0x110001, dtype=np.int64))
    folded, counts = fold_codes(everything)
    lengths = np.diff(folded.offsets)
    same = lengths == 1
    same[same] = folded.codes[folded.offsets[:-1][same]] == np.flatnonzero(same)
    assert np.array_equal(counts.sum(axis=1) == 0, same)


@examples(200)
@given(st.lists(ANYTHING | TRICKY | SPACED | WORDS, max_size=5))
def test_texts_fold_to_fixed_points_at_most_twice_as_long(texts: list[str]) -> None:
    folded, counts = fold_codes(pack(texts))
    assert_folded_is_a_fixed_point(folded)
    for i, (text, after) in enumerate(zip(texts, folded.unpack(), strict=True)):
        assert len(after) <= 2 * len(text)
        assert counts[i, :-2].sum() <= 2 * len(text)  # a full-width digit may also stand for a letter
        assert counts[i, -2:].sum() <= 2 * len(text)
        assert "  " not in after
        assert after == fold_text(text)
        assert after.lower() == after


@examples(100)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 2000))
def test_a_hundred_thousand_characters_of_all_of_unicode_fold_to_a_fixed_point(
    seed: int, common: float, length: int
) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 0x110000, 100_000).astype(np.uint32)
    often = rng.random(len(codes)) < common
    codes[often] = rng.choice(pack([COMMON]).codes, often.sum())
    texts = CodePoints(codes, np.r_[np.arange(0, len(codes), length), len(codes)])
    folded, counts = fold_codes(texts)
    assert_folded_is_a_fixed_point(folded)
    assert (np.diff(folded.offsets) <= 2 * np.diff(texts.offsets)).all()
    assert (counts >= 0).all()


@pytest.mark.parametrize(
    ("text", "folded", "kinds"),
    [
        ("Ｆree", "free", {"compat": 1}),
        ("１３８", "138", {"compat": 3}),
        ("，！", ",!", {"sign": 2}),
        ("℡", "℡", {}),  # three letters: more than twice as long
        ("ⅱ", "ii", {"compat": 1}),
        ("①⑨", "19", {"enclosed": 2}),
        ("Ⓐⓑ⒞🄳", "abcd", {"enclosed": 4}),
        ("㈠", "一", {"enclosed": 1}),
        ("fr\u200bee", "free", {"invisible": 1}),
        ("a\u00adb\u200c\u200d\u2060\ufeffc", "abc", {"invisible": 5}),
        ("\u202eabc\u202c\u200f\u200e", "abc", {"invisible": 4}),
        ("a\0b", "ab", {"invisible": 1}),
        ("\0", "", {"invisible": 1}),
        ("\x1b[31m", "[31m", {"invisible": 1}),
        ("❤\ufe0f1\ufe0f\u20e3", "❤1", {"invisible": 2, "mark": 1}),
        ("a\U000e0041b", "ab", {"invisible": 1}),
        ("\u3164\u2800", "", {"invisible": 2}),
        ("\ud800x\udfff", "\ufffdx\ufffd", {"invisible": 2}),
        ("раураl", "paypal", {"lookalike": 5}),
        ("РАУРАL", "paypal", {"lookalike": 5, "case": 1}),
        ("ρrοm\u03bf", "promo", {"lookalike": 3}),
        ("ᴄᴀʟʟ", "call", {"lookalike": 4}),
        ("e\u0301\u0302", "e", {"mark": 2}),
        ("éÉñü", "eenu", {"mark": 4}),
        ("z̶a̶", "za", {"mark": 2}),
        ("ϲϹ", "cc", {"lookalike": 2}),  # NFKC alone makes a sigma of it
        ("FREE", "free", {"case": 4}),
        ("ß", "ss", {"case": 1}),
        ("𝐅𝓇𝕖𝙚", "free", {"compat": 4}),
        ("a\n\n\tb\u3000\u00a0c", "a b c", {"blank": 5}),
        ("a   b", "a b", {}),
        ("a \u200b b", "a b", {"invisible": 1}),
        ("\n a", " a", {"blank": 1}),
        ("請點擊領取", "请点击领取", {"traditional": 4}),
        ("\uf900", "岂", {"compat": 1}),
        ("加*微*信", "加微信", {"inserted": 2}),
        ("加★★微", "加微", {"inserted": 2}),
        ("加★★★微", "加★★★微", {}),  # a separator line, not a word
        ("fr*ee", "free", {"inserted": 1}),
        ("my_name 5*3 a-b", "my_name 5*3 a-b", {}),
        ("f.r.e.e now", "free now", {"inserted": 3}),
        ("w i n n now", "winn now", {"inserted": 3}),
        ("i a m ok", "i a m ok", {}),
        ("加 微 信 号", "加微信号", {"inserted": 3}),
        ("请加 微 信 号 码吧", "请加 微 信 号 码吧", {}),  # words at both ends: two single letters are too few
        ("1 3 8 0 0 1", "138001", {"inserted": 5}),
        ("1 2 3 4 5", "1 2 3 4 5", {}),
        ("电话一三八零0一", "电话138001", {"spelled": 5}),
        ("壹叁捌零零壹幺", "1380011", {"spelled": 7}),
        ("一 三 八 零 零 一", "138001", {"inserted": 5, "spelled": 6}),
        ("一二三四五", "一二三四五", {}),
        ("Y0ur pr1ze", "your prize", {"case": 1, "lookalike": 2}),
    ],
    ids=ascii,
)
def test_obfuscation_is_removed_and_counted(text: str, folded: str, kinds: dict[str, int]) -> None:
    assert fold_text(text) == folded
    assert changed_kinds(text) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "see you at six, bring 2 bags.",
        "今天晚上一起吃饭吗。",
        "恭喜您中奖了、请点击「链接」领取",
        "东、南、西、北,一二三四五,九九八十一,2013年10月12日 10:30-11:00",
        "买 2 送 1, 满100-20, 3.5折! e.g. this u.s. and/or it's 192.168.0.1 www.a.b.example",
        "谢谢~晚安 ^_^ 好的... 嗯-嗯",
        "これはペンです。ガギグゲゴぱぴぷぺぽ",
        "오늘 저녁에 만나요",
        "नमस्ते दुनिया",
        "مرحبا بالعالم",
        "สวัสดี",
        "🙂🚀",
    ],
    ids=ascii,
)
def test_ordinary_scripts_keep_their_spelling(text: str) -> None:
    assert fold_text(text) == text
    assert changed_kinds(text) == {}


def test_cyrillic_lookalikes_become_latin_and_other_letters_only_lose_marks() -> None:
    assert fold_text("мы идём домой") == "m" + "ы ид" + "em" + " д" + "omo" + "и"
    assert changed_kinds("мы идём домой") == {"lookalike": 5, "mark": 2}


def test_the_kinds_are_those_of_the_script() -> None:
    assert runpy.run_path(str(SCRIPT))["KINDS"] == CHARACTER_KINDS
    assert (*KINDS[:6], "inserted", "spelled") == OBFUSCATIONS


def test_lines_of_lookalikes_are_well_formed(lookalikes: list[list[str]]) -> None:
    assert {len(row) for row in lookalikes} == {3}
    chars = [row[0] for row in lookalikes]
    assert len(set(chars)) == len(chars)
    for char, letter, name in lookalikes:
        assert len(char) == 1
        assert letter in set("abcdefghijklmnopqrstuvwxyz")
        assert unicodedata.name(char) == name
        assert not char.isascii()


def test_every_lookalike_folds_to_its_letter(lookalikes: list[list[str]]) -> None:
    for char, letter, _ in lookalikes:
        assert fold_text(char) == letter
        assert changed_kinds(char) == {"lookalike": 1}
        assert fold_text(char.upper()) == letter


def test_the_stored_table_is_consistent(stored: dict[str, npt.NDArray[Any]]) -> None:
    source, kind, length, target = (stored[name] for name in ("source", "kind", "length", "target"))
    assert (np.diff(source.astype(np.int64)) > 0).all()
    assert len(source) == len(kind) == len(length)
    assert kind.max() < len(KINDS)
    assert length.max() <= 2
    assert length.sum() == len(target)
    assert not np.isin(target, source).any()


@pytest.mark.slow
def test_rebuilding_gives_the_stored_table(stored: dict[str, npt.NDArray[Any]]) -> None:
    version = str(stored["unicode_version"])
    if version != unicodedata.unidata_version:
        pytest.skip(f"fold.npz is of Unicode {version}; this Python has {unicodedata.unidata_version}")
    built = runpy.run_path(str(SCRIPT))["build"]()
    assert set(built) == set(stored)
    for name, array in stored.items():
        assert np.array_equal(built[name], array), name
        assert built[name].dtype == array.dtype
