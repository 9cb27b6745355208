"""Contestants on made-up sets: quality, resuming, and AutoGluon's environment."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import looks
from benchmarks.contest import run, tasks
from benchmarks.contest.results import read_rows
from benchmarks.contest.tasks import REPLICATES, TableSet, TextSet
from benchmarks.contestants.contestant import Contestant, Fitted
from benchmarks.data.folds import folds_of
from benchmarks.data.kinds import Matrices, Task

from tests.benchmarks.columns.test_plain import make_events
from tests.benchmarks.detection.test_detection import made_up


def text_set() -> TextSet:
    table = made_up(120)
    y, groups = table["label"].to_numpy(object), np.arange(120)
    return TextSet(table["text"].tolist(), y, groups, list(folds_of(y, groups, repeats=1, folds=2)))


def table_set() -> TableSet:
    events = make_events(3000, 300)
    is_fraud = events["account_id"].astype(int) % 10 == 0
    events.loc[is_fraud, "amount"] += 20
    events["label"] = is_fraud.astype("int8")
    return TableSet(Task("event", events, np.arange(2000), np.arange(2200, 3000), ""))


@pytest.mark.slow
def test_contestants_learn_and_nothing_is_measured_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CONTEST_SETS", {"made.grouped": text_set, "made": table_set})
    monkeypatch.setattr(tasks, "SEEDS", 2)
    path, entries = tmp_path / "contest.jsonl", ["fraudsieve", "linear_svm", "lightgbm", "lightgbm_early"]
    rows = list(run.run_contest(["made.grouped", "made"], entries, path=path))
    assert {row.key: len(row.values) for row in rows} == {
        ("made.grouped", "fraudsieve", ""): 2,
        ("made.grouped", "linear_svm", ""): 2,
        ("made", "fraudsieve", ""): 2,
        ("made", "lightgbm", "handbook"): 2,
        ("made", "lightgbm", "ours"): 2,
        ("made", "lightgbm_early", "ours"): 2,
    }
    assert [row.seeds for row in rows if row.set == "made"] == [[0, 1]] * 4
    assert [row.test_share for row in rows if row.contestant == "fraudsieve"] == [1.0, 0.0]
    assert [row.column_seconds > 0 for row in rows] == [bool(row.columns) for row in rows]
    assert looks.looks_by_set() == {"made": 2}  # peers' looks do not count
    assert [row for row in rows if row.mean < (0.9 if row.metric == "macro_f1" else 0.3)] == []
    assert all(row.train_seconds > 0 and row.ms_per_record > 0 and row.installed_mb > 10 for row in rows)
    assert read_rows(path) == {row.key: row for row in rows}
    assert list(run.run_contest(["made.grouped", "made"], entries, path=path)) == []
    again = list(run.run_contest(["made.grouped"], ["linear_svm"], path=path, again=True))
    assert [row.key for row in again] == [("made.grouped", "linear_svm", "")]


def test_a_contestant_gets_every_training_row_and_each_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def fit(X: Any, y: Any, *, seed: int = 0, **settings: Any) -> Fitted:
        seen.append((len(y), seed))
        return Fitted(lambda rows: rows[:, 0], lambda rows: rows[:, 0])

    def fit_early(X: Any, y: Any, held_back: Any, *, seed: int = 0) -> Fitted:
        assert len(held_back) == 400
        return fit(X, y, seed=seed)

    stubs = (Contestant("plain", (), fit_columns=fit), Contestant("early", (), fit_early=fit_early))
    monkeypatch.setattr(run, "CONTESTANTS", {one.name: one for one in stubs})
    monkeypatch.setattr(run, "CONTEST_SETS", {"made": table_set})
    monkeypatch.setattr(tasks, "COLUMNS", dict.fromkeys(("handbook", "ours"), tables_of_rows))
    rows = list(run.run_contest(["made"], ["plain", "early"], path=tmp_path / "r.jsonl"))
    assert [row.key[1:] for row in rows] == [("plain", "handbook"), ("plain", "ours"), ("early", "ours")]
    assert seen == [(2000, seed) for seed in range(5)] * 3
    assert [len(row.draws) for row in rows] == [REPLICATES] * 3
    assert rows[0].draws == rows[1].draws  # of equal scores


def tables_of_rows(task: Task) -> Matrices:
    return pd.DataFrame({"x": task.train}), pd.DataFrame({"x": task.test})
