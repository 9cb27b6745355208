"""Recalibrate a small model from the command line and in Python: what is set, from which model, and on what."""

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.exceptions import RecipeError, SchemaError, TrackingError
from fraudsieve.models import Model, Scorer, read_model, write_model
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.thresholds import Targets
from fraudsieve.review import ReviewPlan, draw_records
from fraudsieve.training import Recipe, recalibrate
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import (
    count_rows_in_training,
    is_training_table,
    rows_after_training,
    trained_until,
)
from fraudsieve.training.recalibration import outcomes
from fraudsieve.training.recalibration.outcomes import LabelledRecords, points_of_rates
from fraudsieve.training.simulation.world import simulate
from tests.attack.small_models import write_message_model
from tests.messages import refused
from tests.shared import mlflow_uri, shared_folder

pytestmark = pytest.mark.slow

UNTRACKED = Recipe.read(overrides={"track.enabled": False})


@pytest.fixture(scope="module")
def folder() -> Path:
    """A model, its traffic and the labels of the traffic."""

    def make(folder: Path) -> None:
        write_message_model(folder / "m")
        world = simulate(seed=1, days=30, n_accounts=150)
        labels = world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
        messages = world.messages[world.messages["message_id"].isin(labels["subject_id"])]
        # Every message with a word of its own, so that there are enough campaigns.
        rng = np.random.default_rng(0)
        words = ["".join(rng.choice(list("abcdefghijklmnop"), 60)) for _ in range(len(messages))]
        messages.assign(text=messages["text"] + " " + words).to_parquet(folder / "traffic.parquet")
        named = labels.assign(label=np.where(labels["label"] == "legitimate", "legitimate", "fraud"))
        named[["subject_id", "label"]].to_csv(folder / "labels.csv", index=False)

    return shared_folder("recalibration", make)


