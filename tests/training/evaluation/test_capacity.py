"""Review capacity: days, alerts and shares."""

import numpy as np
import pytest

from fraudsieve.training.evaluation.capacity import Capacity, count_days

NO_TIMES = np.array(["NaT", "NaT"], "M8[us]")


def test_days_from_first_to_last() -> None:
    assert count_days(np.array(["2026-05-01T23:59", "2026-05-02T00:01"], "M8[us]")) == 2
    assert count_days(NO_TIMES) is None
    assert count_days(None) is None


def test_by_default_one_in_a_hundred() -> None:
    capacity = Capacity.of(5000, 25)
    assert capacity is not None
    assert (capacity.alerts, capacity.given, capacity.per_day(capacity.alerts)) == (50.0, False, 2.0)
    assert capacity.points[capacity.place] == capacity.alerts
    assert capacity.points[-1] == 100.0
    assert len(capacity.points) == 20
    small = Capacity.of(30, None)
    assert small is not None
    assert (small.alerts, small.per_day(3.0)) == (1.0, None)


@pytest.mark.parametrize(("alerts_per_day", "alerts"), [(8.0, 80.0), (1000.0, 500.0)])
def test_a_given_capacity_is_used(alerts_per_day: float, alerts: float) -> None:
    capacity = Capacity.of(500, 10, alerts_per_day)
    assert capacity is not None
    assert (capacity.alerts, capacity.given) == (alerts, True)
    assert Capacity.of(500, None, alerts_per_day) is None


def test_a_share_of_the_records_gets_its_share_of_the_alerts() -> None:
    fifth = Capacity.of(200, 10, 8.0, share=0.2)  # 1,000 records came in these days
    assert fifth is not None
    assert fifth.alerts == pytest.approx(16.0)
    assert fifth.per_day(fifth.alerts) == pytest.approx(8.0)
    usual = Capacity.of(200, 10, share=0.2)
    assert usual is not None
    assert usual.alerts == 2.0
    assert usual.per_day(2.0) == pytest.approx(1.0)
