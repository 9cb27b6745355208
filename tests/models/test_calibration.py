"""Calibration: parameters that it recovers, and properties that it preserves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score

from fraudsieve._typing import Array
from fraudsieve.models.calibration import Calibration, fit_calibration, log_sigmoids, probabilities
from tests.profiles import examples

SLOPES = st.floats(np.exp(-6), np.exp(6))  # the bounds of the fit
BINARY = st.builds(Calibration, SLOPES, SLOPES, st.floats(-6, 6))
SEVERAL = st.builds(Calibration, SLOPES)


def draw(calibration: Calibration, log_odds: Array, seed: int = 0) -> Array:
    """Draw classes with the probabilities that a calibration gives."""
    chance = np.random.default_rng(seed).random((len(log_odds), 1))
    shares = probabilities(calibration.apply(log_odds)).cumsum(axis=1)
    return np.asarray((chance > shares[:, :-1]).sum(axis=1))


@pytest.mark.parametrize(
    "truth", [Calibration(), Calibration(0.5, 1.6, -0.7), Calibration(2.0, 0.4, 1.0), Calibration(0.2, 0.2, -3.0)]
)
def test_the_parameters_of_two_classes_are_recovered(truth: Calibration) -> None:
    log_odds = np.random.default_rng(1).normal(0, 2.5, (100_000, 1))
    fitted = fit_calibration(log_odds, draw(truth, log_odds))
    assert (fitted.low, fitted.high) == pytest.approx((truth.low, truth.high), rel=0.1)
    assert fitted.shift == pytest.approx(truth.shift, abs=0.1)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 3.0])
def test_the_temperature_of_more_classes_is_recovered(temperature: float) -> None:
    log_odds = np.random.default_rng(1).normal(0, 2, (30_000, 4))
    fitted = fit_calibration(log_odds, draw(Calibration(1 / temperature), log_odds))
    assert fitted.low == pytest.approx(1 / temperature, rel=0.05)
    assert fitted.shift == 0


def test_calibrated_probabilities_equal_observed_rates() -> None:
    log_odds = np.random.default_rng(1).normal(-3, 2, (100_000, 1))
    y = draw(Calibration(0.6, 1.3, -0.5), log_odds)
    fraud = probabilities(fit_calibration(log_odds, y).apply(log_odds))[:, 1]
    for tenth in np.array_split(np.argsort(fraud), 10):
        spread = 5 * np.sqrt(fraud[tenth].mean() / len(tenth))
        assert fraud[tenth].mean() == pytest.approx(y[tenth].mean(), abs=spread)


def test_a_weight_of_two_equals_a_repeated_row() -> None:
    log_odds = np.random.default_rng(1).normal(0, 2, (500, 1))
    y = draw(Calibration(0.5, 2.0, 0.3), log_odds)
    twice = np.arange(500) % 3 == 0
    weighted = fit_calibration(log_odds, y, np.where(twice, 2.0, 1.0))
    repeated = fit_calibration(np.vstack([log_odds, log_odds[twice]]), np.append(y, y[twice]))
    assert (weighted.low, weighted.high) == pytest.approx((repeated.low, repeated.high), rel=1e-3)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("n_rows", [0, 1, 2])
def test_a_few_rows_stay_away_from_the_bounds(n_rows: int, n_outputs: int) -> None:
    fitted = fit_calibration(np.full((n_rows, n_outputs), 0.5), np.zeros(n_rows, int))
    if n_rows == 0:
        assert (fitted.low, fitted.high, fitted.shift) == pytest.approx((1, 1, 0), abs=1e-6)
    assert 0.05 < fitted.low < 20
    assert 0.05 < fitted.high < 20


@given(BINARY, st.floats(-35, 35), st.floats(1e-5, 70))
def test_two_classes_are_calibrated_strictly_monotonely(calibration: Calibration, low: float, step: float) -> None:
    smaller, larger = calibration.apply(np.array([[low], [low + step]]))[:, 0]
    assert smaller < larger


@given(BINARY, st.integers(0, 2**32 - 1))
def test_calibration_creates_no_ties_and_keeps_the_order(calibration: Calibration, seed: int) -> None:
    log_odds = np.random.default_rng(seed).uniform(-20, 20, (1000, 1)).round(6)
    after = calibration.apply(log_odds)
    assert len(np.unique(after)) == len(np.unique(log_odds))
    assert (np.argsort(after[:, 0], kind="stable") == np.argsort(log_odds[:, 0], kind="stable")).all()


def test_average_precision_and_distinct_probabilities_stay() -> None:
    log_odds = np.random.default_rng(1).normal(-2, 2, (5000, 1)).round(4)
    y = draw(Calibration(0.4, 2.0, -1.0), log_odds)
    fitted = fit_calibration(log_odds, y)
    before, after = probabilities(log_odds)[:, 1], probabilities(fitted.apply(log_odds))[:, 1]
    assert average_precision_score(y, before) == average_precision_score(y, after)
    assert len(np.unique(before)) == len(np.unique(after)) == len(np.unique(log_odds))


@given(SEVERAL, hnp.arrays(float, (20, 5), elements=st.floats(-50, 50).map(lambda value: round(value, 6))))
def test_the_likeliest_of_more_classes_stays(calibration: Calibration, log_odds: Array) -> None:
    after = probabilities(calibration.apply(log_odds))
    likeliest = np.take_along_axis(after, log_odds.argmax(axis=1)[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(likeliest, after.max(axis=1))


@given(
    st.one_of(BINARY, SEVERAL),
    hnp.arrays(float, st.tuples(st.integers(0, 8), st.integers(1, 5)), elements=st.floats(-1e3, 1e3)),
)
def test_probabilities_are_finite_and_sum_to_one(calibration: Calibration, log_odds: Array) -> None:
    after = probabilities(calibration.apply(log_odds))
    assert after.shape == (len(log_odds), max(2, log_odds.shape[1]))
    assert ((after >= 0) & (after <= 1)).all()
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("n_outputs", [1, 4])
def test_extreme_log_odds_are_fitted_and_calibrated(n_outputs: int) -> None:
    log_odds = np.array([[1e3], [-1e3], [1e3], [-1e3], [0.0]]) * np.linspace(1, -1, n_outputs)
    fitted = fit_calibration(log_odds, np.array([1, 0, 0, 1, 0]))
    assert np.isfinite([fitted.low, fitted.high, fitted.shift]).all()
    assert np.isfinite(fitted.apply(log_odds)).all()
    assert np.isfinite(probabilities(fitted.apply(log_odds))).all()


@given(st.floats(-1e6, 1e6))
def test_the_default_changes_nothing(value: float) -> None:
    log_odds = np.array([[value]])
    assert Calibration().apply(log_odds)[0, 0] == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert log_sigmoids(log_odds)[0][0, 0] <= 0
    assert Calibration().apply(np.array([[value, 1.0]])).tolist() == [[value, 1.0]]


@examples(20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_fit_is_never_worse_than_no_calibration(seed: int, n_outputs: int) -> None:
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0, 4, (200, n_outputs))
    y = rng.integers(max(2, n_outputs), size=200)

    def loss(calibration: Calibration) -> float:
        return float(-np.log(probabilities(calibration.apply(log_odds))[np.arange(200), y]).sum())

    assert loss(fit_calibration(log_odds, y)) <= loss(Calibration()) + 1e-6
