"""Tests of the calibrated share of training records that are less unfamiliar."""

import numpy as np
import pytest
from scipy.stats import kstest

from fraudsieve.models.unlike_training.distance import fit_distance
from fraudsieve.models.unlike_training.shares import MAX_VALUES, UnlikeTraining, calibrate_distance


def fit(n: int) -> UnlikeTraining:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2 * n, 5))
    distance = fit_distance(X[:n], np.arange(5))
    return calibrate_distance(distance, distance.apply(X[n:]), np.zeros(5))


@pytest.mark.parametrize("n", [200, 3000])
def test_the_share_of_rows_from_the_same_distribution_is_uniform(n: int) -> None:
    shares = fit(n).apply(np.random.default_rng(2).normal(size=(400, 5)))
    # The critical value of two samples at the level .01: the calibration rows are a sample, too.
    assert kstest(shares, "uniform").statistic < 1.63 * np.sqrt(1 / n + 1 / 400)


def test_the_share_rises_with_the_distance_and_stays_below_one() -> None:
    unlike = fit(300)
    X = np.linspace(0, 7, 200)[:, None] * np.ones((1, 5))
    order = np.argsort(unlike.distance.apply(X), kind="stable")
    shares = unlike.apply(X)[order]
    assert (np.diff(shares) >= 0).all()
    assert shares[-1] > 0.9999
    assert ((shares >= 0) & (shares <= 1)).all()


def test_few_rows_of_calibration_claim_little() -> None:
    unlike = fit(20)
    assert unlike.shares[-1] == pytest.approx(20 / 21)
    assert unlike.apply(np.full((1, 5), 100.0))[0] > 0.999


def test_many_rows_are_kept_as_few_values_with_the_strangest_exactly() -> None:
    unlike = fit(5000)
    assert len(unlike.values) == len(unlike.shares) <= MAX_VALUES
    assert unlike.shares[-3:] == pytest.approx(np.array([4998, 4999, 5000]) / 5001)


def test_equal_rows_share_the_middle_of_their_ranks() -> None:
    distance = fit_distance(np.zeros((9, 1)), np.array([0]))
    unlike = calibrate_distance(distance, distance.apply(np.zeros((9, 1))), np.zeros(1))
    assert unlike.apply(np.zeros((2, 1))).tolist() == [0.5, 0.5]
