"""Recalibrate a small model from the command line and in Python: what is set, from which model, and on what."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.models import Model, Scorer, read_model, write_model
from fraudsieve.training import Recipe, draw_audit_sample, recalibrate
from fraudsieve.training.simulation.world import simulate
from tests.attack.small_models import write_message_model
from tests.shared import mlflow_uri, shared_folder

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


def test_unlabelled_traffic_sets_the_alert_volume_alone(folder: Path, tmp_path: Path) -> None:
    content = run("--model", folder / "m", "--input", folder / "traffic.parquet", "--output", tmp_path / "m2",
                  "--flagged", "0.07", "--no-track")  # fmt: skip
    before, after = read_model(folder / "m"), read_model(tmp_path / "m2")
    assert after.digest == content["digest"] != before.digest
    assert after.calibration == before.calibration
    assert [point.name for point in after.points] == ["capacity"]
    assert [point.legitimate_groups for point in after.absent_points] == [0, 0, 0]
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


def test_an_audited_sample_sets_rates_and_calibration_and_is_tracked(folder: Path, tmp_path: Path) -> None:
    given = ("--model", folder / "m", "--input", folder / "traffic.parquet")
    drawn = run(*given, "--draw", 250, "--sample", tmp_path / "audit.csv")
    assert drawn["drawn"] == 250
    (tmp_path / "r.toml").write_text(f'[track]\nuri = "{mlflow_uri(tmp_path)}"\n')
    labels = pd.read_csv(folder / "labels.csv")
    ids = pd.read_csv(tmp_path / "audit.csv")["subject_id"]
    labels[labels["subject_id"].isin(ids)].to_csv(tmp_path / "labels.csv", index=False)
    content = run(*given, "--labels", tmp_path / "labels.csv", "--sample", tmp_path / "audit.csv",
                  "--output", tmp_path / "m2", "--flagged", 0.05, "--recipe", tmp_path / "r.toml")  # fmt: skip
    model, parent = read_model(tmp_path / "m2"), read_model(folder / "m")
    assert model.calibration != parent.calibration
    assert model.ratio_support is None  # the bounds of the parent are of another calibration
    facts = model.training["recalibration"]
    assert (facts["labels"], facts["drawn"]) == (250, 250)
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
    with pytest.raises(SchemaError, match="expected a label of every record, 1 have none"):
        recalibrate(folder / "m", traffic, labels=labels[1:], **given)
    assert not (tmp_path / "m3").exists()


def test_too_few_audited_labels_are_not_enough(folder: Path, tmp_path: Path) -> None:
    traffic, labels = folder / "traffic.parquet", pd.read_csv(folder / "labels.csv")
    draw_audit_sample(folder / "m", traffic, 120, tmp_path / "audit.csv")
    drawn = labels[labels["subject_id"].isin(pd.read_csv(tmp_path / "audit.csv")["subject_id"])]
    with pytest.raises(SchemaError, match="expected labels of 100 records of the sample, got 90"):
        recalibrate(
            folder / "m", traffic, labels=drawn[:90], sample=tmp_path / "audit.csv", output=tmp_path / "m2",
            recipe=UNTRACKED,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], "expected a model folder to write"),
        (["--draw", "9"], "expected a file for the sample"),
        (["--draw", "9", "--sample", "a.csv", "--output", "m2"], "draws and stops"),
        (["--sample", "a.csv", "--output", "m2"], "expected its labels"),
    ],
)
def test_options_that_do_not_fit_are_named(options: list[str], text: str) -> None:
    result = CliRunner().invoke(app, ["recalibrate", "--model", "m", "--input", "t.parquet", *options])
    assert result.exit_code == 2
    assert text in result.output


def test_a_model_of_types_has_no_points_to_set(folder: Path, tmp_path: Path) -> None:
    model = read_model(folder / "m")
    parts = (model.matrix, model.ensemble, model.calibration)
    write_model(Model("types", model.classes, None, *parts), tmp_path / "types")
    with pytest.raises(RecipeError, match="it has no legitimate class"):
        draw_audit_sample(tmp_path / "types", folder / "traffic.parquet", 9, tmp_path / "a.csv")
