"""Surprisal: comparison with the formula, and out-of-fold values of training texts."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.wording import surprisal
from fraudsieve.features.wording.surprisal import SURPRISALS, CharacterModel, count_characters, surprisal_out_of_fold

SEEN = ["see you at six", "see you at home", "dinner at six", "ok"]


def model_of(texts: list[str]) -> CharacterModel:
    return CharacterModel(*count_characters(pack(texts), np.arange(len(texts))))


def by_hand(text: str, seen: list[str]) -> list[float]:
    """Compute the same with dictionaries."""
    chars: dict[str, int] = {}
    pairs: dict[str, int] = {}
    for one in seen:
        for before, char in zip(["begin", *one], one, strict=False):
            pairs[before + char] = pairs.get(before + char, 0) + 1
        for char in ["begin", *one]:
            chars[char] = chars.get(char, 0) + 1
    total = sum(chars.values()) + surprisal.UNSEEN_COUNT * (len(chars) + surprisal.UNSEEN_KINDS)
    alone, after = [], []
    for before, char in zip(["begin", *text], text, strict=False):
        share = (chars.get(char, 0) + surprisal.UNSEEN_COUNT) / total
        alone.append(-math.log(share))
        above = pairs.get(before + char, 0) + surprisal.PRIOR * share
        after.append(-math.log(above / (chars.get(before, 0) + surprisal.PRIOR)))
    found = []
    for values in (alone, after):
        width = min(len(values), surprisal.STRETCH)
        worst = max(sum(values[at : at + width]) / width for at in range(len(values) - width + 1))
        found += [float(np.mean(values)), float(np.std(values)), worst]
    return found


@pytest.mark.parametrize("text", ["see you at six", "s", "zzz", "see yxu at s*i*x tonight", "中奖 see"])
def test_surprisal_equals_the_formula(text: str) -> None:
    np.testing.assert_allclose(model_of(SEEN).surprisal(pack([text]))[0], by_hand(text, SEEN), rtol=1e-9, atol=1e-7)


def test_unusual_text_has_higher_surprisal() -> None:
    plain, star, swapped = model_of(SEEN).surprisal(pack(["see you at six", "see y*u at six", "six at ees yuo"]))
    assert star[SURPRISALS.index("char_worst")] > plain[SURPRISALS.index("char_worst")]
    assert swapped[SURPRISALS.index("char_mean")] == pytest.approx(plain[SURPRISALS.index("char_mean")])
    assert swapped[SURPRISALS.index("pair_mean")] > plain[SURPRISALS.index("pair_mean")] + 0.5


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=30), min_size=1, max_size=4))
def test_surprisal_is_finite_and_independent_of_other_texts(texts: list[str]) -> None:
    model = model_of(SEEN)
    whole = model.surprisal(pack(texts))
    assert np.isfinite(whole).all()
    assert (whole >= 0).all()
    np.testing.assert_array_equal(whole, np.vstack([model.surprisal(pack([text])) for text in texts]))


def test_no_text_contributes_to_its_own_surprisal() -> None:
    texts = pack([*SEEN, "win a prize"])
    legitimate, folds = np.array([True, True, True, True, False]), np.array([0, 1, 0, 1, 1])
    model, found = surprisal_out_of_fold(texts, legitimate, folds)
    for row, others in {0: [1, 3], 1: [0, 2], 4: [0, 2]}.items():
        np.testing.assert_array_equal(found[row], model_of([SEEN[i] for i in others]).surprisal(texts)[row])
    np.testing.assert_array_equal(model.chars, model_of(SEEN).chars)
    np.testing.assert_array_equal(model.pairs, model_of(SEEN).pairs)


def test_a_copy_holds_the_counts_alone() -> None:
    model = model_of(SEEN)
    before = len(pickle.dumps(model))
    expected = model.surprisal(pack(["see you"]))
    copied = pickle.dumps(model)
    assert len(copied) == before
    np.testing.assert_array_equal(pickle.loads(copied).surprisal(pack(["see you"])), expected)
