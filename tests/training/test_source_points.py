"""Thresholds by the values of a column: what decides each record, at every door of Python, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import ArtifactError, RecipeError
from fraudsieve.models import Scorer, score_file, unusual_shares, write_model
from fraudsieve.models.points import SourcePoints
from fraudsieve.models.unlike_training.expected_shares import FLAGGED
from fraudsieve.service.loaded_model import LoadedModel
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.monitoring.monitoring_run import monitor_tables
from fraudsieve.training.recalibration.recalibration_run import recalibrate
from fraudsieve.training.recipe.recipe import Recipe
from tests.service.handling import handler_of

pytestmark = pytest.mark.slow

N = 3000


def made_payments(seed: int = 0) -> pd.DataFrame:
    """Make payments: by telephone, legitimate ones look more like fraud than in the app."""
    rng = np.random.default_rng(seed)
    channel = rng.choice(["app", "phone", "fax"], N, p=[0.69, 0.3, 0.01])
    is_fraud = rng.random(N) < 0.08
    risk = rng.normal(0, 1, N) + 2.0 * is_fraud + 1.5 * (channel == "phone")
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, 90, N)), unit="D")
    labels = np.where(is_fraud, "fraud", "legitimate")
    ids, accounts = [f"e{n}" for n in range(N)], [f"a{n}" for n in range(N)]  # each without a history
    columns = {"event_id": ids, "occurred_at": times, "account_id": accounts, "channel": channel, "risk": risk}
    return pd.DataFrame(columns | {"label": labels})


def settings(**overrides: Any) -> Recipe:
    few = {"evaluate": {"attack": False, "replicates": 0}, "model.n_rounds": 20, "track.enabled": False, "n_jobs": 1}
    return Recipe.read(overrides={**few, "data.subject": "event", "thresholds.by": "channel", **overrides})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(settings(), output=tmp_path_factory.mktemp("by") / "model", events=made_payments())


def records_of(channel: str | None, risk: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    at = "2026-05-01T00:00:00Z"
    return [
        {"event_id": f"n{n}", "account_id": f"new{n}", "occurred_at": at, "channel": channel, "risk": float(value)}
        for n, value in enumerate(risk)
    ]


def test_each_channel_has_a_point_for_the_deciding_rate_and_a_note(trained: Trained) -> None:
    by_channel = trained.model.source_points
    assert by_channel is not None
    assert set(by_channel.points) == {"app", "phone"}, "too few legitimate faxes"
    assert {point.target_rate for point in by_channel.points.values()} == {0.01}
    assert by_channel.points["app"].threshold != by_channel.points["phone"].threshold
    assert any(note.startswith("where channel is phone: ") for note in trained.notes)
    assert any("1 of 3 values of 'channel'" in note for note in trained.notes)


@pytest.mark.parametrize("channel", ["app", "phone", "fax", "telex", None])
def test_the_threshold_of_its_channel_decides_a_record_at_every_door(trained: Trained, channel: str | None) -> None:
    scorer = Scorer.load(trained.folder)
    by_channel, first = scorer.model.source_points, scorer.model.points[0]
    assert by_channel is not None
    records = records_of(channel, np.linspace(-2, 6, 400))
    scores: list[Any] = scorer.score(records)
    threshold = by_channel.points.get(channel or "", first).threshold
    expected = ["flag" if score["probability"] >= threshold else "pass" for score in scores]
    assert set(expected) == {"flag", "pass"}
    assert [score["decision"] for score in scores] == expected
    columns = {name: [record[name] for record in records] for name in records[0]}
    assert scorer.score_columns(columns)["decision"].tolist() == expected
    rows = scorer.model.matrix.rows(records)
    assert scorer.score_rows(rows.X, rows.why)["decision"].tolist() == expected
    assert [scorer.score(record)["decision"] for record in records[:5]] == expected[:5]
    assert {score["threshold_of"] for score in scores} == {channel if channel in by_channel.points else None}
    assert set(scorer.score_columns(columns)["threshold_of"]) == {score["threshold_of"] for score in scores}


def traffic(seed: int = 2, **risk: float) -> pd.DataFrame:
    """Return unlabelled payments whose risk is higher in some channel than in training."""
    new = made_payments(seed).drop(columns="label")
    new["event_id"], new["account_id"] = "n" + new["event_id"], "n" + new["account_id"]
    more = new["channel"].map(risk).fillna(0.0)
    return new.assign(occurred_at=new["occurred_at"] + pd.Timedelta(90, "D"), risk=new["risk"] + more)


@pytest.mark.parametrize(
    ("moved", "channels", "bound"),
    [({}, set(), ""), ({"phone": 2.0}, {"phone"}, "at most"), ({"app": -2.0}, {"app"}, "at least")],
)
def test_flagged_records_are_compared_for_each_channel(
    trained: Trained, tmp_path: Path, moved: dict[str, float], channels: set[str], bound: str
) -> None:
    scorer, new = Scorer.load(trained.folder), traffic(2, **moved)
    unusual = score_file(scorer, new, tmp_path / "scores.parquet").unusual_shares
    of_channels = [share for share in unusual if share.kind == FLAGGED != share.name]
    assert {share.name for share in of_channels} == {f"flagged where channel is {name}" for name in channels}
    assert all(
        f"records where channel is {share.name[25:]} are flagged; expected {bound}" in share.text
        for share in of_channels
    )
    assert unusual_shares(scorer.model, pd.read_parquet(tmp_path / "scores.parquet")) == unusual
    handler = handler_of(scorer)
    records: list[Any] = new.assign(occurred_at=new["occurred_at"].map(pd.Timestamp.isoformat)).to_dict("records")
    handler.observe(scorer.score(records))
    assert handler.traffic.unusual == unusual
    shown = handler.metrics.render().decode()
    for name in ("phone", "app"):
        label = f'{{share="{FLAGGED} where channel is {name}"}}'
        assert f"fraudsieve_unusual_share{label} {float(name in channels)}" in shown
    handler.replace_model(LoadedModel(Scorer(replace(scorer.model, source_points=None, expected_shares=()))))
    assert f"fraudsieve_latest_share{label} NaN" in handler.metrics.render().decode()


def test_monitoring_compares_alerts_of_each_channel(trained: Trained) -> None:
    untracked = Recipe.read(overrides={"track.enabled": False, "monitor.family_psi": None, "monitor.score_psi": None})
    report = monitor_tables(trained.folder, traffic(), traffic(3, phone=2.0), recipe=untracked)
    names = [f"{trained.model.points[0].name} where channel is {name}" for name in ("app", "phone")]
    assert [point.name for point in report.alerts[-2:]] == names
    beyond_chance = {point.name for point in report.alerts if point.chance and point.times > max(point.chance, 2)}
    assert {trained.model.points[0].name, names[1]} <= beyond_chance
    assert names[0] not in beyond_chance


def with_thresholds(trained: Trained, **thresholds: float) -> Scorer:
    first = trained.model.points[0]
    points = {channel: replace(first, threshold=threshold) for channel, threshold in thresholds.items()}
    return Scorer(replace(trained.model, source_points=SourcePoints("channel", points)))


def test_reasons_are_for_the_decision_of_the_channel(trained: Trained) -> None:
    records = records_of("phone", np.linspace(0, 4, 200))
    first_reasons = []
    for threshold in (0.1, 0.9):
        scores: list[Any] = with_thresholds(trained, phone=threshold).score(records, reasons=3)
        first_reasons.append([s["reasons"][0]["log_odds"] for s in scores if 0.1 <= s["probability"] < 0.9])
    for_fraud, against = np.array(first_reasons)
    assert (for_fraud > 0).all()
    assert (against < 0).any()


def test_a_missing_channel_and_an_unseen_one_have_the_threshold_of_no_other(trained: Trained) -> None:
    scorer = with_thresholds(trained, app=0.0, phone=0.0, fax=0.0)
    for channel in (None, "telex"):
        assert {score["decision"] for score in scorer.score(records_of(channel, np.zeros(3)))} == {"pass"}
    assert scorer.score(records_of("fax", np.zeros(1)))[0]["decision"] == "flag"


def test_recalibration_sets_one_threshold_again(trained: Trained, tmp_path: Path) -> None:
    traffic = made_payments(1).drop(columns="label")
    untracked = Recipe.read(overrides={"track.enabled": False})
    new = recalibrate(trained.folder, traffic, output=tmp_path / "here", flagged=0.02, recipe=untracked)
    assert new.model.source_points is None
    assert [share.name for share in new.model.expected_shares] == ["unlike_training", FLAGGED]
    assert any("the thresholds by channel are not set again" in note for note in new.notes)


@pytest.mark.parametrize(
    ("by", "decide_by", "words"),
    [
        ("source", None, "the source of the label"),
        ("chanel", None, "a category of the events"),
        ("channel", "capacity", "a false positive rate to decide"),
    ],
)
def test_what_cannot_decide_is_refused(tmp_path: Path, by: str, decide_by: str | None, words: str) -> None:
    recipe = settings(**{"thresholds.by": by, "thresholds.decide_by": decide_by})
    with pytest.raises(RecipeError, match=words):
        train(recipe, output=tmp_path / "model", events=made_payments().assign(source="bank"))


def test_a_folder_with_points_of_a_category_that_the_model_lacks_is_refused(trained: Trained, tmp_path: Path) -> None:
    by_channel = trained.model.source_points
    assert by_channel is not None
    write_model(replace(trained.model, source_points=replace(by_channel, column="office")), tmp_path / "model")
    with pytest.raises(ArtifactError, match="points of a category"):
        Scorer.load(tmp_path / "model")
