"""The largest errors: wrong at the threshold, the worst first, at most ten of each kind."""

import numpy as np

from fraudsieve.training.evaluation.report import MAX_RECORDS, LargestErrors


def test_only_wrong_decisions_are_listed_the_worst_first() -> None:
    ids = np.array(["a", "b", "c", "d", "e", "f"], object)
    is_fraud = np.array([True, True, True, False, False, False])
    probability = np.array([0.3, 0.1, 0.5, 0.6, 0.9, 0.4])
    errors = LargestErrors.of(ids, np.where(is_fraud, "scam", "ham"), probability, is_fraud, probability >= 0.5)
    assert [(record.record_id, record.probability) for record in errors.missed] == [("b", 0.1), ("a", 0.3)]
    assert [record.record_id for record in errors.false_alarms] == ["e", "d"]
    assert errors.missed[0].label == "scam"


def test_few_of_many_errors_are_listed() -> None:
    n = 100
    is_fraud = np.arange(n) % 2 == 0
    ids, probability = np.arange(n).astype(str), np.linspace(0, 1, n)
    errors = LargestErrors.of(ids, np.full(n, "x"), probability, is_fraud, probability >= 0.5)
    assert len(errors.missed) == len(errors.false_alarms) == MAX_RECORDS
    assert errors.false_alarms[0].record_id == "99"
