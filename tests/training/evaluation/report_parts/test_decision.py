"""The decision: counts that add up, and intervals that hold the truth."""

from dataclasses import replace

import numpy as np

from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.report_parts.weighting import decision_metrics


def drawn(seed: int, n_groups: int = 200) -> FraudRows:
    """Return groups of five rows that are all fraud or all legitimate; of fraud, 70 % are flagged at 0.5."""
    rng = np.random.default_rng(seed)
    truth, high = rng.random(n_groups) < 0.3, rng.random(n_groups)
    score = np.where(truth, np.where(high < 0.7, 0.9, 0.2), np.where(high < 0.1, 0.8, 0.1))
    groups = np.repeat(np.arange(n_groups), 5)
    return FraudRows(np.repeat(score, 5), np.repeat(truth, 5), groups, 200)


def test_counts_add_up() -> None:
    times = np.array(["2026-05-01", "2026-05-02", "2026-05-02", "2026-05-02"], "M8[us]")
    rows = FraudRows(np.array([0.9, 0.5, 0.4, 0.1]), np.array([True, False, True, False]), cutoff_times=times)
    decision = decision_metrics(replace(rows, share_of_all=0.5), "half", 0.5)
    assert (decision.found, decision.frauds, decision.reviews) == (1, 2, 2)
    assert (decision.recall, decision.precision, decision.reviews_a_day) == (0.5, 0.5, 2.0)
    assert decision.recall_interval is None


def test_rows_that_only_the_policy_flags_are_reviews() -> None:
    rows = drawn(0)
    odd = np.arange(1000) % 5 == 0
    decision = decision_metrics(rows, "half", 0.5, flagged=(rows.probability >= 0.5) | odd)
    alone = decision_metrics(rows, "half", 0.5)
    added = odd & (rows.probability < 0.5)
    assert (alone.unlike_training, decision.unlike_training) == (0, added.sum())
    assert decision.reviews == alone.reviews + added.sum()
    assert decision.found == alone.found + (added & rows.is_fraud).sum()
    assert decision.recall_interval is not None
    assert alone.recall_interval is not None
    assert decision.recall_interval[0] > alone.recall_interval[0]


def test_reviews_a_day_are_those_of_rows_whose_day_is_known() -> None:
    times = np.array(["2026-05-01", "2026-05-02", "NaT", "NaT"], "M8[us]")
    rows = FraudRows(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, True, False, False]), cutoff_times=times)
    decision = decision_metrics(rows, "half", 0.5)
    assert (decision.reviews, decision.reviews_a_day) == (3, 1.0)


def test_nothing_flagged_has_no_precision() -> None:
    decision = decision_metrics(FraudRows(np.array([0.9, 0.5]), np.array([True, False])), "none", 2.0)
    assert (decision.reviews, decision.recall, decision.precision) == (0, 0.0, None)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = 0
    for seed in range(60):
        interval = decision_metrics(drawn(seed), "half", 0.5).recall_interval
        assert interval is not None
        held += interval[0] <= 0.7 <= interval[1]
    assert held >= 51  # 95 % of 60 are 57; a binomial is below 51 less than once in 100 times


def test_intervals_are_over_groups_not_rows() -> None:
    rows = drawn(0)
    of_groups = decision_metrics(rows, "half", 0.5).recall_interval
    alone = FraudRows(rows.probability, rows.is_fraud, np.arange(len(rows.is_fraud)), 200)
    of_rows = decision_metrics(alone, "half", 0.5).recall_interval
    assert of_groups is not None
    assert of_rows is not None
    assert of_groups[1] - of_groups[0] > 1.5 * (of_rows[1] - of_rows[0])
