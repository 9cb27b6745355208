"""Sets of accounts and events in the contest: their runs, shared columns, and what early stopping looks at."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.contest.tasks import REPLICATES, TableSet, drawn_together
from benchmarks.data.folds import Fold
from benchmarks.data.kinds import Task
from sklearn.metrics import average_precision_score

from fraudsieve.training.evaluation.bootstrap import bootstrap_ranking, draw_weights
from fraudsieve.training.evaluation.ranking import RANKING_METRICS, Ranking

TIMES = pd.date_range("2025-01-01", periods=40, freq="D")[::-1]  # the latest is the first row
EVENTS = Task(
    "event",
    pd.DataFrame({"occurred_at": TIMES, "label": np.arange(40) % 2}),
    np.arange(10, 40),
    np.arange(10),
    "",
)
ACCOUNTS = Task(
    "account", pd.DataFrame({"label": np.arange(40) % 2}), np.arange(20), np.arange(30, 40), "",
    further=[(np.arange(20, 40), np.arange(10))],
)  # fmt: skip


def test_early_stopping_looks_at_the_latest_events() -> None:
    of_set = TableSet(EVENTS)
    assert of_set.held_back(of_set.folds[3]).tolist() == [0, 1, 2, 3, 4, 5]  # a fifth of thirty, whatever the seed


def test_early_stopping_looks_at_accounts_at_random() -> None:
    of_set = TableSet(replace(ACCOUNTS, further=()))
    first, second = (of_set.held_back(of_set.folds[seed]) for seed in (0, 1))
    assert len(first) == len(second) == 4
    assert first.tolist() != second.tolist()
    assert of_set.task.truth[first].sum() == 2  # stratified


def test_draws_are_of_accounts_with_all_their_rows_and_alike_for_every_seed() -> None:
    accounts = np.array([*"abcabdecfg"] * 4)
    of_set = TableSet(replace(EVENTS, rows=EVENTS.rows.assign(account_id=accounts)))
    scores = np.array([0.9, 0.4, 0.4, 0.8, 0.1, 0.1, 0.3, 0.4, 0.2, 0.7])
    draws = of_set.draws(of_set.folds[0], scores)
    expected = [
        average_precision_score(of_set.task.truth[:10], scores, sample_weight=weights)
        for weights in draw_weights(accounts[:10], REPLICATES)
    ]
    assert draws.tolist() == pytest.approx(expected)
    assert of_set.draws(of_set.folds[3], scores).tolist() == draws.tolist()


def test_counterparties_are_drawn_where_most_frauds_are_at_a_few_of_them() -> None:
    rows = EVENTS.rows.assign(account_id=np.arange(40).astype(str), counterparty_id=[*"vwvwvwvwvx"] * 4)
    drawn = drawn_together(rows.iloc[:10], EVENTS.truth[:10])
    assert drawn.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 2]
    spread = drawn_together(rows.assign(counterparty_id=[*"abcdefghij"] * 4).iloc[:10], EVENTS.truth[:10])
    assert spread.tolist() == [*range(10)]
    scores = np.arange(10) / 10
    draws = TableSet(replace(EVENTS, rows=rows)).draws(Fold(EVENTS.train, EVENTS.test), scores)
    ranking = Ranking.of(scores, EVENTS.truth[:10])
    of_counterparties = bootstrap_ranking(ranking, drawn, replicates=REPLICATES)
    place = RANKING_METRICS.index("average_precision")
    np.testing.assert_array_equal(draws, of_counterparties.metrics[:, place])
