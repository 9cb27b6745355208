"""Operating points on other records: against scikit-learn, and beside what they had when they were chosen."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from fraudsieve.models.thresholds import OperatingPoint, Targets, operating_points
from fraudsieve.training.evaluation.capacity import Capacity
from fraudsieve.training.evaluation.point_sheet import FIGURES, point_sheet


def test_figures_are_those_of_scikit_learn_and_of_the_calibration_slice() -> None:
    rng = np.random.default_rng(0)
    is_fraud = rng.random(3000) < 0.1
    probability = np.clip(rng.normal(0.2 + 0.3 * is_fraud, 0.15), 0, 1)
    targets = Targets((0.01, 0.1), alerts_a_day=(5,), precisions=(0.8,))
    points = operating_points(probability[:1000], is_fraud[:1000], targets, days=20.0)
    p, truth = probability[1000:], is_fraud[1000:]
    sheet = point_sheet(points, p, truth, capacity=Capacity.of(2000, 10, share=0.25))
    assert [one["name"] for one in sheet] == list(targets.names)
    for point, one in zip(points, sheet, strict=True):
        flagged, here = p >= point.threshold, one["here"]
        (clean, alarms), _ = confusion_matrix(truth, flagged)
        assert here["false_positive_rate"] == pytest.approx(alarms / (clean + alarms))
        assert here["recall"] == pytest.approx(recall_score(truth, flagged))
        assert here["precision"] == pytest.approx(precision_score(truth, flagged))
        assert here["flagged"] == pytest.approx(flagged.mean())
        # A quarter of all records of ten days: four times as many alerts come.
        assert here["alerts_a_day"] == pytest.approx(flagged.sum() * 4 / 10)
        assert one["calibration"] == {name: getattr(point, name) for name in FIGURES}
        assert one["threshold"] == point.threshold
    assert any(one["here"]["recall"] != one["calibration"]["recall"] for one in sheet)


def test_a_record_at_the_threshold_is_flagged() -> None:
    point = OperatingPoint("p", 0.5, 0.0, 1.0, 0.5)
    (one,) = point_sheet([point], np.array([0.5, 0.49]), np.array([True, False]))
    assert one["here"] == {
        "false_positive_rate": 0.0,
        "recall": 1.0,
        "precision": 1.0,
        "flagged": 0.5,
        "alerts_a_day": None,
    }


def test_what_cannot_be_computed_is_none() -> None:
    point = OperatingPoint("p", 0.9, 0.0, 1.0, 0.5, precision=1.0)
    (one,) = point_sheet([point], np.array([0.5]), np.array([False]), capacity=Capacity.of(1, None))
    assert (one["here"]["recall"], one["here"]["precision"], one["here"]["alerts_a_day"]) == (None, None, None)
    assert one["here"]["false_positive_rate"] == 0.0
    (one,) = point_sheet([point], np.zeros(0), np.zeros(0, bool))
    assert set(one["here"].values()) == {None}
    assert point_sheet([], np.array([0.5]), np.array([False])) == []
