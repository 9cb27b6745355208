"""Thresholds by alert volume, and the interval of the volume of as many records again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.recalibration.traffic import volume_interval, volume_point


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]) | st.floats(0, 1), min_size=1), st.floats(0, 1))
def test_the_share_is_not_exceeded_and_no_lower_threshold_keeps_it(scores: list[float], share: float) -> None:
    probability = np.array(scores)
    point = volume_point("capacity", probability, share, days=2.0)
    flagged = probability >= point.threshold
    assert point.flagged == flagged.mean() <= share + 1e-9
    assert point.alerts_a_day == pytest.approx(flagged.sum() / 2)
    assert point.problem is None
    if not flagged.all():
        assert (probability >= probability[~flagged].max()).sum() > int(share * len(scores))


@pytest.mark.parametrize("size", [1, 20])
def test_the_next_records_are_in_the_interval(size: int) -> None:
    rng, inside = np.random.default_rng(0), []
    groups = np.repeat(np.arange(2000 // size), size)
    for _ in range(400):
        first, second = (np.repeat(rng.random(2000 // size), size) for _ in range(2))
        threshold = volume_point("capacity", first, 0.1).threshold
        low, high = volume_interval(first >= threshold, groups)
        inside.append(low <= (second >= threshold).mean() <= high)
    assert 0.92 <= np.mean(inside) <= 0.99


def test_copies_make_the_interval_wider() -> None:
    flagged = np.arange(2000) < 100
    alone, copies = volume_interval(flagged, np.arange(2000)), volume_interval(flagged, np.arange(2000) // 20)
    assert copies[0] < alone[0] < 0.05 < alone[1] < copies[1]


def test_without_a_flagged_record_some_are_still_possible() -> None:
    low, high = volume_interval(np.zeros(500, bool), np.arange(500))
    assert low == 0
    assert 0 < high < 0.02
