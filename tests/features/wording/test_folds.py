"""Folds of whole campaigns."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.wording.fit import campaign_folds
from tests.profiles import examples

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 15)), min_size=1, max_size=60)


def pure(rows: list[tuple[int, int]]) -> tuple[Array, Array]:
    """Return classes and campaigns, with one class per campaign."""
    y, groups = np.array(rows).T
    return y, groups * 10 + y


@examples(150)
@given(ROWS, st.integers(2, 8), st.integers(0, 5))
def test_campaigns_stay_whole_and_every_fold_is_used(rows: list[tuple[int, int]], n_folds: int, seed: int) -> None:
    y, groups = np.array(rows).T  # campaigns of several classes too
    folds = campaign_folds(y, groups, n_folds, seed)
    assert folds.shape == y.shape
    assert all(len(set(folds[groups == group].tolist())) == 1 for group in groups)
    assert len(set(folds.tolist())) == min(n_folds, len(set(groups.tolist())))
    assert set(folds.tolist()) <= set(range(n_folds))


@examples(150)
@given(ROWS, st.integers(2, 8), st.integers(0, 5))
def test_each_class_is_spread_as_evenly_as_whole_campaigns_allow(
    rows: list[tuple[int, int]], n_folds: int, seed: int
) -> None:
    y, groups = pure(rows)
    folds = campaign_folds(y, groups, n_folds, seed)
    for name in set(y.tolist()):
        of_class = y == name
        campaigns = [len(set(groups[of_class & (folds == fold)].tolist())) for fold in range(n_folds)]
        rows_each = np.bincount(folds[of_class], minlength=n_folds)
        largest = np.unique(groups[of_class], return_counts=True)[1].max()
        assert max(campaigns) - min(campaigns) <= 1
        assert rows_each.max() - rows_each.min() <= largest


@given(ROWS, st.integers(2, 8), st.randoms(use_true_random=False))
def test_permuted_rows_get_permuted_folds(rows: list[tuple[int, int]], n_folds: int, random: Any) -> None:
    # Exactly so when campaigns have one class: that of the first row decides otherwise.
    y, groups = pure(rows)
    order = random.sample(range(len(y)), len(y))
    assert np.array_equal(
        campaign_folds(y[order], groups[order], n_folds, 0), campaign_folds(y, groups, n_folds, 0)[order]
    )


def test_folds_depend_only_on_the_seed() -> None:
    y = np.arange(200) % 2
    groups = np.arange(200)
    one = campaign_folds(y, groups, 5, 3)
    assert np.array_equal(one, campaign_folds(y.copy(), groups.copy(), 5, 3))
    assert not np.array_equal(one, campaign_folds(y, groups, 5, 4))


def test_rows_and_classes_balance_on_many_small_campaigns() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3000, 10_000)
    y = rng.choice(3, 3000, p=[0.9, 0.08, 0.02])[groups]
    folds = campaign_folds(y, groups, 5, 0)
    for name in range(3):
        share = np.bincount(folds[y == name], minlength=5) / (y == name).sum()
        assert share == pytest.approx([0.2] * 5, abs=0.03)


def test_a_campaign_of_several_classes_counts_as_the_class_of_its_first_row() -> None:
    y = np.array(["b", "a", "a", "b"])
    folds = campaign_folds(y, np.array([0, 0, 1, 2]), 2, 0)
    # Of class a there is one campaign (1), of class b the large one (0) comes before the small one (2).
    assert folds[0] == folds[1] != folds[2] == folds[3]


@pytest.mark.parametrize("names", [["spam", "ham"], [True, False], [3.0, 1.0]])
def test_classes_and_campaigns_may_have_any_type(names: list[Any]) -> None:
    y = np.array(names * 4)
    groups = np.array([f"campaign {i}" for i in range(8)], object)
    folds = campaign_folds(y, groups, 2, 0)
    assert np.bincount(folds).tolist() == [4, 4]
    assert np.bincount(folds[y == names[0]]).tolist() == [2, 2]


def test_fewer_campaigns_than_folds_make_fewer_folds() -> None:
    assert len(set(campaign_folds(np.array([0, 1, 1]), np.array([0, 1, 2]), 10, 0).tolist())) == 3
    assert len(set(campaign_folds(np.array([0, 1, 1]), np.array([7, 7, 7]), 10, 0).tolist())) == 1
    assert campaign_folds(np.array([]), np.array([]), 10, 0).tolist() == []


def test_no_fold_is_always_the_largest() -> None:
    y, groups = np.zeros(3), np.array([0, 0, 1])
    larger = {int(campaign_folds(y, groups, 2, seed)[0]) for seed in range(20)}
    assert larger == {0, 1}
