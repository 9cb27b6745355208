"""Near-duplicate groups."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.campaign.fingerprints import SIMILAR, fingerprints, near_duplicate_groups
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_text
from tests.profiles import examples

WORDS = ["prize", "call", "now", "parcel", "bank", "account", "held", "link", "click", "card", "verify", "code", "win"]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=5, max_size=9).map(" ".join)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=12)


def partition(texts: list[str]) -> set[frozenset[int]]:
    groups = near_duplicate_groups(texts)
    return {frozenset(np.flatnonzero(groups == group).tolist()) for group in set(groups.tolist())}


def shingles(text: str) -> set[str]:
    read = "".join("0" if char.isascii() and char.isdigit() else char for char in text)
    return {read[at : at + 3] for at in range(max(len(read) - 2, 1))}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("your parcel 123456 is held, pay 2.50 now", "your parcel 998877 is held, pay 9.99 now"),
        ("恭喜您获得88元红包，点击t.example/a1领取", "恭喜您获得95元红包，点击t.example/b7领取"),
        ("恭喜您获得８８元红包，点击t.example/a1领取", "恭喜您\u200b获得66元红包，点击t.example/b7领取"),
        ("WIN A FREE CRUISE! Call now", "wіn a frее cruise! call now"),
        (
            "dear customer, your bank account is locked, verify it today at secure-abc.example/login or lose access",
            "dear customer, your bank account is locked, verify it today at safe-xyz.example/enter or lose access",
        ),
        ("7", "3"),
        ("", "\u200b"),
        ("\ud800", "\udfff"),
    ],
)
def test_texts_that_differ_in_numbers_and_links_are_one_campaign(one: str, other: str) -> None:
    assert near_duplicate_groups(["unlike the rest", one, "quite another", other]).tolist() == [0, 1, 2, 1]


def test_different_texts_are_different_campaigns() -> None:
    texts = ["see you at six", "your parcel is held", "恭喜您中奖了", "今天晚上一起吃饭", "a", "b", "", "ab", "ba"]
    assert near_duplicate_groups(texts).tolist() == list(range(len(texts)))


def test_single_characters() -> None:
    assert near_duplicate_groups(list("aAbｂ中")).tolist() == [0, 0, 2, 2, 4]


def test_no_texts_have_no_groups() -> None:
    groups = near_duplicate_groups([])
    assert groups.shape == (0,)
    assert groups.dtype == np.int64


@examples(150)
@given(st.lists(ANYTHING | SENTENCES, max_size=12))
def test_groups_are_a_partition_numbered_by_first_members(texts: list[str]) -> None:
    groups = near_duplicate_groups(texts)
    assert len(groups) == len(texts)
    assert (groups <= np.arange(len(texts))).all()
    assert np.array_equal(groups[groups], groups)
    for i, text in enumerate(texts):
        twins = [j for j, other in enumerate(texts) if fold_text(other) == fold_text(text)]
        assert {groups[j] for j in twins} == {groups[i]}


@pytest.mark.slow
@examples(150)
@given(st.lists(SENTENCES, min_size=2, max_size=25), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_the_partition(texts: list[str], random: Any) -> None:
    order = random.sample(range(len(texts)), len(texts))
    shuffled = partition([texts[i] for i in order])
    assert {frozenset(order[i] for i in members) for members in shuffled} == partition(texts)


def test_the_order_of_rows_does_not_change_borderline_campaigns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        texts = []
        for _ in range(3):
            base = rng.choice(WORDS, 8)
            for _ in range(6):
                variant = base.copy()
                variant[rng.integers(0, 8, 2)] = rng.choice(WORDS, 2)
                texts.append(" ".join(variant.tolist()))
        order = rng.permutation(len(texts)).tolist()
        shuffled = partition([texts[i] for i in order])
        assert {frozenset(order[i] for i in members) for members in shuffled} == partition(texts)


def test_agreement_of_fingerprints_estimates_jaccard() -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(WORDS, 8)) for _ in range(60)]
    prints = fingerprints(pack(texts))
    errors = []
    for i in range(60):
        for j in range(i):
            one, other = shingles(texts[i]), shingles(texts[j])
            errors.append((prints[i] == prints[j]).mean() - len(one & other) / len(one | other))
    assert abs(np.mean(errors)) < 0.02
    assert np.abs(errors).max() < 5 * 0.0625


def test_similar_pairs_are_grouped_and_different_pairs_are_not() -> None:
    rng = np.random.default_rng(2)
    met = []
    for _ in range(40):
        words = rng.choice(WORDS, 30).tolist()
        changed = [*words[:14], "zzz", *words[15:]]
        one, other = " ".join(words), " ".join(changed)
        assert len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other)) > SIMILAR + 0.2
        met.append(len(set(near_duplicate_groups([one, other]).tolist())) == 1)
        letters = ["".join(rng.choice(list("abcdefghijklmnop"), 60)) for _ in range(2)]
        assert near_duplicate_groups(letters).tolist() == [0, 1]
    assert all(met)


def test_texts_with_a_third_in_common_share_bands_but_not_a_group() -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 150)
        one, other = "".join(letters[:100]), "".join(letters[50:])
        assert 0.25 < len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other)) < 0.4
        assert near_duplicate_groups([one, other]).tolist() == [0, 1]


def test_twenty_thousand_copies_take_a_few_seconds() -> None:
    near_duplicate_groups(["warm", "warm"])
    start = time.thread_time()
    groups = near_duplicate_groups([f"your parcel {i:06} is held, pay now at x.example" for i in range(20_000)])
    assert time.thread_time() - start < 3
    assert not groups.any()


def groups_by_sorting(texts: list[str]) -> list[int]:
    """Join each message to the least fingerprint of each of its buckets, one message after the other."""
    prints = [tuple(row.byteswap().tolist()) for row in fingerprints(pack([fold_text(text) for text in texts]))]
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        return i if parent[i] == i else root(parent[i])

    for band in range(0, 64, 4):
        first: dict[tuple[int, ...], int] = {}
        for i in sorted(range(len(texts)), key=lambda i: (prints[i], i)):
            other = first.setdefault(prints[i][band : band + 4], i)
            if sum(a == b for a, b in zip(prints[i], prints[other], strict=True)) >= SIMILAR * 64:
                low, high = sorted((root(i), root(other)))
                parent[high] = low
    return [root(i) for i in range(len(texts))]


@pytest.mark.parametrize("n_words", [3, 9, 20])
def test_groups_equal_those_of_a_plain_algorithm(n_words: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.features.campaign.fingerprints.CHUNK", 7)
    rng = np.random.default_rng(n_words)
    texts = [" ".join(rng.choice(WORDS, n_words)) for _ in range(40)]
    for _ in range(400):  # copies of copies, each with another word: many are about as similar as it takes
        words = texts[rng.integers(len(texts))].split()
        words[rng.integers(n_words)] = rng.choice(WORDS)
        texts.append(" ".join(words))
    assert near_duplicate_groups(texts).tolist() == groups_by_sorting(texts)
