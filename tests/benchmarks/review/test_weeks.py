"""Weeks of reviews use no label that nobody has given, and their figures are those of the reviews."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest
from benchmarks.review.cards import card_traffic
from benchmarks.review.figures import quality_figures, type_figures
from benchmarks.review.messages import message_traffic
from benchmarks.review.weeks import ARMS, DAYS, Scores, Traffic, Week, plan_of, weeks_of_reviews

from fraudsieve._typing import Array
from fraudsieve.review import ReviewPlan

WEEKS, A_DAY, CAPACITY = 3, 60, 10


def simulated(trained_on: list[Array], weeks: int = WEEKS) -> Traffic:
    """Return days of records of two accounts in three, and note which rows every model is trained on."""
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(DAYS * (weeks + 1)), A_DAY)
    is_fraud = rng.random(len(day)) < 0.1
    signal = rng.normal(size=len(day)) + 1.5 * is_fraud

    def fit(rows: Array, seed: int) -> Scores:
        trained_on.append(rows)
        return lambda rows: 1 / (1 + np.exp(-signal[rows]))

    accounts = rng.integers(0, len(day) * 2 // 3, len(day))
    return Traffic(day // DAYS, day, is_fraud, accounts, fit, CAPACITY, date(2026, 5, 1), late_draws=1)


@pytest.mark.parametrize("arm", ARMS)
def test_models_are_trained_on_reviewed_records_whose_labels_are_known(arm: str) -> None:
    trained_on: list[Array] = []
    traffic = simulated(trained_on)
    weeks = [*weeks_of_reviews(traffic, plan_of(arm, CAPACITY, 0))]
    for number, (week, rows) in enumerate(zip(weeks, trained_on, strict=True), 1):
        assert len(week.reviewed) == len(np.unique(week.reviewed)) == CAPACITY * DAYS
        earlier = [done.rows[done.reviewed] for done in weeks[: number - 1]]
        given = np.concatenate([np.flatnonzero(traffic.week == 0), *earlier])
        last_day = number * DAYS - 1
        in_time = given[(traffic.draw[given] < last_day) | (number == 1)]
        assert rows.tolist() == sorted(in_time.tolist())
        assert week.covers == arm.startswith("audit")


def test_inclusion_probabilities_stand_for_the_week() -> None:
    traffic = simulated([])
    week = next(weeks_of_reviews(traffic, plan_of("audit_10", CAPACITY, 0)))
    # One record of an account is drawn, so the sum is that of the week only on average.
    assert (1 / week.inclusion).sum() == pytest.approx(len(week.rows), rel=0.15)
    assert (week.inclusion < 1).sum() == DAYS


def test_weighted_estimates_are_right_on_average_and_plain_ones_are_not() -> None:
    traffic = simulated([])
    plans = [ReviewPlan(2 * CAPACITY, audit=0.5, seed=seed) for seed in range(6)]
    of_seeds = [quality_figures(traffic, [*weeks_of_reviews(traffic, plan)]) for plan in plans]
    truth, plain, weighted = (np.mean([run[name] for run in of_seeds]) for name in ("truth", "plain", "weighted"))
    assert abs(weighted - truth) < abs(plain - truth) / 3
    assert of_seeds[0]["found"] == of_seeds[0][f"found.{WEEKS}"]


def test_without_an_audit_there_is_no_weighted_estimate() -> None:
    traffic = simulated([])
    figures = quality_figures(traffic, [*weeks_of_reviews(traffic, plan_of("alerts", CAPACITY, 0))])
    assert "plain" in figures
    assert not [name for name in figures if name.startswith("weighted")]


def of_type(probabilities: Sequence[float], reviewed: Sequence[int]) -> Week:
    """Return a week of records of the type, of which some are reviewed."""
    return Week(np.arange(4), np.array(probabilities), np.array(reviewed), np.ones(len(reviewed)), covers=False)


def test_reviews_are_counted_from_the_first_week_of_the_type() -> None:
    traffic = Traffic(np.ones(8), np.ones(8), np.ones(8, bool), np.arange(8), None, 2, date.min, threshold=0.5)  # type: ignore[arg-type]
    is_late = np.array([False] * 4 + [True] * 2 + [False] * 2)
    before, unseen = of_type([0.1] * 4, [0, 1]), of_type([0.1] * 4, [2, 3])._replace(rows=np.arange(4, 8))
    seen = of_type([0.1, 0.9, 0.1, 0.1], [0])._replace(rows=np.arange(4, 8))
    assert type_figures(traffic, is_late, [before, unseen], 0) == {"recall": 0.0, "found": 4.0, "found_of_type": 0.0}
    figures = type_figures(traffic, is_late, [before, unseen, seen], 0)
    counted = {"first_find": 3.0, "found": 5.0, "found_of_type": 1.0}
    assert figures == counted | {"recall": 0.5, "half": 2.0, "half_kept": 2.0}
    again = type_figures(traffic, is_late, [before, unseen, seen, unseen._replace(reviewed=np.array([0]))], 0)
    assert ("half" in again, "half_kept" in again) == (True, False)


def test_payments_after_the_past_are_scored_by_their_history() -> None:
    rng = np.random.default_rng(0)
    n, days = 900, DAYS * 3
    frame = pd.DataFrame({"event_id": np.arange(n), "occurred_at": pd.Timestamp("2026-05-01")
                          + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D"),
                          "account_id": rng.integers(0, 40, n).astype(str), "amount": rng.gamma(2, 20, n),
                          "counterparty_id": rng.integers(0, 50, n).astype(str)})  # fmt: skip
    payments = frame.assign(label=(frame["amount"] > 100).astype(int))
    traffic = card_traffic(payments, past_days=DAYS, capacity=3)
    assert sorted({*traffic.week.tolist()}) == [0, 1]
    (week,) = weeks_of_reviews(traffic, plan_of("near_10", 3, 0))
    assert quality_figures(traffic, [week])["truth"] > 0.9
    assert len(week.reviewed) == 3 * DAYS


@pytest.mark.slow
def test_messages_are_scored_by_their_texts() -> None:
    rng = np.random.default_rng(0)
    kinds = {"AD:Retail": "sale of shoes", "FR:Bank": "your card is blocked"}
    labels = rng.choice([*kinds], 200)
    texts = [f"{kinds[label]} {number}" for label, number in zip(labels, rng.integers(0, 99, 200), strict=True)]
    frame = pd.DataFrame({"text": texts, "label": labels, "campaign": texts, "week": np.repeat([0, 1], 100)})
    traffic = message_traffic(frame, capacity=5)
    (week,) = weeks_of_reviews(traffic, plan_of("near_10", 5, 0))
    assert traffic.is_fraud[week.rows[week.reviewed]].sum() >= 4
