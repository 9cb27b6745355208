"""Metrics of types agree with scikit-learn, and have intervals and the share caught at the fraud threshold."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from fraudsieve.training.evaluation.fraud_rows import FraudRows, type_metrics

NAMES = np.array(["ham", "scam", "spam"], object)


def made_up(n: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, n)
    predicted = np.where(rng.random(n) < 0.7, truth, rng.integers(0, 3, n))
    return NAMES[truth], NAMES[predicted], np.where(truth > 0, 0.3, 0.0) + rng.random(n) * (0.4 + 0.3 * (truth == 2))


def test_metrics_agree_with_scikit_learn() -> None:
    labels, predicted, probability = made_up()
    rows = FraudRows(probability, labels != "ham", np.arange(600) // 3)
    metrics: Any = type_metrics(labels, predicted, rows, legitimate="ham")
    assert metrics.macro_f1 == pytest.approx(f1_score(labels, predicted, average="macro"), abs=1e-12)
    for name, class_metrics in metrics.by_type.items():
        options = {"labels": [name], "average": "macro"}
        assert class_metrics.precision == pytest.approx(precision_score(labels, predicted, **options), abs=1e-12)
        assert class_metrics.recall == pytest.approx(recall_score(labels, predicted, **options), abs=1e-12)
        assert class_metrics.interval[0] < class_metrics.f1 < class_metrics.interval[1]
        assert class_metrics.rows == (labels == name).sum()
    low, high = metrics.intervals["macro_f1"]
    assert low < metrics.macro_f1 < high < low + 0.2


def test_caught_counts_any_predicted_fraud_type() -> None:
    labels, predicted, probability = made_up()
    is_fraud = labels != "ham"
    by_type: Any = type_metrics(labels, predicted, FraudRows(probability, is_fraud), legitimate="ham").by_type
    assert by_type["ham"].caught <= 0.01
    threshold = np.sort(probability[~is_fraud])[::-1][int(0.01 * (~is_fraud).sum())]
    assert by_type["spam"].caught == pytest.approx((probability[labels == "spam"] > threshold).mean())
    assert by_type["spam"].caught > by_type["scam"].caught


def test_without_groups_or_a_legitimate_class() -> None:
    labels, predicted, probability = made_up()
    metrics: Any = type_metrics(labels, predicted, FraudRows(probability, labels != "ham"))
    assert metrics.intervals == {"macro_f1": None}
    assert {class_metrics.caught for class_metrics in metrics.by_type.values()} == {None}


def test_a_type_that_is_only_predicted() -> None:
    labels, predicted = np.array(["a", "a"], object), np.array(["a", "b"], object)
    rows = FraudRows(np.array([0.5, 0.4]), np.array([True, True]))
    metrics: Any = type_metrics(labels, predicted, rows, legitimate="c")
    assert metrics.by_type["b"].rows == 0
    assert metrics.by_type["b"].caught is None
