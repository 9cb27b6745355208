"""``fraudsieve train``: defaults, search, policy, labels and times."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.features.account_matrix import account_matrix_of
from fraudsieve.models import Scorer
from fraudsieve.models.fields import Policy
from fraudsieve.training.data.row_sample import RowSample
from tests.cli.conftest import Run, error_of
from tests.shared import mlflow_uri
from tests.training.data.precomputed_files import payments, write_ready


@pytest.mark.slow
def test_train_with_defaults_on_one_file(messages: pd.DataFrame, run: Run, tmp_path: Path) -> None:
    messages.to_csv("m.csv.gz", index=False)
    code, answer, _ = run("train", "--messages", "m.csv.gz")
    assert code == 0
    assert answer["report"]["split"]["kind"] == "campaign"
    assert answer["model_uri"] == "models:/fraudsieve/1"
    assert answer["aliases"] == ["challenger", "champion"]
    assert answer["tuning"] is None
    assert (tmp_path / answer["folder"] / "manifest.json").is_file()
    code, answer, error = run("train", "--messages", "m.csv.gz")
    assert code == 2
    assert "expected a new folder" in answer["error"]
    assert answer["error"] in error


@pytest.mark.slow
def test_train_tunes_settings_within_a_budget(messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("recipe.toml").write_text("n_jobs = 1\n[tune]\ntrials = 2\n[tune.space.model]\nl2 = {low = 0.1, high = 10}\n")
    call = ("train", "--messages", "m.parquet", "--recipe", "recipe.toml", "--tune")
    code, answer, error = run(*call, "1h")
    assert code == 0, error
    tuning = answer["tuning"]
    assert (tuning["metric"], tuning["trials"], tuning["folds"]) == ("average_precision", 2, 4)
    assert set(tuning["settings"]) == {"model.l2"}
    assert f"tuned: 2 trials in {tuning['seconds']:.0f} s, average precision in cross-validation" in error


@pytest.mark.slow
def test_the_model_has_the_policy_of_the_recipe(messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("r.toml").write_text('n_jobs = 1\n[scoring]\nunknown = "error"\n[evaluate]\nattack = false\nreplicates = 0\n')
    assert run("train", "--messages", "m.parquet", "--recipe", "r.toml", "--output", "strict")[0] == 0
    assert Scorer.load("strict").policy == Policy(unknown="error")
    Path("r.toml").write_text('[scoring]\nunknown = "guess"\n')
    assert "scoring.unknown" in error_of(run, "train", "--messages", "m.parquet", "--recipe", "r.toml")


@pytest.mark.slow
def test_a_label_seen_once_is_rejected_and_reported(messages: pd.DataFrame, run: Run) -> None:
    with_rare_label = messages.copy()
    with_rare_label.loc[0, "label"] = "once"
    with_rare_label.to_parquet("m.parquet")
    code, answer, error = run("train", "--messages", "m.parquet")
    assert code == 0
    assert answer["rejected"] == 1
    assert "1 row with the label" in error
    rejected = pd.read_parquet("fraudsieve-model.rejected-messages.parquet")
    assert rejected[["row", "column"]].to_numpy().tolist() == [[0, "label"]]
    assert "fraudsieve-model.rejected-messages.parquet" in error


@pytest.mark.slow
def test_integer_ids_and_times_of_several_zones(messages: pd.DataFrame, run: Run) -> None:
    zones = ["+08:00", "Z", "-05:30", ""]
    days = [f"2026-{1 + i % 6:02}-{1 + i % 28:02}T10:00:00{zones[i % 4]}" for i in range(len(messages))]
    messages.assign(message_id=range(len(messages)), sent_at=days).to_csv("m.csv", index=False)
    code, answer, error = run("train", "--messages", "m.csv")
    assert code == 0
    assert answer["report"]["split"]["kind"] == "time"
    assert answer["rejected"] == 0
    assert "UTC" in error


@pytest.mark.slow
def test_refit_says_on_the_screen_which_model_the_metrics_are_of(
    messages: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri(tmp_path))
    messages.to_parquet("m.parquet")
    Path("r.toml").write_text("n_jobs = 1\n[evaluate]\nattack = false\nreplicates = 0\n")
    result = CliRunner().invoke(app, ["train", "--messages", "m.parquet", "--recipe", "r.toml"])
    assert result.exit_code == 0, result.stderr
    assert f"Trained on {len(messages):,} messages" in result.stdout
    assert "frauds are found with" in result.stdout
    assert "fraudsieve predict --model fraudsieve-model --messages new.parquet --output scores.csv" in result.stdout
    assert "--verbose prints all metrics, and the run has the page report.html" in result.stdout
    assert "the evaluated model, trained on" in result.stdout
    assert f"was trained again, on {len(messages):,} rows" in result.stdout
    assert "refit: calibrating" in result.stderr
    assert Scorer.load("fraudsieve-model").model.training["refit"] is True
    assert "refit" not in Scorer.load("fraudsieve-model.split-model").model.training


@pytest.mark.slow
def test_the_refit_is_in_the_answer(messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("r.toml").write_text("n_jobs = 1\n[model]\nn_rounds = 20\n[evaluate]\nattack = false\nreplicates = 0\n")
    code, answer, error = run("train", "--messages", "m.parquet", "--recipe", "r.toml")
    assert code == 0, error
    assert answer["report"]["refit"]["split_model"] == answer["split_model"] != answer["digest"]
    assert answer["report"]["refit"]["rows"] == len(messages)


@pytest.mark.slow
def test_a_ready_matrix_and_a_sample(run: Run) -> None:
    events = payments(1500)
    events.to_parquet("events.parquet")
    Path("quick.toml").write_text("[model]\nn_rounds = 5\n[split]\ngap_days = 1.5\n[evaluate]\nreplicates = 5\n")
    call = ("train", "--recipe", "quick.toml")
    records = ("--events", "events.parquet", "--subject", "event", "--sample-rate", "0.3")
    code, answer, error = run(*call, *records, "--output", "one")
    assert code == 0, answer
    assert "rows: all fraud, and 0.3 of the legitimate ones; calibrated and tested on all rows" in " ".join(
        error.split()
    )
    one = Scorer.load("one").model
    until = pd.Timestamp(one.training["calibration_window"][0])
    write_ready(Path("sample.parquet"), events, account_matrix_of(one.matrix), RowSample(0.3), until)
    code, again, _ = run(*call, "--features", "sample.parquet", "--output", "other")
    assert code == 0, again
    assert again["report"]["average_precision"] == answer["report"]["average_precision"]
    assert "sample.parquet" not in Path("other/manifest.json").read_text()  # no paths
    inputs = mlflow.get_run(again["run_id"]).inputs
    assert inputs is not None
    assert [item.dataset.name for item in inputs.dataset_inputs] == ["features"]
    assert (
        error_of(run, *call, "--features", "sample.parquet", "--events", "events.parquet")
        == "recipe: data.features: expected no other table, got events. Remove them"
    )
    assert "model.sample_rate: expected greater than 0, got 0.0" in error_of(run, *call, *records[:-1], "0")
