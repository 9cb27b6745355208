"""Curves of scores: equal to scikit-learn's areas, thin enough for a page, and complete counts."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.ranking import Ranking
from fraudsieve.training.evaluation.report_parts.curves import score_curves


def made_up(n: int = 5000) -> FraudRows:
    rng = np.random.default_rng(0)
    truth = rng.random(n) < 0.1
    return FraudRows(1 / (1 + np.exp(-rng.normal(2.0 * truth - 2.0, 1.0))), truth)


def test_the_drawn_roc_has_the_area_of_all_points() -> None:
    rows = made_up()
    curve = score_curves(rows, Ranking.of(rows.probability, rows.is_fraud)).roc
    assert curve is not None
    assert len(curve) < 400
    assert curve[0] == (0.0, 0.0)
    assert curve[-1] == (1.0, 1.0)
    x, y = np.array(curve).T
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(rows.is_fraud, rows.probability), abs=0.005)


def test_gains_are_the_recall_of_the_highest_scores() -> None:
    rows = made_up()
    gains = score_curves(rows, Ranking.of(rows.probability, rows.is_fraud)).gains
    assert gains is not None
    tenth = np.argsort(-rows.probability)[:500]
    assert dict(gains)[0.1] == pytest.approx(rows.is_fraud[tenth].sum() / rows.is_fraud.sum())
    assert gains[-1] == (1.0, 1.0)


def test_the_histogram_counts_every_record_once_and_one_is_in_the_last_bin() -> None:
    rows = FraudRows(np.array([0.0, 0.049, 0.05, 0.5, 1.0]), np.array([False, False, True, False, True]))
    histogram = score_curves(rows, Ranking.of(rows.probability, rows.is_fraud)).histogram
    assert [part.legitimate for part in histogram if part.legitimate] == [2, 1]
    assert histogram[1].frauds == 1
    assert histogram[-1].frauds == 1
    assert histogram[-1].low == pytest.approx(0.95)


@pytest.mark.parametrize("kind", [True, False])
def test_records_of_one_kind_have_no_roc(kind: bool) -> None:
    rows = FraudRows(np.array([0.2, 0.9]), np.array([kind, kind]))
    curves = score_curves(rows, Ranking.of(rows.probability, rows.is_fraud))
    assert curves.roc is None
    assert curves.precision_recall is None
    assert (curves.gains is None) is not kind