def run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["recalibrate", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def drawn_labels(folder: Path, n: int = 400) -> pd.DataFrame:
    """Return labels of a draw for review, each with its inclusion probability."""
    traffic, labels = pd.read_parquet(folder / "traffic.parquet"), pd.read_csv(folder / "labels.csv")
    texts = {"text": traffic["text"].tolist()}
    scores = pd.DataFrame(Scorer.load(folder / "m").score_columns(texts)).assign(message_id=traffic["message_id"])
    drawn = draw_records(scores, ReviewPlan(n, audit=0.75), messages=traffic, threshold=0.0).records
    return drawn[["subject_id", "inclusion_probability"]].merge(labels, on="subject_id")


def test_unlabelled_traffic_sets_the_alert_volume_alone(folder: Path, tmp_path: Path) -> None:
    content = run("--model", folder / "m", "--messages", folder / "traffic.parquet", "--output", tmp_path / "m2",
                  "--flagged", "0.07", "--no-track")  # fmt: skip
    before, after = read_model(folder / "m"), read_model(tmp_path / "m2")
    assert after.digest == content["digest"] != before.digest
    assert after.calibration == before.calibration
    assert [point.name for point in after.points] == ["capacity"]
    facts = after.training["recalibration"]
    assert (facts["parent"], facts["of"], facts["labels"]) == (before.digest, ["operating_points"], 0)
    assert len(facts["digests"]["traffic"]) == 64
    texts = pd.read_parquet(folder / "traffic.parquet")["text"].tolist()
    old, new = (Scorer.load(path).score_columns({"text": texts}) for path in (folder / "m", tmp_path / "m2"))
    assert (old["probability"] == new["probability"]).all()
    flagged = (new["decision"] == "flag").mean()
    assert facts["flagged_interval"][0] < flagged == facts["flagged"] <= 0.07 < facts["flagged_interval"][1]


def test_alerts_per_day_are_those_of_the_traffic(folder: Path, tmp_path: Path) -> None:
    traffic = folder / "traffic.parquet"
    result = recalibrate(folder / "m", traffic, output=tmp_path / "m2", alerts_a_day=5.0, recipe=UNTRACKED)
    assert result.model.points[0].alerts_a_day == pytest.approx(5, abs=0.05)
    untimed = pd.read_parquet(traffic).drop(columns="sent_at")
    with pytest.raises(RecipeError, match="the records have no times"):
        recalibrate(folder / "m", untimed, output=tmp_path / "m3", alerts_a_day=5.0, recipe=UNTRACKED)
    with pytest.raises(RecipeError, match="expected one alert volume"):
        recalibrate(folder / "m", traffic, output=tmp_path / "m3", alerts_a_day=5, flagged=0.1, recipe=UNTRACKED)


def test_drawn_labels_set_rates_and_calibration_and_the_run_is_tracked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[LabelledRecords] = []

    def choose(records: LabelledRecords, targets: Targets) -> list[OperatingPoint]:
        seen.append(records)
        return points_of_rates(records, targets)

    monkeypatch.setattr(outcomes, "points_of_rates", choose)
    (tmp_path / "r.toml").write_text(f'[track]\nuri = "{mlflow_uri(tmp_path)}"\n')
    drawn = drawn_labels(folder)
    drawn.to_csv(tmp_path / "labels.csv", index=False)
    content = run("--model", folder / "m", "--messages", folder / "traffic.parquet", "--output", tmp_path / "m2",
                  "--labels", tmp_path / "labels.csv", "--flagged", 0.05, "--recipe", tmp_path / "r.toml")  # fmt: skip
    labels = pd.read_csv(folder / "labels.csv")
    model, parent = read_model(tmp_path / "m2"), read_model(folder / "m")
    assert model.calibration != parent.calibration
    assert model.ratio_support is None  # the bounds of the parent are of another calibration
    facts = model.training["recalibration"]
    assert facts["labels"] == len(drawn)
    assert facts["of"] == ["operating_points", "calibration"]
    (capacity,) = [point for point in model.points if point.name == "capacity"]
    low, high = facts["false_positive_rate_interval"]["capacity"]
    assert capacity.false_positive_rate is not None
    assert low <= capacity.false_positive_rate <= high
    # Against the truth of all records.
    traffic = pd.read_parquet(folder / "traffic.parquet")
    is_fraud = (traffic["message_id"].map(labels.set_index("subject_id")["label"]) == "fraud").to_numpy()
    probability = Scorer.load(tmp_path / "m2").score_columns({"text": traffic["text"].tolist()})["probability"]
    low, high = facts["observed_over_expected_interval"]
    assert low <= is_fraud.sum() / probability.sum() <= high
    assert (probability >= capacity.threshold)[~is_fraud].mean() <= facts["false_positive_rate_interval"]["capacity"][1]
    is_known_fraud = traffic["message_id"].isin(drawn["subject_id"]).to_numpy() & is_fraud
    assert seen[0].others is not None
    assert len(seen[0].others) == pytest.approx((~is_known_fraud).sum(), rel=0.01)  # two campaigns have two messages
    np.testing.assert_allclose(seen[0].others[-20:], np.sort(probability[~is_known_fraud])[-20:])
    # In MLflow: a version, linked to its parent.
    assert content["model"] == "models:/messages/1"
    client = mlflow.MlflowClient(mlflow_uri(tmp_path), mlflow_uri(tmp_path))
    tags = client.get_run(str(client.get_model_version("messages", "1").run_id)).data.tags
    assert (tags["parent.model.digest"], tags["model.digest"]) == (parent.digest, model.digest)


def test_labels_of_all_records_set_the_points_as_in_training(folder: Path, tmp_path: Path) -> None:
    traffic, labels = folder / "traffic.parquet", pd.read_csv(folder / "labels.csv")
    given: dict[str, Any] = {"output": tmp_path / "m2", "flagged": 0.1, "recipe": UNTRACKED}
    result = recalibrate(folder / "m", traffic, labels=labels, **given)
    promised = [point for point in result.model.points if point.max_false_positive_rate is not None]
    assert promised
    support = result.model.ratio_support
    assert support is not None
    assert support.frauds + support.legitimate == len(pd.read_parquet(traffic))
    assert all((point.false_positive_rate or 0) <= (point.max_false_positive_rate or 0) for point in promised)
    assert result.model.points[0].name == promised[0].name == "false_positive_rate_0.01"
    given["output"] = tmp_path / "m3"
    with refused(SchemaError):
        recalibrate(folder / "m", traffic, labels=labels[1:], **given)
    assert not (tmp_path / "m3").exists()


def test_labels_of_a_draw_without_their_probabilities_are_not_enough(folder: Path, tmp_path: Path) -> None:
    plain = drawn_labels(folder).drop(columns="inclusion_probability")
    with refused(SchemaError, "inclusion_probability"):
        recalibrate(folder / "m", folder / "traffic.parquet", labels=plain, output=tmp_path / "c", recipe=UNTRACKED)


def test_too_few_labels_are_not_enough(folder: Path, tmp_path: Path) -> None:
    few = drawn_labels(folder)[:90]
    with refused(SchemaError):
        recalibrate(folder / "m", folder / "traffic.parquet", labels=few, output=tmp_path / "m2", recipe=UNTRACKED)


@pytest.mark.parametrize(("kept", "text"), [("fraud", "got only fraud"), ("legitimate", "got only legitimate records")])
def test_labels_of_one_kind_are_not_enough(folder: Path, tmp_path: Path, kept: str, text: str) -> None:
    drawn = drawn_labels(folder, 2000)
    one_kind = drawn[drawn["label"] == kept]
    assert len(one_kind) >= 100
    with refused(SchemaError, text):
        recalibrate(folder / "m", folder / "traffic.parquet", labels=one_kind, output=tmp_path / "m2", recipe=UNTRACKED)
    assert not (tmp_path / "m2").exists()


def test_the_older_model_stays_if_the_store_does_not_answer(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "m", tmp_path / "live")
    with socket.socket() as closed:  # bound, but it does not listen
        closed.bind(("127.0.0.1", 0))
        recipe = Recipe.read(overrides={"track.uri": f"http://127.0.0.1:{closed.getsockname()[1]}"})
        for _ in range(2):
            with pytest.raises(TrackingError, match="cannot be used"):
                recalibrate(
                    folder / "m", folder / "traffic.parquet", output=tmp_path / "live", flagged=0.05, overwrite=True,
                    recipe=recipe,
                )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["live"]
    assert read_model(tmp_path / "live").digest == read_model(folder / "m").digest


def test_an_older_model_is_replaced(folder: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"flagged": 0.05, "overwrite": True, "recipe": UNTRACKED}
    shutil.copytree(folder / "m", tmp_path / "live")
    result = recalibrate(tmp_path / "live", folder / "traffic.parquet", output=tmp_path / "live", **given)
    assert read_model(tmp_path / "live").digest == result.model.digest != read_model(folder / "m").digest
    assert [path.name for path in tmp_path.iterdir()] == ["live"]


def test_records_of_a_recalibration_count_as_those_of_training(folder: Path, tmp_path: Path) -> None:
    traffic, labels = pd.read_parquet(folder / "traffic.parquet"), pd.read_csv(folder / "labels.csv")
    times = traffic["sent_at"]
    middle = times.quantile(0.5)
    early, late = (traffic[rows].reset_index(drop=True) for rows in (times < middle, times >= middle))
    early_labels = labels[labels["subject_id"].isin(early["message_id"])]
    given: dict[str, Any] = {"flagged": 0.05, "recipe": UNTRACKED}
    result = recalibrate(folder / "m", early, labels=early_labels, output=tmp_path / "m2", **given)
    assert result.facts["window"] == [early["sent_at"].min().isoformat(), early["sent_at"].max().isoformat()]
    assert trained_until(result.model) == early["sent_at"].max()
    data = read_data(UNTRACKED, {"messages": traffic, "labels": labels}, min_label_rows=1)
    chosen = rows_after_training(data, [result.model])
    assert chosen.left_out["not later than training"] == len(early)
    assert count_rows_in_training(data, result.model) == len(early)
    # Thresholds alone: the calibration of before stays, and its records with it.
    again = recalibrate(tmp_path / "m2", late, output=tmp_path / "m3", **given)
    assert again.facts["window"] == [times.min().isoformat(), times.max().isoformat()]
    back = recalibrate(tmp_path / "m3", early, labels=early_labels, output=tmp_path / "m4", **given)
    assert back.facts["window"] == result.facts["window"]


def test_a_recalibration_on_records_without_times_is_not_known_to_be_earlier(folder: Path, tmp_path: Path) -> None:
    traffic, labels = pd.read_parquet(folder / "traffic.parquet"), pd.read_csv(folder / "labels.csv")
    untimed = traffic.drop(columns="sent_at")
    model = read_model(folder / "m")
    model = replace(model, training=model.training | {"window": ["2020-01-01T00:00:00+00:00"] * 2})
    result = recalibrate(Scorer(model), untimed, labels=labels, output=tmp_path / "m2", flagged=0.05, recipe=UNTRACKED)
    assert result.facts["window"] == []
    data = read_data(UNTRACKED, {"messages": traffic, "labels": labels}, min_label_rows=1)
    assert rows_after_training(data, [model]).warnings == ()
    assert count_rows_in_training(data, model) == 0
    assert rows_after_training(data, [result.model]).warnings == (
        "1 of the models was trained on messages without times, perhaps on some of these",
    )
    assert count_rows_in_training(data, result.model) is None
    same = read_data(UNTRACKED, {"messages": untimed, "labels": labels}, min_label_rows=1)
    assert not is_training_table(same, model)
    with pytest.raises(SchemaError, match="trained on this table"):
        rows_after_training(same, [result.model])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"flagged": -0.05}, "--flagged: expected a share from 0 to 1, got -0.05"),
        ({"flagged": 5}, "--flagged: expected a share from 0 to 1, got 5"),
        ({"flagged": float("nan")}, "--flagged: expected a share from 0 to 1, got nan"),
        ({"alerts_a_day": -3}, "--alerts-a-day: expected a number of at least 0, got -3"),
        ({"alerts_a_day": float("nan")}, "--alerts-a-day: expected a number of at least 0, got nan"),
    ],
)
def test_arguments_are_checked_before_any_work(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    with pytest.raises(RecipeError, match=text):
        recalibrate("none", "none.parquet", output=tmp_path / "m2", recipe=UNTRACKED, **options)


def test_a_model_of_types_has_no_points_to_set(folder: Path, tmp_path: Path) -> None:
    model = read_model(folder / "m")
    parts = (model.matrix, model.ensemble, model.calibration)
    write_model(Model("types", model.classes, None, *parts), tmp_path / "types")
    with pytest.raises(RecipeError, match="it has no legitimate class"):
        recalibrate(tmp_path / "types", folder / "traffic.parquet", output=tmp_path / "m2", recipe=UNTRACKED)
