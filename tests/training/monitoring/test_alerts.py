"""Alerts of the deciding point are decisions of the scorer; those of other points are of their thresholds."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.policy import Policy
from fraudsieve.models.predict import Scorer
from fraudsieve.training.monitoring.monitoring_run import monitor_tables
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
