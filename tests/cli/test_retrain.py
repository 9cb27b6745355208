"""``fraudsieve retrain`` on a simulated world: what it plans, refuses and promotes, and that it says the same again."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.models.predict import Scorer
from fraudsieve.training.simulation.world import simulate
from tests.cli.conftest import Run, error_of
from tests.live.test_scored_records import log_records

RECIPE = """
name = "sms"
n_jobs = 1
[data]
as_of = 2026-02-10
[data.columns]
text = "content"
[model]
n_rounds = 40
refit = false
[features]
n_folds = 2
[evaluate]
attack = false
replicates = 50
[gates]
latency_ms = 10000.0
"""
MODEL = ("--model", "models:/sms@champion", "--as-of", "2026-03-11")
TABLES = ("--messages", "messages.parquet", "--labels", "labels.parquet")
SHUFFLED_UNTIL = pd.Timestamp("2026-02-07", tz="UTC")


def write_world() -> None:
    """Write messages and labels, right ones, and ones that are shuffled in the first weeks."""
    world = simulate(days=70, n_accounts=300)
    world.messages.rename(columns={"text": "content"}).to_parquet("messages.parquet")
    labels = world.labels
    labels.to_parquet("labels.parquet")
    sent = labels["subject_id"].map(world.messages.set_index("message_id")["sent_at"])
    early = (sent < SHUFFLED_UNTIL).to_numpy()
    shuffled = labels["label"].to_numpy(object, copy=True)
    shuffled[early] = np.random.default_rng(0).permutation(shuffled[early])
    labels.assign(label=shuffled).to_parquet("damaged.parquet")


def state() -> tuple[set[str], list[tuple[str, str]], dict[str, str]]:
    """Return all files, all runs, and the aliases of the registered model."""
    files = {str(path) for path in Path().rglob("*") if path.is_file()}
    client = mlflow.MlflowClient()
    runs = [(run.info.run_id, run.info.status) for run in client.search_runs(["0", "1"])]
    aliases = client.get_registered_model("sms").aliases
    return files, runs, {alias: str(version) for alias, version in aliases.items()}


@pytest.mark.slow
def test_a_model_is_trained_again_refused_with_damaged_labels_and_promoted_with_right_ones(run: Run) -> None:
    write_world()
    Path("r.toml").write_text(RECIPE)
    code, first, _ = run("train", *TABLES, "--recipe", "r.toml", "--output", "first")
    assert (code, first["model_uri"]) == (0, "models:/sms/1")
    Scorer.load("models:/sms@champion")  # MLflow notes that it was loaded
    before = state()
    code, plan, _ = run("retrain", *MODEL, *TABLES, "--plan")
    assert (code, plan["step"], plan["champion"], plan["refresh"]) == (0, "train", "models:/sms/1", True)
    assert plan["compared"]["frauds"] >= 100
    assert sum(plan["by_class"].values()) == plan["labelled"]
    assert set(plan["by_source"]) == {"review", "user_report", "automatic"}
    assert "compared on" in CliRunner().invoke(app, ["retrain", *MODEL, *TABLES, "--plan"]).stdout
    assert state() == before

    damaged = (*TABLES[:2], "--labels", "damaged.parquet")
    code, refused, _ = run("retrain", *MODEL, *damaged)
    assert (code, refused["outcome"], refused["champion"]) == (0, "refused", "models:/sms/1"), refused
    assert any("Average precision is" in reason for reason in refused["reasons"])
    assert "promote --force" in refused["what_to_do"]
    assert state()[2] == {"champion": "1", "challenger": "2"}
    assert "replace it with --overwrite" in error_of(run, "retrain", *MODEL, *TABLES)
    shown = CliRunner().invoke(app, ["retrain", *MODEL, *TABLES, "--overwrite"]).stdout
    assert "models:/sms/3: promoted" in shown
    assert "frauds are found with" in shown
    assert "gates" in shown
    assert state()[2] == {"champion": "3", "challenger": "3"}
    code, again, _ = run("retrain", *MODEL, *TABLES)
    assert (code, again["outcome"], again["champion"]) == (0, "nothing new", "models:/sms/3")
    assert again["reasons"] == [again["plan"]["reason"]]
    assert state()[2] == {"champion": "3", "challenger": "3"}

    lacking = pd.read_parquet("messages.parquet").drop(columns="content")
    lacking.to_parquet("lacking.parquet")
    assert "content" in error_of(run, "retrain", *MODEL, "--messages", "lacking.parquet", "--labels", "labels.parquet")


@pytest.mark.slow
def test_records_and_labels_come_from_a_store(run: Run, model: Path, messages: pd.DataFrame) -> None:
    assert "there is no such store" in error_of(run, "retrain", "--model", model, "--state", "none.db", "--plan")
    minutes = pd.to_timedelta(range(len(messages)), unit="min")
    messages = messages.assign(sent_at=pd.Timestamp("2026-05-01", tz="UTC") + minutes)
    labels = messages.rename(columns={"message_id": "subject_id", "sent_at": "labelled_at"}).drop(columns="text")
    labels.to_csv("labels.csv", index=False)
    code, loaded, _ = run("state", "load", "live.db", "--labels", "labels.csv", "--model", model)
    assert (code, loaded["accepted"], loaded["unknown"]) == (0, len(labels), 0)
    assert "it does not keep the texts of messages" in error_of(
        run, "retrain", "--model", model, "--state", "live.db", "--plan"
    )
    sent = messages.astype({"sent_at": str}).drop(columns="label").to_dict("records")
    log_records(Path("live.db"), sent, Scorer.load(model))
    code, plan, _ = run("retrain", "--model", model, "--state", "live.db", "--plan")
    assert (code, plan.get("labelled")) == (0, len(messages)), plan
    assert plan["tables"] == {"messages": "live.db", "labels": "live.db"}
