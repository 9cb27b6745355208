"""Alerts of the deciding point are decisions of the scorer; those of other points are of their thresholds."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.fields import Policy
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import flags_of
from fraudsieve.training.monitoring import page
from fraudsieve.training.monitoring.monitoring_run import estimate_performance, measure_calibration, monitor_tables
from fraudsieve.training.monitoring.scored_table import score_table

Payments = Callable[..., pd.DataFrame]


@pytest.mark.slow
def test_records_that_the_policy_flags_are_alerts(payment_scorer: Scorer, payments: Payments) -> None:
    model = payment_scorer.model
    scorer = Scorer(model, policy=Policy(unlike_training="flag", unlike_training_limit=0.9))
    reference, current = payments(days=(42, 49), seed=2), payments(days=(49, 56), seed=3)
    current = current.assign(amount=current["amount"].where(np.arange(len(current)) % 3 > 0, 1e6))
    report, calm = (cast(Any, monitor_tables(of, reference, current)) for of in (scorer, payment_scorer))
    for name, table in (("reference", reference), ("current", current)):
        scores = score_table(scorer, table).scores
        flagged, p, is_fraud = scores["decision"] == "flag", scores["probability"], table["label"] != "legitimate"
        unfamiliar = flagged & (p < model.points[0].threshold)
        assert unfamiliar.any()
        first, expected = report.alerts[0], getattr(report.expected[0], name)
        assert getattr(first, name) == pytest.approx(flagged.mean())
        assert first.alerts_a_day.of(name) == pytest.approx(flagged.sum() / 7)
        assert first.unlike_training.of(name) == pytest.approx(unfamiliar.mean())
        assert expected.alerts == flagged.sum()
        assert expected.precision == pytest.approx(p[flagged].mean())
        assert expected.observed.precision == pytest.approx(is_fraud[flagged].mean())
        assert getattr(report.alerts[1], name) == (p >= model.points[1].threshold).mean()
        assert report.expected[1] == calm.expected[1]
        assert getattr(calm.alerts[0], name) == (p >= model.points[0].threshold).mean()
        assert calm.alerts[0].unlike_training.of(name) == 0
    assert report.alerts[0].times != calm.alerts[0].times
    assert report.scores.probability.curve == calm.scores.probability.curve


def test_labels_of_alerts_and_of_an_audit_are_weighted(payment_scorer: Scorer, payments: Payments) -> None:
    """As the calibration of all records is, and not as that of the labelled ones alone."""
    events = payments(days=(42, 56), seed=2).reset_index(drop=True)
    events["event_id"] = [f"e{number}" for number in range(len(events))]
    labels = events[["event_id", "label", "labelled_at"]].rename(columns={"event_id": "subject_id"})
    records = events.drop(columns=["label", "labelled_at"])
    flagged = flags_of(score_table(payment_scorer, records).scores)
    drawn = ~flagged & (np.random.default_rng(0).random(len(events)) < 0.5)
    chosen = labels.assign(inclusion_probability=np.where(flagged, 1.0, 0.5))[flagged | drawn]
    weighted, whole = (score_table(payment_scorer, records, labels=table) for table in (chosen, labels))
    plain = score_table(payment_scorer, records, labels=chosen.drop(columns="inclusion_probability"))
    assert weighted.weight is not None
    assert weighted.weight.sum() == pytest.approx(flagged.sum() + 2 * drawn.sum())
    model = payment_scorer.model
    found, true, naive = (measure_calibration(model, table, 20) for table in (weighted, whole, plain))
    assert found is not None
    assert true is not None
    assert naive is not None
    assert found.base_rate is not None
    assert found.base_rate == pytest.approx(true.base_rate, rel=0.2)
    assert found.plain["base_rate"] == naive.base_rate != found.base_rate
    assert (found.weights is None, naive.weights, naive.plain) == (False, None, {})
    pages = [page._calibration_table(of) for of in (found, naive)]
    assert [table is not None and table.columns[-1] for table in pages] == ["without weights", "interval"]
    assert pages[0] is not None
    assert found.weights is not None
    assert found.weights.sentence in pages[0].caption
    (weighted_point, *_), (plain_point, *_) = (estimate_performance(model, table, table) for table in (weighted, plain))
    at_point = weighted_point.current.observed, plain_point.current.observed
    assert at_point[0] is not None
    assert at_point[1] is not None
    assert at_point[0].precision == pytest.approx(at_point[1].precision)
    assert (at_point[0].recall or 0) < (at_point[1].recall or 0)
