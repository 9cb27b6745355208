"""Review capacity: days, alerts and shares."""

from typing import Any

import numpy as np
import pytest

from fraudsieve.training.evaluation.capacity import AS_FRAUDS, AT_LEAST, GIVEN, Capacity, count_days

NO_TIMES = np.array(["NaT", "NaT"], "M8[us]")


def capacity_of(*given: Any, **others: Any) -> Capacity:
    capacity = Capacity.of(*given, **others)
    assert capacity is not None
    return capacity


def test_days_from_first_to_last() -> None:
    assert count_days(np.array(["2026-05-01T23:59", "2026-05-02T00:01"], "M8[us]")) == 2
    assert count_days(NO_TIMES) is None
    assert count_days(None) is None


@pytest.mark.parametrize(
    ("frauds", "alerts", "why"), [(650, 650.0, AS_FRAUDS), (50, 50.0, AS_FRAUDS), (49, 50.0, AT_LEAST)]
)
def test_by_default_as_many_alerts_as_frauds(frauds: int, alerts: float, why: str) -> None:
    capacity = capacity_of(5000, 25, frauds=frauds)
    assert (capacity.alerts, capacity.why, capacity.flagged) == (alerts, why, alerts / 5000)
    assert capacity.per_day(capacity.alerts) == alerts / 25


def test_at_least_one_in_a_hundred() -> None:
    capacity = capacity_of(5000, 25)
    assert (capacity.alerts, capacity.per_day(capacity.alerts)) == (50.0, 2.0)
    assert capacity.points[capacity.place] == capacity.alerts
    assert capacity.points[-1] == 100.0
    assert len(capacity.points) == 20
    small = capacity_of(30, None)
    assert (small.alerts, small.per_day(3.0)) == (1.0, None)


@pytest.mark.parametrize("frauds", [60, 100])
def test_no_more_alerts_than_rows(frauds: int) -> None:
    capacity = capacity_of(100, None, frauds=frauds)
    assert capacity.points[capacity.place] == frauds
    assert capacity.points[-1] == 100.0
    assert (np.diff(capacity.points) >= 0).all()


def test_records_of_one_day_have_no_alerts_per_day_unless_they_are_given() -> None:
    order = capacity_of(1000, 1, frauds=200)
    assert (order.alerts, order.days, order.per_day(200)) == (200.0, None, None)
    given = capacity_of(1000, 1, 20.0, frauds=200)
    assert (given.alerts, given.days, given.per_day(20)) == (20.0, 1, 20.0)


@pytest.mark.parametrize(("alerts_per_day", "alerts"), [(8.0, 80.0), (1000.0, 500.0)])
def test_a_given_capacity_is_used(alerts_per_day: float, alerts: float) -> None:
    capacity = capacity_of(500, 10, alerts_per_day)
    assert (capacity.alerts, capacity.why) == (alerts, GIVEN)
    assert Capacity.of(500, None, alerts_per_day) is None


def test_a_share_of_the_records_gets_its_share_of_the_alerts() -> None:
    fifth = capacity_of(200, 10, 8.0, share=0.2)  # 1,000 records came in these days
    assert fifth.alerts == pytest.approx(16.0)
    assert fifth.per_day(fifth.alerts) == pytest.approx(8.0)
    usual = capacity_of(200, 10, share=0.2)
    assert usual.alerts == 2.0
    assert usual.per_day(2.0) == pytest.approx(1.0)
