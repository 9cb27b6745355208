"""Binning: edges at values of the reference, own bins for ties and missing values, each row in one bin."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.monitoring.drift import Binning

VALUES = st.lists(st.one_of(st.just(np.nan), st.integers(-5, 5).map(float)), min_size=1, max_size=60)


def column(values: list[float]) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def filled(counts: np.ndarray) -> list[int]:
    return [int(n) for n in counts[0] if n]


@given(VALUES, VALUES, st.booleans())
def test_every_row_is_in_one_bin(reference: list[float], current: list[float], coded: bool) -> None:
    bins = Binning.of(column(reference), np.array([coded]))
    inside = np.stack(list(bins.inside(column(current))))
    assert (inside.sum(axis=0) == 1).all()
    assert bins.counts(column(current)).sum() == len(current)
    assert bins.counts(column(current))[0, -1] == np.isnan(current).sum()


def test_without_ties_bins_are_of_equal_size() -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 3))
    counts = Binning.of(rows).counts(rows)
    assert [filled(counts[k : k + 1]) for k in range(3)] == [[100] * 10] * 3


def test_a_column_that_is_mostly_zero_keeps_its_zeros_apart() -> None:
    rare = column([0.0] * 950 + [1.0] * 50)
    assert filled(Binning.of(rare).counts(rare)) == [950, 50]
    two = column([0.0] * 500 + [1.0] * 300 + [2.0] * 200)
    assert filled(Binning.of(two).counts(two)) == [500, 300, 200]


def test_values_above_below_and_missing_leave_the_bin_of_a_constant() -> None:
    bins = Binning.of(column([3.0] * 100))
    assert filled(bins.counts(column([3.0] * 7 + [2.9] * 2 + [3.1] + [np.nan] * 4))) == [2, 7, 1, 4]


def test_a_column_that_was_always_missing() -> None:
    bins = Binning.of(column([np.nan] * 10))
    assert filled(bins.counts(column([np.nan] * 3 + [1.0] * 2))) == [2, 3]


def test_frequent_categories_have_bins_of_their_own() -> None:
    codes = column([0.0] * 600 + [1.0] * 395 + [2.0] * 4 + [-1.0])
    bins = Binning.of(codes, np.array([True]))
    assert filled(bins.counts(codes)) == [1, 600, 395, 4]
    assert filled(bins.counts(column([-1.0] * 50 + [1.0]))) == [50, 1]
    plain = Binning.of(codes)
    assert filled(plain.counts(codes)) == [1, 600, 395, 4]  # here ties are as heavy


def test_a_rare_category_has_a_bin_but_a_rare_number_has_none() -> None:
    codes = column([0.0] * 940 + [1.0] * 30 + [2.0] * 30)
    assert filled(Binning.of(codes, np.array([True])).counts(codes)) == [940, 30, 30]
    assert filled(Binning.of(codes).counts(codes)) == [940, 60]
