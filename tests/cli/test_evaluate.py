"""``fraudsieve evaluate``: the report, the page, later records, and attacks."""

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import fraudsieve
from fraudsieve.cli.app import app
from fraudsieve.models import Scorer
from fraudsieve.pages.rendering import format_metric
from fraudsieve.pages.words import point_words
from fraudsieve.training.attack.obfuscations import OBFUSCATIONS
from tests.cli.conftest import Run, error_of

pytestmark = pytest.mark.slow


def test_evaluate_and_predict_agree_with_the_library(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_json("m.jsonl", orient="records", lines=True)
    code, answer, _ = run("evaluate", "--model", model, "--messages", "m.jsonl")
    assert code == 0
    assert answer["report"]["rows"] == len(messages)
    code, answer, _ = run("predict", "--model", model, "--messages", "m.jsonl", "--output", "s.parquet")
    assert (code, answer["scored"], answer["rejected"]) == (0, len(messages), 0)
    scores = pd.read_parquet("s.parquet")
    expected = fraudsieve.Scorer.load(model).score_columns({"text": messages["text"].tolist()})
    assert (scores["probability"].to_numpy() == expected["probability"]).all()
    assert scores["message_id"].tolist() == messages["message_id"].tolist()


def test_evaluate_uses_records_since_a_time(model: Path, messages: pd.DataFrame, run: Run) -> None:
    sent = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(range(len(messages)), unit="h")
    messages.assign(sent_at=sent).to_parquet("m.parquet")
    code, answer, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--since", "2026-03-02T05:00:00")
    assert (code, answer["report"]["rows"], answer["report"]["not_later_than_training"]) == (
        0,
        len(messages) - 29,
        None,
    )  # the model has no training times
    code, answer, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--since", "2050-01-01")
    assert code == 2
    assert answer["error"].endswith("Give later ones, or an earlier --since.")


def test_evaluate_writes_a_report(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("recipe.toml").write_text("[evaluate]\nmissed_cost = 25\nreplicates = 20\n")
    call = ("evaluate", "--model", model, "--messages", "m.parquet", "--recipe", "recipe.toml")
    code, answer, _ = run(*call, "--report", "r.html")
    assert (code, answer["files"]) == (0, {"page": "r.html", "json": "r.json"})
    assert json.loads(Path("r.json").read_text("utf-8")) == answer["report"]
    assert (answer["report"]["costs"]["missed_cost"], answer["report"]["bootstrap"]["over"]) == (25, "campaign")
    page = Path("r.html").read_text("utf-8")
    assert f'<div class="value">{answer["report"]["average_precision"]:.3f}</div>' in page
    assert answer["digest"] in page
    assert not any(text in page for text in messages["text"] if len(text) > 20)
    table = CliRunner().invoke(app, [*map(str, call), "--report", "r.html", "--verbose"]).stdout
    assert "r.html, and as JSON r.json" in table
    low, high = answer["report"]["intervals"]["average_precision"]
    assert f"{low:.3f} to {high:.3f}" in table
    table = CliRunner().invoke(app, [*map(str, call), "--report", "zh.html", "--language", "zh", "--verbose"]).stdout
    assert "zh.html，JSON 为 zh.json" in table
    assert '<html lang="zh-CN">' in Path("zh.html").read_text("utf-8")
    assert Path("zh.json").read_bytes() == Path("r.json").read_bytes()
    assert f"{low:.3f} 至 {high:.3f}" in table


def test_evaluate_slices_by_columns(model: Path, messages: pd.DataFrame, run: Run) -> None:
    channel = np.where(np.arange(len(messages)) % 3 == 0, "app", "sms")
    messages.assign(channel=channel, price=np.arange(len(messages)), note="a").to_parquet("m.parquet")
    call = ("evaluate", "--model", model, "--messages", "m.parquet", "--by", "channel", "--by", "price")
    sliced = run(*call)[1]["report"]["slices"]
    assert sliced["requested"] == ["channel", "price"]
    by = [part["by"] for part in sliced["parts"]]
    assert (by.count("channel"), by.count("price")) == (2, 4)
    assert sliced["compared"] + sliced["too_small"] == len(by)
    lines = CliRunner().invoke(app, [*map(str, call), "--verbose"]).stdout.splitlines()
    sms, rates = [line for line in lines if line.startswith("    sms")]  # of two tables
    assert len(sms) > len(rates)
    part = next(part for part in sliced["parts"] if part["value"] == "sms")
    assert f"{part['rows']:,}" in sms
    assert f"{part['recall']:.3f} ({part['recall_interval'][0]:.3f} to " in sms
    assert any("slices were compared" in line for line in lines)
    assert "expected a column 'chanel' to slice by" in error_of(run, *call[:5], "--by", "chanel")
    named = run(*call[:5], "--column", "kind=channel", "--by", "channel")[1]["report"]["slices"]
    assert [part["by"] for part in named["parts"]].count("channel") == 2


def test_evaluate_reports_points_and_records_that_wait_for_labels(
    model: Path, messages: pd.DataFrame, run: Run
) -> None:
    sent = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(range(len(messages)), unit="h")
    labelled = sent + pd.to_timedelta(np.arange(len(messages)) % 9 + 0.5, unit="D")
    late = labelled > sent.max()
    partly_labelled = messages.assign(
        sent_at=sent, labelled_at=labelled.where(~late), label=messages["label"].mask(late)
    )
    partly_labelled.to_parquet("m.parquet")
    call = ("evaluate", "--model", model, "--messages", "m.parquet")
    code, answer, error = run(*call)
    assert code == 0
    points, labels = answer["report"]["operating_points"], answer["report"]["labels"]
    assert [point["point"]["name"] for point in points] == [point.name for point in Scorer.load(model).model.points]
    assert (labels["unlabelled_in_period"], labels["youngest"]["waiting"]) == (late.sum(), late.sum())
    assert labels["youngest"]["expected"] == pytest.approx(late.sum(), rel=0.1)
    records = labels["youngest"]["records"]
    assert f"note: {late.sum():,} of {records:,} records of the last 8.5 days are waiting" in error
    later = run(*call, "--since", "2026-03-08T05:00:00")[1]["report"]["labels"]
    assert (later["records_in_period"], later["delays"]) == (len(messages) - 173, labels["delays"])
    table = CliRunner().invoke(app, [*map(str, call), "--verbose"]).stdout
    here, then = points[0]["here"], points[0]["point"]
    (line,) = [line for line in table.splitlines() if line.strip().startswith(point_words(then["name"]))]
    assert f"{here['recall']:.3f} ({then['recall']:.3f})" in line
    assert f"{format_metric(here['alerts_a_day'])} (–)" in line
    assert "split by campaign" not in table, "nothing was split here"
    assert "unknown: these records, or those of training, have no times" in table
    assert f"unlabelled in this period: {late.sum():,} of {len(messages):,} records" in table


def test_evaluate_says_how_many_rows_were_in_training(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    table = CliRunner().invoke(app, ["evaluate", "--model", str(model), "--messages", "m.parquet"]).stdout
    used = Scorer.load(model).model.training["rows"]
    rows = f"{used['train']:,} rows trained and {used['calibration']:,} calibrated the model"
    assert f"this is the table of training, of which {rows}" in table


def test_the_first_screen_has_the_finding_and_the_next_command(
    model: Path, messages: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    messages.to_parquet("m.parquet")
    call = ["evaluate", "--model", str(model), "--messages", "m.parquet"]
    shown = CliRunner().invoke(app, call).stdout
    content = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)["report"]
    decision = content["decision"]
    finding = f"{decision['found']:,} of {content['frauds']:,} frauds are found with {decision['reviews']:,} reviews."
    assert finding in shown
    assert 5 <= len(shown.splitlines()) <= 10
    assert "--verbose prints all metrics, and --report report.html writes a page" in shown
    (following,) = [line.split("fraudsieve ")[1] for line in shown.splitlines() if line.startswith("  next")]
    messages.drop(columns="label").head(9).to_parquet("new.parquet")
    done = CliRunner().invoke(app, shlex.split(following))
    assert done.exit_code == 0, done.output
    assert len(pd.read_csv("scores.csv")) == 9
    assert len(CliRunner().invoke(app, [*call, "--verbose"]).stdout.splitlines()) > 15
    paged = CliRunner().invoke(app, [*call, "--report", "r.html"]).stdout
    assert paged.splitlines()[-1].split(maxsplit=1)[1] == "--verbose prints all metrics"


def test_evaluate_under_attack(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    code, answer, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--attack")
    assert code == 0
    metrics = answer["report"]["attack"]
    assert metrics["rows"] == int((messages["label"] == "spam").sum())
    assert metrics["recall"] == pytest.approx(answer["report"]["recall_at_1pct_fpr"])
    assert set(metrics["obfuscations"]) == set(OBFUSCATIONS)
    light, strong = (metrics["obfuscations"]["symbols"][strength] for strength in ("light", "strong"))
    assert 0 <= strong["kept"] <= 1
    assert light["changed"] == strong["changed"] == 1.0
    assert run("evaluate", "--model", model, "--messages", "m.parquet")[1]["report"]["attack"] is None
    call = ["evaluate", "--model", str(model), "--messages", "m.parquet", "--attack"]
    short = CliRunner().invoke(app, call).stdout
    assert f"medium {metrics['character']['medium']['mean']:.3f}" in short
    assert "symbols" not in short
    table = CliRunner().invoke(app, [*call, "--verbose"]).stdout
    assert f"{strong['kept']:.3f}" in next(line for line in table.splitlines() if "symbols" in line)
    names = ("mean of characters", "the same, legitimate", "share of these")
    for name, figure in zip(names, ("mean", "mean_alike", "flagged"), strict=True):
        (line,) = [line for line in table.splitlines() if line.strip().startswith(name)]
        assert f"{metrics['character']['medium'][figure]:.3f}" in line
    assert metrics["legitimate_rows"] == int((messages["label"] == "legitimate").sum())


def test_an_attack_needs_fraud(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages[messages["label"] == "legitimate"].to_parquet("m.parquet")
    assert "no scorable row is fraudulent" in error_of(
        run, "evaluate", "--model", model, "--messages", "m.parquet", "--attack"
    )
