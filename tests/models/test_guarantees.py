"""Rates with a guarantee: the binomial bound, how many groups it needs, and one draw of each group."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from fraudsieve.models.guarantees import allowed_false_positives, draw_of_groups, upper_rate


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("n", [0, 1, 5, 59, 300, 2995, 100_000])
def test_the_allowed_number_is_the_largest_that_the_binomial_distribution_allows(
    n: int, rate: float, confidence: float
) -> None:
    allowed = allowed_false_positives(n, rate, confidence)
    assert allowed == -1 or binom.cdf(allowed, n, rate) <= 1 - confidence
    assert binom.cdf(allowed + 1, n, rate) > 1 - confidence


@pytest.mark.parametrize(("rate", "needed"), [(0.001, 2995), (0.01, 299), (0.05, 59), (0.5, 5)])
def test_with_fewer_groups_no_rate_can_be_promised(rate: float, needed: int) -> None:
    assert allowed_false_positives(needed, rate) == 0
    assert allowed_false_positives(needed - 1, rate) == -1


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 100), (100, 100), (40, 5000)])
def test_the_upper_bound_is_that_of_clopper_and_pearson(hits: int, n: int) -> None:
    exact = binomtest(hits, n, alternative="less").proportion_ci(0.95).high
    assert upper_rate(hits, n) == pytest.approx(exact)


def test_a_draw_has_one_row_of_every_group_and_each_is_equally_probable() -> None:
    groups = np.array([5, 5, 5, 5, 1, 2, 2])
    draws = np.array([draw_of_groups(groups, seed) for seed in range(2000)])
    assert all(sorted(groups[draw]) == [1, 2, 5] for draw in draws)
    assert (np.diff(draws) > 0).all()
    shares = np.bincount(draws[:, 0], minlength=4) / len(draws)
    assert shares[:4] == pytest.approx([0.25] * 4, abs=0.05)
    assert draw_of_groups(groups).tolist() == draw_of_groups(groups).tolist()
    assert draw_of_groups(groups[:0]).tolist() == []


def test_the_true_rate_exceeds_the_promise_in_at_most_one_slice_of_twenty() -> None:
    # 400 independent records of a uniform score: a threshold t has the true rate 1 - t.
    rng, exceeded = np.random.default_rng(0), 0
    allowed = allowed_false_positives(400, 0.02)
    for _ in range(4000):
        ranked = np.sort(rng.random(400))
        exceeded += 1 - ranked[400 - allowed - 1] > 0.02
    expected = binom.cdf(allowed, 400, 0.02)
    assert exceeded / 4000 == pytest.approx(expected, abs=0.012)
    assert expected <= 0.05
