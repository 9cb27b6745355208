"""``fraudsieve evaluate``: the report, the page, later records, and attacks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import fraudsieve
from fraudsieve.cli.app import app
from fraudsieve.models import Scorer
from fraudsieve.training.attack.obfuscations import OBFUSCATIONS
from tests.cli.conftest import Run


def test_evaluate_and_predict_agree_with_the_library(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_json("m.jsonl", orient="records", lines=True)
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.jsonl")
    assert code == 0
    assert said["report"]["rows"] == len(messages)
    code, said, _ = run("predict", "--model", model, "--input", "m.jsonl", "--output", "s.parquet")
    assert (code, said["scored"], said["rejected"]) == (0, len(messages), 0)
    scores = pd.read_parquet("s.parquet")
    expected = fraudsieve.Scorer.load(model).score_columns({"text": messages["text"].tolist()})
    assert (scores["probability"].to_numpy() == expected["probability"]).all()
    assert scores["message_id"].tolist() == messages["message_id"].tolist()


def test_evaluate_looks_at_records_since_a_moment(model: Path, messages: pd.DataFrame, run: Run) -> None:
    sent = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(range(len(messages)), unit="h")
    messages.assign(sent_at=sent).to_parquet("m.parquet")
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--since", "2026-03-02T05:00:00")
    assert (code, said["report"]["rows"], said["report"]["not_later_than_training"]) == (
        0,
        len(messages) - 29,
        None,
    )  # the model knows no times
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--since", "2050-01-01")
    assert code == 2
    assert said["error"].endswith("Give later ones, or an earlier --since.")


def test_evaluate_writes_a_report(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("recipe.toml").write_text("[evaluate]\nmissed_cost = 25\nreplicates = 20\n")
    call = ("evaluate", "--model", model, "--messages", "m.parquet", "--recipe", "recipe.toml")
    code, said, _ = run(*call, "--report", "r.html")
    assert (code, said["files"]) == (0, {"page": "r.html", "json": "r.json"})
    assert json.loads(Path("r.json").read_text("utf-8")) == said["report"]
    assert (said["report"]["costs"]["missed_cost"], said["report"]["bootstrap"]["over"]) == (25, "campaign")
    page = Path("r.html").read_text("utf-8")
    assert f'<div class="value">{said["report"]["average_precision"]:.3f}</div>' in page
    assert said["digest"] in page
    assert not any(text in page for text in messages["text"] if len(text) > 20)
    table = CliRunner().invoke(app, [*map(str, call), "--report", "r.html"]).stdout
    assert "r.html, and as JSON r.json" in table
    low, high = said["report"]["intervals"]["average_precision"]
    assert f"({low:.3f} to {high:.3f})" in table


def test_evaluate_says_what_points_do_here_and_how_many_records_wait(
    model: Path, messages: pd.DataFrame, run: Run
) -> None:
    sent = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(range(len(messages)), unit="h")
    labelled = sent + pd.to_timedelta(np.arange(len(messages)) % 9 + 0.5, unit="D")
    late = labelled > sent.max()
    known = messages.assign(sent_at=sent, labelled_at=labelled.where(~late), label=messages["label"].mask(late))
    known.to_parquet("m.parquet")
    call = ("evaluate", "--model", model, "--messages", "m.parquet")
    code, said, error = run(*call)
    assert code == 0
    points, labels = said["report"]["operating_points"], said["report"]["labels"]
    assert [one["name"] for one in points] == [point.name for point in Scorer.load(model).model.points]
    assert (labels["unlabelled"], labels["youngest"]["waiting"]) == (late.sum(), late.sum())
    assert labels["youngest"]["expected"] == pytest.approx(late.sum(), rel=0.1)
    assert f"note: {late.sum():,} of {labels['youngest']['records']:,} records of the last 8.5 days wait" in error
    later = run(*call, "--since", "2026-03-08T05:00:00")[1]["report"]["labels"]
    assert (later["records"], later["delays"]) == (len(messages) - 173, labels["delays"])
    table = CliRunner().invoke(app, [*map(str, call)]).stdout
    here, then = points[0]["here"], points[0]["calibration"]
    (line,) = [line for line in table.splitlines() if line.strip().startswith(points[0]["name"])]
    assert f"{here['recall']:.3f} ({then['recall']:.3f})" in line
    assert f"{here['alerts_a_day']:,.1f} (-)" in line
    assert "gap before the test: split by campaign, not by time" in table
    assert f"without a label: {late.sum():,} of {len(messages):,} records" in table


def test_a_report_that_cannot_be_written_is_refused_before_any_work(run: Run) -> None:
    code, said, _ = run("evaluate", "--model", "none", "--report", "r.pdf")
    assert (code, "expected a name that ends in .html" in said["error"]) == (2, True)


@pytest.mark.slow
def test_evaluate_under_attack(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--attack")
    assert code == 0
    sheet = said["report"]["attack"]
    assert sheet["rows"] == int((messages["label"] == "spam").sum())
    assert sheet["recall"] == pytest.approx(said["report"]["recall_at_1pct_fpr"])
    assert set(sheet["obfuscations"]) == set(OBFUSCATIONS)
    light, strong = (sheet["obfuscations"]["symbols"][strength] for strength in ("light", "strong"))
    assert 0 <= strong["kept"] <= 1
    assert light["changed"] == strong["changed"] == 1.0
    assert run("evaluate", "--model", model, "--messages", "m.parquet")[1]["report"]["attack"] is None
    table = CliRunner().invoke(app, ["evaluate", "--model", str(model), "--messages", "m.parquet", "--attack"]).stdout
    assert "  light  medium  strong" in table
    assert f"{strong['kept']:.3f}" in next(line for line in table.splitlines() if "symbols" in line)
    assert f"{sheet['character']['medium']['mean']:.3f}" in table.splitlines()[-1]


def test_an_attack_needs_fraud(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages[messages["label"] == "legitimate"].to_parquet("m.parquet")
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--attack")
    assert (code, "no scorable row is fraudulent" in said["error"]) == (2, True)
