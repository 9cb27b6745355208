"""Custom lists: normalised entries, clear errors, and how they join the built-in tables."""

from typing import Any

import numpy as np
import pytest

from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.features.cues.matrix import CUES, cues_and_shape
from fraudsieve.features.cues.numbers import number_kernel
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.text.codepoints import new_spans, pack
from fraudsieve.features.text.fold import fold_codes

LISTS = CustomLists.of(
    words={"gambling": ["Baccarat", "百家乐", "🎰"], "chat": ["t.me/", "加-V"]},
    brands={"icbc": ["icbc.com.cn", "icbc-ltd.com"], "paybird": []},
    hotlines=["0800-123", "+44 20 7123 4567", "13800138000"],
    short_hosts=["goo.gs"],
)


def cue(text: str, name: str, lists: CustomLists = LISTS) -> int:
    return int(cues_and_shape(fold_codes(pack([text]))[0], None, lists)[0, CUES.index(name)])


def words(text: str) -> list[float]:
    counts: list[float] = LISTS.count_words(fold_codes(pack([text]))[0])[0].tolist()
    return counts


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("ＢＡＣＣＡＲＡＴ", [1, 0]),
        ("ba\u200bccarat and 百*家*乐", [2, 0]),
        ("baccarats", [0, 0]),
        ("🎰🎰 百家樂", [3, 0]),
        ("see t.me/abc", [0, 1]),
        ("nothing", [0, 0]),
    ],
)
def test_words_are_found_in_obfuscated_text(text: str, counts: list[float]) -> None:
    assert words(text) == counts


@pytest.mark.parametrize(
    ("host", "n"),
    [
        ("icbc.com.cn", 0),
        ("www.icbc.com.cn", 0),
        ("icbc-ltd.com", 0),
        ("icbc.shop", 1),
        ("icbc.cn", 1),
        ("paybird.shop", 0),
        ("paybird-help.com", 1),
    ],
)
def test_a_brand_with_domains_owns_these_alone(host: str, n: int) -> None:
    assert cue(f"see {host}/x now", "lookalike_brands") == n


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("call 0800 123 now", 1),
        ("call 0800-1234 now", 0),
        ("call +44 (20) 7123 4567", 1),
        ("138 0013 8000", 1),
        ("13800138001", 0),
        ("pay $0800123", 0),
        ("95588", 1),
    ],
)
def test_own_hotlines_join_the_built_in_ones(text: str, n: int) -> None:
    assert cue(text, "hotlines") == n
    assert cue(text, "phones_cn") == (text == "13800138001")


def test_a_number_is_a_hotline_only_for_the_model_that_lists_it() -> None:
    assert cue("138 0013 8000", "hotlines", CustomLists()) == 0
    assert cue("138 0013 8000", "phones_cn", CustomLists()) == 1


def test_own_short_hosts_join_the_built_in_ones() -> None:
    assert [cue(f"see {host}/a1", "shorteners") for host in ("goo.gs", "bit.ly", "goo.example.com")] == [1, 1, 0]
    assert cue("see goo.gs/a1", "shorteners", CustomLists()) == 0


def test_lists_change_no_other_column_and_add_one_a_group() -> None:
    texts = ["hello 百家乐", "call 13900000000 or bit.ly/x", "see you at six"]
    plain, own = MessageMatrix(None), MessageMatrix(None, lists=LISTS)
    assert set(own.columns) - set(plain.columns) == {"cues__own_gambling", "cues__own_chat"}
    at = [own.columns.index(name) for name in plain.columns]
    np.testing.assert_array_equal(own.compute(texts)[:, at], plain.compute(texts))


def test_lists_are_restored_from_plain_types() -> None:
    assert CustomLists.of(**LISTS.to_dict()) == LISTS
    assert not CustomLists.of()


@pytest.mark.parametrize(
    ("lists", "text"),
    [
        ({"words": {"a": ["\u200b"]}}, "words.a: expected words that normalisation does not remove, got '\\\\u200b'"),
        ({"words": {"a": ["Ⓧ"]}}, "words.a: expected words of two or more letters, digits or signs, got 'Ⓧ'"),
        ({"words": {"a": ["x" * 65]}}, "words.a: expected words of at most 64 characters, got"),
        ({"words": {"a": ["Bonus", "ｂonus"]}}, "words.a: expected every entry once after normalisation, got 'Bonus'"),
        ({"words": {"a": ["bonus"], "b": ["BONUS"]}}, "expected every word in one group, got 'bonus' in a and b"),
        ({"words": {"a b": ["bonus"]}}, "words: expected groups named by letters, digits and _, got 'a b'"),
        ({"words": {"a": []}}, "words.a: expected at least one word, got none"),
        ({"words": {f"g{n}": [f"word{n}"] for n in range(101)}}, "expected at most 100 groups, got 101"),
        (
            {"words": {"a": [chr(0xAC00 + n) * 60 for n in range(3000)]}},
            "whose table fits into 256 MB, got 3,000 words",
        ),
        ({"brands": {"icbc": ["icbc"]}}, "brands.icbc: expected domains under a public suffix"),
        ({"brands": {"icbc": ["www.icbc.com.cn"]}}, "expected registered domains, such as icbc.com.cn, got 'www"),
        ({"brands": {"icbc": [], "ICBC": []}}, "brands: expected every brand once"),
        ({"brands": [f"brand{n}" for n in range(1001)]}, "expected at most 1000 brands, got 1001"),
        ({"hotlines": ["12"]}, "hotlines: expected numbers of 3 to 15 digits, got '12'"),
        ({"hotlines": ["95-588", "95588"]}, "hotlines: expected every entry once after normalisation, got '95-588'"),
        ({"short_hosts": ["go.bit.ly"]}, "short_hosts: expected registered domains, such as bit.ly, got 'go.bit.ly'"),
        ({"short_hosts": ["http://bit.ly"]}, "short_hosts: expected domains under a public suffix"),
    ],
)
def test_wrong_entries_are_errors_that_name_list_and_entry(lists: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        CustomLists.of(**lists)


@pytest.mark.parametrize("text", ["110", "110 119", "110 119 110", "call 110"])
def test_the_shortest_hotlines_fit_into_the_array_of_spans(text: str) -> None:
    lists = CustomLists.of(hotlines=["110", "119"])
    texts = fold_codes(pack([text] * 1000))[0]
    spans = new_spans(texts)
    guarded = np.zeros((len(spans) + len(texts.codes), 4), np.int64)  # room for whatever the kernel writes
    n_written = number_kernel(texts.codes, texts.offsets, lists.tables[1], guarded)
    assert n_written == 1000 * (text.count("110") + text.count("119"))
    assert n_written <= len(spans)
    assert cue(text, "hotlines", lists) == n_written / 1000


@pytest.mark.parametrize("lists", [{"words": {"a": "bonus"}}, {"hotlines": [95588]}, {"short_hosts": "bit.ly"}])
def test_lists_of_other_types_are_errors(lists: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="expected a list of strings"):
        CustomLists.of(**lists)
