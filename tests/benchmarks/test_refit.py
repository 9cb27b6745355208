"""The benchmark of the refit: both models score the same records, none of which either was trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import refit

from fraudsieve.training.simulation.world import simulate
from tests.shared import mlflow_uri
from tests.training.conftest import town_payments


@pytest.fixture(autouse=True)
def _ready_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a copy of an empty store, which takes seconds to create."""
    train = refit._train

    def with_store(folder: str, *arguments: Any, **tables: Any) -> Any:
        mlflow_uri(Path(folder))
        return train(folder, *arguments, **tables)

    monkeypatch.setattr(refit, "_train", with_store)


@pytest.mark.slow
def test_card_weeks_score_the_week_after_the_last_known_payment() -> None:
    events = town_payments(days=(0, 52), seed=1, per_day=80)
    events["occurred_at"] = events["occurred_at"].dt.tz_localize(None)
    events = events.assign(label=(events["label"] != "legitimate").astype(int)).drop(columns=["event_id", "kind"])
    report = refit.card_weeks(events, n_accounts=300, days=45)
    start = events["occurred_at"].min().normalize() + pd.Timedelta(days=45)
    in_week = events["occurred_at"].between(start, start + pd.Timedelta(days=7), inclusive="left")
    assert 0 < report.rows < in_week.sum()  # a sample of the accounts
    assert set(report.figures) == {*report.peers["split"], "gain", "gain.low", "gain.high"}
    assert report.figures["trained_on"] > report.peers["split"]["trained_on"]
    gain = report.figures["average_precision"] - report.peers["split"]["average_precision"]
    assert report.figures["gain"] == pytest.approx(gain)
    assert report.figures["gain.low"] <= gain <= report.figures["gain.high"]


@pytest.mark.slow
def test_message_folds_score_every_message_once() -> None:
    world = simulate(days=40, n_accounts=200)
    label = world.messages["message_id"].map(
        world.labels.drop_duplicates("subject_id").set_index("subject_id")["label"]
    )
    table = world.messages.assign(label=np.where(label == "legitimate", "ham", "spam"))[["text", "label"]]
    report = refit.message_folds("world", table[label.notna()].reset_index(drop=True), folds=2)
    assert report.rows == label.notna().sum()
    assert report.figures["base_rate"] == report.peers["split"]["base_rate"]
    difference = report.figures["average_precision"] - report.peers["split"]["average_precision"]
    assert report.figures["average_precision.vs_split.mean"] == pytest.approx(difference)
    assert report.figures["average_precision"] > 0.5
