"""The simulated payments of the loop: when they arrive, and when their labels do."""

import pytest
from benchmarks.loop.payments import Payments, simulate_payments


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
