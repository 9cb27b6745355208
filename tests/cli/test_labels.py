"""Labels 0 and 1 from training to monitoring, without any option that says what they mean."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.training.recipe import cores
from tests.cli.conftest import Run

QUICK = "[data]\nmin_label_rows = 2\n[evaluate]\nattack = false\nreplicates = 20\n"


def flags(messages: pd.DataFrame) -> pd.DataFrame:
    """Return messages with times and the labels 0 and 1, and -1 for the first ten."""
    label = (messages["label"] != "legitimate").astype(int).where(np.arange(len(messages)) >= 10, -1)
    return messages.assign(label=label, sent_at=pd.date_range("2026-01-01", periods=len(messages), freq="h", tz="UTC"))


@pytest.mark.slow
def test_0_and_1_from_training_to_monitoring(messages: pd.DataFrame, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (64.0, 0.0, 0.0))
    monkeypatch.setattr(cores, "physical_cores", lambda: 8)
    frame = flags(messages)
    half = len(frame) // 2
    earlier, later = frame[:half], frame[half:]
    earlier.to_parquet("earlier.parquet")
    earlier[::4].to_parquet("few.parquet")
    later.to_parquet("later.parquet")
    Path("r.toml").write_text(QUICK)
    for table in ("few", "earlier"):
        call = ("train", "--messages", f"{table}.parquet", "--recipe", "r.toml", "--output", table)
        code, answer, error = run(*call)
        assert code == 0, error
        assert answer["report"]["average_precision"] is not None
        assert "the label '0' is read as legitimate, the label '1' is read as fraud; if that is wrong, name" in error
        assert "note: 1 of 8 cores used, because the machine is busy (load 64.0)" in error
    assert answer["unlabelled"] == 10
    manifest = json.loads(Path("earlier/manifest.json").read_text())
    assert (manifest["classes"], manifest["legitimate"]) == (["fraud", "legitimate"], "legitimate")
    assert manifest["training"]["label_classes"]["0"] == "legitimate"
    assert manifest["training"]["recipe"]["data"]["legitimate"] == "auto"
    assert "n_jobs" not in manifest["training"]["recipe"]  # the model does not depend on it

    frauds = int((later["label"] == 1).sum())
    words = later.assign(label=later["label"].map({0: False, 1: True}))
    words.to_parquet("words.parquet")
    for table in ("later", "words"):
        report = run("evaluate", "--model", "earlier", "--messages", f"{table}.parquet")[1]["report"]
        assert (report["rows"], report["frauds"]) == (len(later), frauds)
        assert set(report["by_type"]) == {"fraud", "legitimate"}
        assert (report["capacity"]["alerts"], report["capacity"]["why"]) == (frauds, "as many as there are frauds")
    shown = (
        CliRunner().invoke(app, ["evaluate", "--model", "earlier", "--messages", "later.parquet", "--verbose"]).stdout
    )
    assert f" alerts per day ({100 * frauds / len(later):.3g} % of the records), as many as there are frauds" in shown
    table_of_labels = later.rename(columns={"message_id": "subject_id"})[["subject_id", "label"]]
    table_of_labels.to_parquet("labels.parquet")
    later.drop(columns="label").to_parquet("bare.parquet")
    tables = ("--messages", "bare.parquet", "--labels", "labels.parquet")
    assert run("evaluate", "--model", "earlier", *tables)[1]["report"]["frauds"] == frauds

    tried = ("promote", "--dry-run", "--messages", "later.parquet")
    code, answer, error = run(*tried, "--recipe", "r.toml")
    assert code == 0, error
    answer = answer["comparison"]
    assert answer["capacity"]["why"] == "as many as there are frauds"
    shown = CliRunner().invoke(app, [*tried, "--recipe", "r.toml", "--verbose"]).stdout
    assert f" alerts per day ({100 * frauds / len(later):.3g} % of the records), as many as there are frauds" in shown
    assert (answer["rows"], answer["frauds"]) == (len(later), frauds)

    call = ("monitor", "--model", "earlier", "--reference", "later.parquet", "--messages", "bare.parquet")
    code, answer, error = run(*call, "--labels", "labels.parquet")
    assert code in (0, 3), error
    assert answer["report"]["calibration"]["base_rate"] == pytest.approx(frauds / len(later))


@pytest.mark.slow
def test_labels_that_the_model_does_not_have_are_read_by_themselves(
    model: Path, messages: pd.DataFrame, run: Run
) -> None:
    flags(messages)[10:].to_parquet("flags.parquet")
    code, answer, error = run("evaluate", "--model", model, "--messages", "flags.parquet")
    assert code == 0
    assert answer["report"]["frauds"] == int((messages["label"][10:] == "spam").sum())
    assert "no label is a class of the model; '0' is read as 'legitimate', '1' is read as 'spam'" in error
