"""Likelihood ratios: the worked example of Vergeer et al., the scale of ENFSI, and properties."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import beta

from fraudsieve.models.guarantees import rate_bounds
from fraudsieve.models.likelihood_ratios import (
    describe_strength,
    log10_likelihood_ratio,
    log10_ratio_bounds,
    support_of,
)


def bounds(ratios: list[float], frauds: list[int]) -> tuple[float, float]:
    with np.errstate(divide="ignore"):
        low, high = log10_ratio_bounds(np.log10(np.array(ratios, float)), np.array(frauds, bool))
    return 10**low, 10**high


@pytest.mark.parametrize("positive", [1000.0, 90.0])
def test_the_breath_analyser_of_vergeer_et_al(positive: float) -> None:
    """1,000 sober drivers of whom 10 test positive, 100 drunk ones of whom 10 test negative."""
    ratios = [0.101] * 990 + [positive] * 10 + [positive] * 90 + [0.101] * 10
    low, high = bounds(ratios, [0] * 1000 + [1] * 100)
    # With one misleading row more of each kind: 11 of 1,001 are misled and 11 of 101 missed.
    assert high == pytest.approx((90 / 101) / (11 / 1001))
    assert low == pytest.approx((11 / 101) / (990 / 1001))


@pytest.mark.parametrize(
    ("ratios", "frauds", "expected"),
    [
        ([np.inf, 0], [1, 0], (1, 1)),
        ([np.inf] * 3 + [0] * 3, [1] * 3 + [0] * 3, (1 / 3, 3)),
        ([0.01, 0.1, 1, 10, 100], [1, 1, 1, 0, 0], (1, 1)),  # ratios that mislead
        ([0.01, 0.1, 1, 10, 100], [0, 0, 1, 1, 1], (0.375, 1.5)),
    ],
)
def test_small_sets(ratios: list[float], frauds: list[int], expected: tuple[float, float]) -> None:
    assert bounds(ratios, frauds) == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.integers(-90, 90).map(lambda tenths: tenths / 10), st.booleans()), min_size=1, max_size=30)
)
def test_bounds_agree_with_the_costs_of_every_threshold(rows: list[tuple[float, bool]]) -> None:
    ratio, fraud = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    low, high = log10_ratio_bounds(ratio, fraud)

    def costs_more(threshold: float) -> bool:
        missed = ((ratio[fraud] <= threshold).sum() + 1) / (fraud.sum() + 1)
        misled = ((ratio[~fraud] > threshold).sum() + 1) / ((~fraud).sum() + 1)
        return bool(missed + 10**threshold * misled > min(1.0, 10**threshold) * (1 + 1e-9))

    assert low <= 0 <= high
    inside = np.linspace(low + 1e-6, high - 1e-6, 101)
    assert not any(costs_more(threshold) for threshold in inside if abs(threshold) > 1e-6 and low < threshold < high)
    assert costs_more(high + 1e-6)
    assert costs_more(low - 1e-6)


def test_ratios_are_odds_over_odds_within_bounds() -> None:
    p = np.array([0.0, 0.1, 0.2, 1.0])
    assert log10_likelihood_ratio(p, 0.1, (-3, 2)) == pytest.approx([-3, 0, np.log10(2.25), 2])


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.5, "no support for either"),
        (0.6, "no support for either"),
        (2, "weak support for fraud"),
        (50, "moderate support for fraud"),
        (500, "moderately strong support for fraud"),
        (5_000, "strong support for fraud"),
        (50_000, "very strong support for fraud"),
        (5e6, "extremely strong support for fraud"),
        (np.inf, "extremely strong support for fraud"),
        (0.02, "moderate support for a legitimate record"),
    ],
)
def test_words_of_the_enfsi_guideline(ratio: float, words: str) -> None:
    assert describe_strength(float(np.log10(ratio))) == words


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1)]
)
def test_intervals_of_clopper_and_pearson(hits: int, n: int, low: float, high: float) -> None:
    assert rate_bounds(hits / n, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@example((7, 100))  # 7 / 100 * 100 is 7.000000000000001
@example((9, 11))
def test_a_rate_stands_for_its_number_of_rows(rows: tuple[int, int]) -> None:
    hits, n = rows
    low = beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    assert rate_bounds(hits / n, n) == pytest.approx((low, high), abs=1e-9)


@given(st.floats(0.0, 1.0), st.integers(1, 10_000))
def test_an_interval_has_its_rate(rate: float, n: int) -> None:
    low, high = rate_bounds(rate, n)
    assert 0 <= low <= rate <= high <= 1


def test_support_counts_groups_of_each_kind() -> None:
    probability, is_fraud = np.array([0.9, 0.8, 0.2, 0.1, 0.1]), np.array([1, 1, 0, 0, 0], bool)
    support = support_of(probability, is_fraud, np.array(["a", "a", "b", "c", "c"]))
    assert support is not None
    assert (support.frauds, support.legitimate, support.fraud_groups, support.legitimate_groups) == (2, 3, 1, 2)
    assert support.fraud_share == 0.4
    assert support_of(probability, np.ones(5, bool), np.arange(5)) is None
