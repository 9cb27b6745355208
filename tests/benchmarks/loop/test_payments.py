"""The simulated payments of the loop: when they arrive, and when their labels do."""

import pandas as pd
import pytest
from benchmarks.loop.months import Plan
from benchmarks.loop.payments import Payments, as_records, simulate_payments


@pytest.fixture(scope="module")
def payments() -> Payments:
    return simulate_payments(30, 12.0)


def test_labels_come_late_and_out_of_order(payments: Payments) -> None:
    labels = payments.labels.merge(payments.events, left_on="subject_id", right_on="event_id")
    delays = (labels["labelled_at"] - labels["occurred_at"]).dt.total_seconds() / 86_400
    assert (delays >= 1).all()
    assert delays.max() <= 12
    assert not payments.labels["labelled_at"].is_monotonic_increasing
    assert payments.labels["subject_id"].duplicated().any()
    assert set(payments.labels["label"]) == {"fraud", "legitimate"}


def test_each_row_arrives_once(payments: Payments) -> None:
    parts = [payments.arriving(payments.day(day), payments.day(day + 1)) for day in range(45)]
    events, labels = (pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True))
    assert events["event_id"].tolist() == payments.events["event_id"].tolist()
    assert len(labels) == len(payments.labels)
    assert not events["occurred_at"].is_monotonic_increasing
    assert "arrives_at" not in events


def test_a_missing_value_is_null() -> None:
    frame = pd.DataFrame({"paid_at": pd.to_datetime(["2026-01-01T10:00:00.5Z"]), "amount": [float("nan")]})
    assert as_records(frame) == [{"paid_at": "2026-01-01T10:00:00.500000+00:00", "amount": None}]


def test_the_plan_has_all_that_is_to_happen() -> None:
    plan = Plan()
    due = {what: sum(plan.is_day_of(what, day) for day in range(plan.days))
           for what in ("retrain", "kill", "kill of a worker", "stop")}  # fmt: skip
    assert due == {"retrain": 8, "kill": 4, "kill of a worker": 4, "stop": 4}
