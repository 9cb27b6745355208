"""Metrics of labels with inclusion probabilities, against the sums of Horvitz, Thompson and Hajek in plain Python."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.models import Scorer
from fraudsieve.training import Recipe, train
from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from tests.training.known_world import SETTINGS, draw

pytestmark = pytest.mark.slow

Rows = list[tuple[float, bool, float]]
"""The probability of fraud that the model gives, whether it is fraud, and the probability to be drawn."""


def share(rows: Rows, part: Any, whole: Any) -> float:
    """Estimate a share of all records: each drawn one stands for as many as its probability says."""
    of_whole = sum(1 / drawn for score, fraud, drawn in rows if whole(score, fraud))
    return sum(1 / drawn for score, fraud, drawn in rows if whole(score, fraud) and part(score, fraud)) / of_whole


def average_precision(rows: Rows) -> float:
    """Add the precision at each threshold, times the recall that it adds."""
    found, before, all_fraud = 0.0, 0.0, share(rows, lambda _, fraud: fraud, lambda *_: True)
    assert all_fraud > 0
    for threshold in sorted({score for score, _, _ in rows}, reverse=True):
        recall = share(rows, lambda score, _, at=threshold: score >= at, lambda _, fraud: fraud)
        precision = share(rows, lambda _, fraud: fraud, lambda score, _, at=threshold: score >= at)
        found, before = found + precision * (recall - before), recall
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_metrics_of_drawn_labels_are_those_of_plain_sums(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    recipe = Recipe.read(overrides=SETTINGS)
    folder = train(recipe, output=tmp_path / "m", events=draw(rng, 2000, 0).records).folder
    fresh = draw(rng, 900, 50).records
    records: Any = fresh.drop(columns=["label", "labelled_at"])
    scorer = Scorer.load(folder)
    scores = [float(score["probability"]) for score in scorer.score(records.to_dict("records"))]
    threshold = scorer.model.points[0].threshold
    inclusion = np.where(np.array(scores) >= threshold, 1.0, rng.choice([0.1, 0.3], len(scores)))
    drawn = rng.random(len(scores)) < inclusion
    labels = fresh[["event_id", "label"]].rename(columns={"event_id": "subject_id"})
    labels = labels.assign(inclusion_probability=inclusion)[drawn]
    report = evaluate_tables(folder, events=records, labels=labels, recipe=recipe).report
    rows = [
        (score, label == "fraud", float(probability))
        for score, label, probability, is_drawn in zip(scores, fresh["label"], inclusion, drawn, strict=True)
        if is_drawn
    ]
    anything, is_fraud = (lambda *_: True), (lambda _, fraud: fraud)
    is_legitimate, is_flagged = (lambda _, fraud: not fraud), (lambda score, _: score >= threshold)
    assert report.decision is not None
    assert report.decision.threshold == threshold
    assert report.decision.recall == pytest.approx(share(rows, is_flagged, is_fraud))
    assert report.decision.precision == pytest.approx(share(rows, is_fraud, is_flagged))
    assert report.base_rate == pytest.approx(share(rows, is_fraud, anything))
    assert report.average_precision == pytest.approx(average_precision(rows))
    (here,) = [point.here for point in report.operating_points if point.point.threshold == threshold]
    assert here.false_positive_rate == pytest.approx(share(rows, is_flagged, is_legitimate))
    expected = sum(score / probability for score, _, probability in rows)
    frauds = sum(1 / probability for _, fraud, probability in rows if fraud)
    assert report.observed_over_expected == pytest.approx(frauds / expected)
    plain = [(score, fraud, 1.0) for score, fraud, _ in rows]
    assert abs(share(plain, is_flagged, is_fraud) - (report.decision.recall or 0)) > 0.05  # the weights matter
