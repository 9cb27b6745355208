"""Reviews of cases beside reviews of records."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.cases import tables as module
from fraudsieve.cases.tables import CaseReviews, case_reviews, count_reviews
from fraudsieve.training import Recipe, evaluate_tables, train
from fraudsieve.training.simulation.world import simulate
from tests.cases.planted import planted_rings

LONE = 12


def records() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return two rings of fraud, and as many lone records, of which every fourth is fraud; and their scores."""
    lone = pd.DataFrame({"account_id": [f"lone-{k}" for k in range(LONE)]})
    lone["occurred_at"] = pd.Timestamp("2026-01-01", tz="UTC")
    rows = pd.concat([planted_rings([8, 4]).drop(columns=["ring", "action_id"]), lone], ignore_index=True)
    is_fraud = np.r_[np.ones(12, bool), np.arange(LONE) % 4 == 0]
    probability = np.r_[np.linspace(0.95, 0.6, 12), np.linspace(0.94, 0.2, LONE)]
    return rows.drop(columns="kind"), probability, is_fraud


def test_counts_are_those_of_a_loop() -> None:
    rows, probability, is_fraud = records()
    got = count_reviews(rows, probability, is_fraud, alerts=10.0)
    order = np.argsort(-probability, kind="stable")[:20]
    groups: dict[str, list[int]] = {}
    for row in order.tolist():
        ring = str(rows["counterparty_id"][row])
        groups.setdefault(f"lone {row}" if ring == "nan" else ring, []).append(row)
    minutes = {name: 10.0 + len(group) for name, group in groups.items()}
    ranked = sorted(groups, key=lambda name: -probability[groups[name]].sum() / minutes[name])
    found = np.cumsum([is_fraud[groups[name]].sum() for name in ranked])
    by_records = is_fraud[order[:10]].sum()
    needed = int(np.flatnonzero(found >= by_records)[0]) + 1
    assert (got.reviews, got.records, got.cases) == (10, 20, len(groups))
    assert got.recall_of_records == by_records / is_fraud.sum()
    assert got.recall_of_cases == found[9] / is_fraud.sum()
    assert got.reviews_of_cases == needed
    assert got.reviews_saved == 1 - needed / 10
    assert got.time_saved == pytest.approx(1 - sum(minutes[name] for name in ranked[:needed]) / 110)
    assert (got.recall_of_cases or 0) > (got.recall_of_records or 1)


def test_labels_do_not_form_cases() -> None:
    rows, probability, is_fraud = records()
    other = count_reviews(rows.assign(label="x"), probability, np.roll(is_fraud, 3), alerts=10.0)
    assert other.cases == count_reviews(rows, probability, is_fraud, alerts=10.0).cases


def test_events_of_accounts_link_their_records() -> None:
    rows = pd.DataFrame({"account_id": ["a", "b", "c"], "as_of": pd.Timestamp("2026-01-09", tz="UTC")})
    events = pd.DataFrame({"account_id": ["a", "b", "c"], "device_id": ["d", "d", "e"], "label": "x"})
    events["occurred_at"] = pd.Timestamp("2026-01-08", tz="UTC")
    p, truth = np.array([0.9, 0.8, 0.7]), np.array([True, True, False])
    assert count_reviews(rows, p, truth, 2.0, events=events).cases == 2
    later = events.assign(occurred_at=pd.Timestamp("2026-01-10", tz="UTC"))
    assert count_reviews(rows, p, truth, 2.0, events=later).cases == 3


def test_without_the_extra_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, probability, is_fraud = records()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    got = count_reviews(rows, probability, is_fraud, alerts=10.0)
    assert got == CaseReviews(skipped=module.NOT_INSTALLED)


def test_without_fraud_nothing_is_compared() -> None:
    rows, probability, is_fraud = records()
    assert count_reviews(rows, probability, is_fraud & False, alerts=10.0).skipped == module.NO_FRAUD


@pytest.mark.slow
def test_a_training_and_an_evaluation_of_its_test_slice_are_compared_alike(tmp_path: Path) -> None:
    world = simulate(days=60, n_accounts=300)
    recipe = Recipe.read(overrides={"track.enabled": False, "evaluate.replicates": 0, "evaluate.attack": False})
    tables: dict[str, Any] = {"messages": world.messages, "labels": world.labels}
    trained = train(recipe, output=tmp_path / "m", **tables)
    tested = trained.data.rows.iloc[trained.split.test]["message_id"]
    tables["messages"] = world.messages[world.messages["message_id"].isin(tested)].reset_index(drop=True)
    evaluation = evaluate_tables(trained.folder.with_name("m.split-model"), **tables)
    found = case_reviews(trained)
    assert found.recall_of_records == trained.report.recall_at_capacity
    assert found == case_reviews(evaluation)
