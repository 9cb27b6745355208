"""Operating points: the rate is never exceeded, and no lower threshold would keep it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.models.thresholds import FALSE_POSITIVE_RATES, operating_points

Array = npt.NDArray[Any]

# Few distinct values, so that ties are the rule.
TIED = st.sampled_from([0.0, 1e-300, 0.1, 0.1 + 2**-56, 0.5, 1 - 2**-53, 1.0])
ROWS = st.lists(st.tuples(st.one_of(TIED, st.floats(0, 1)), st.booleans()), min_size=1, max_size=300)


def as_arrays(rows: list[tuple[float, bool]]) -> tuple[Array, Array]:
    probability, is_fraud = zip(*rows, strict=True)
    return np.array(probability), np.array(is_fraud)


@given(ROWS)
def test_no_rate_is_exceeded_and_no_lower_threshold_would_do(rows: list[tuple[float, bool]]) -> None:
    probability, is_fraud = as_arrays(rows)
    points = operating_points(probability, is_fraud)
    if is_fraud.all() or not is_fraud.any():
        assert points == ()
        return
    assert [point.name for point in points] == [f"false_positive_rate_{rate}" for rate in FALSE_POSITIVE_RATES]
    for rate, point in zip(FALSE_POSITIVE_RATES, points, strict=True):
        flagged = probability >= point.threshold
        assert point.false_positive_rate == flagged[~is_fraud].mean() <= rate
        assert point.recall == flagged[is_fraud].mean()
        assert point.flagged == flagged.mean()
        below = np.nextafter(point.threshold, -1)
        assert (probability >= below)[~is_fraud].mean() > rate


def test_the_first_rate_decides_and_the_points_are_ordered_as_their_rates() -> None:
    rng = np.random.default_rng(0)
    points = operating_points(rng.random(20_000), rng.random(20_000) < 0.1)
    assert points[0].name == "false_positive_rate_0.01"
    by_rate = [point.threshold for _, point in sorted(zip(FALSE_POSITIVE_RATES, points, strict=True))]
    assert by_rate == sorted(by_rate, reverse=True)
    assert [point.false_positive_rate for point in points] == pytest.approx(FALSE_POSITIVE_RATES, rel=0.1)


@pytest.mark.parametrize("n_clean", [100, 700, 2900, 5700, 12_300])
def test_a_whole_number_of_false_positives_is_allowed_in_full(n_clean: int) -> None:
    probability = np.append(np.arange(n_clean) / n_clean, 1.0)
    is_fraud = np.arange(n_clean + 1) == n_clean
    assert operating_points(probability, is_fraud)[0].false_positive_rate == 0.01


def test_ties_stay_below() -> None:
    probability = np.array([0.4] * 99 + [0.9] * 2 + [0.9])
    is_fraud = np.arange(102) == 101
    point = operating_points(probability, is_fraud)[0]
    assert (point.false_positive_rate, point.recall) == (0.0, 0.0)
    assert point.threshold > 0.9


def test_a_legitimate_message_as_sure_as_can_be_lets_nothing_be_flagged() -> None:
    point = operating_points(np.array([1.0, 1.0]), np.array([True, False]))[0]
    assert (point.flagged, point.recall) == (0.0, 0.0)
    assert point.threshold > 1


@pytest.mark.parametrize("truth", [True, False])
def test_without_one_of_the_kinds_there_are_no_points(truth: bool) -> None:
    assert operating_points(np.array([0.1, 0.9]), np.array([truth, truth])) == ()
    assert operating_points(np.zeros(0), np.zeros(0, bool)) == ()


def test_two_rows_are_enough() -> None:
    point = operating_points(np.array([0.2, 0.3]), np.array([False, True]))[0]
    assert (point.false_positive_rate, point.recall, point.flagged) == (0.0, 1.0, 0.5)
    assert 0.2 < point.threshold <= 0.3
