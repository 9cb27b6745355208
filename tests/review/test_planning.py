"""Plans of reviews: the width of an interval that the draws then have, and what cannot be planned."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import FraudsieveError, RecipeError, SchemaError
from fraudsieve.review.draw import Frame, ReviewPlan, select
from fraudsieve.review.planning import half_width, plan_review
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from tests.messages import refused

N = 4_000


def traffic(flagged: float = 0.7) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores of payments of as many accounts, and the payments."""
    ids = [f"p{number}" for number in range(N)]
    probability = np.random.default_rng(0).beta(0.08, 1.2, N)
    decision = np.where(probability >= flagged, "flag", "pass")
    payments = pd.DataFrame({"event_id": ids, "account_id": ids, "occurred_at": "2026-05-01T10:00:00Z"})
    return pd.DataFrame({"event_id": ids, "probability": probability, "decision": decision}), payments


def test_draws_with_the_planned_audits_have_about_the_planned_interval() -> None:
    scores, payments = traffic()
    cost = plan_review(scores, 0.1, events=payments)
    assert list(cost.audits) == [0.2, 0.1, 0.05]
    audits = cost.audits[0.1]
    assert audits is not None
    frame = Frame(
        scores["probability"].to_numpy(), (scores["decision"] == "flag").to_numpy(), np.arange(N), np.zeros(N)
    )
    n_alerts, halves = int(frame.is_flagged.sum()), []
    for number in range(30):
        is_fraud = np.random.default_rng(number).random(N) < frame.probability
        plan = ReviewPlan(n_alerts + audits, audits / (n_alerts + audits), seed=number)
        drawn = select(frame, plan, date(2026, 5, 1))
        everything = FraudRows(frame.probability, is_fraud, frame.groups, 200)
        rows = replace(everything.part(drawn.rows), weight=1 / drawn.probability)
        interval = rows.flagged_intervals(frame.is_flagged[drawn.rows])[0]
        assert interval is not None
        halves.append((interval[1] - interval[0]) / 2)
    assert 0.07 < np.mean(halves) < 0.12


def test_a_narrower_interval_needs_more_audits_and_the_fewest_are_found() -> None:
    scores, payments = traffic()
    cost = plan_review(scores, 0.1, events=payments)
    wide, middle, narrow = cost.audits.values()
    assert wide is not None
    assert middle is not None
    assert narrow is not None
    assert wide < middle < narrow
    frame = Frame(
        scores["probability"].to_numpy(), (scores["decision"] == "flag").to_numpy(), np.arange(N), np.zeros(N)
    )
    assert half_width(frame, middle) <= 0.1 < half_width(frame, middle - 1)
    assert cost.recall == pytest.approx(cost.found / (cost.found + cost.missed))


def test_one_record_of_each_account_may_not_suffice() -> None:
    scores, payments = traffic()
    of_few = payments.assign(account_id=[f"a{number % 20}" for number in range(N)])
    assert plan_review(scores, 0.01, events=of_few).audits[0.01] is None


@pytest.mark.parametrize(
    ("recall", "flagged", "error"),
    [(0.0, 0.7, RecipeError), (1.0, 0.7, RecipeError), (0.1, 2.0, SchemaError), (0.1, -1.0, SchemaError)],
)
def test_what_cannot_be_planned(recall: float, flagged: float, error: type[FraudsieveError]) -> None:
    scores, payments = traffic(flagged)
    with refused(error):
        plan_review(scores, recall, events=payments)
