"""``fraudsieve monitor``: exit codes, the page, and bounds of a recipe."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.live.store import open_store
from fraudsieve.models.artifact.folder import read_model, write_model
from fraudsieve.models.fields import Policy
from fraudsieve.pages.words import names_in_words
from tests.cli.conftest import SECRET, Run, error_of

pytestmark = pytest.mark.slow


def test_monitor_exits_with_3_when_a_bound_is_exceeded_and_names_it(
    model: Path, messages: pd.DataFrame, run: Run
) -> None:
    order = np.random.default_rng(0).permutation(len(messages))
    half = len(messages) // 2
    reference, current = messages.iloc[order[:half]], messages.iloc[order[half:]]
    reference.to_parquet("r.parquet")
    current.to_csv("c.csv", index=False)
    call = ("monitor", "--model", model, "--reference", "r.parquet", "--messages", "c.csv")
    code, answer, error = run(*call)
    assert (code, answer["exceeded"]) == (0, [])
    assert answer["report"]["calibration"]["rows"] == len(current)
    assert "of the reference are from the time that the model was trained on" not in error  # other rows of that table
    wave = [f"{SECRET} {i} http://prize{i % 7}.example/{i}" for i in range(len(current))]
    current.assign(text=np.where(np.arange(len(current)) % 3, current["text"], wave)).to_csv("c.csv", index=False)
    code, answer, error = run(*call, "--report", "m.html")
    assert code == 3
    assert {"family_psi"} <= {bound["bound"] for bound in answer["exceeded"]}
    assert (answer["files"], answer["exceeded"]) == ({"page": "m.html", "json": "m.json"}, answer["report"]["exceeded"])
    assert json.loads(Path("m.json").read_text("utf-8")) == answer["report"]
    page = Path("m.html").read_text("utf-8")
    assert names_in_words(answer["exceeded"][0]["text"]) in page
    assert SECRET not in page + error + json.dumps(answer)
    shown = CliRunner().invoke(app, [*map(str, call)])
    assert shown.exit_code == 3
    assert answer["exceeded"][0]["text"] in shown.stdout
    Path("recipe.toml").write_text("[monitor]\nfamily_psi = 50\nscore_psi = 50\n")
    options = ("--recipe", "recipe.toml", "--report", "zh.html", "--language", "zh")
    assert "family_psi" not in {bound["bound"] for bound in run(*call, *options)[1]["exceeded"]}
    assert "<h1>监控报告：" in Path("zh.html").read_text("utf-8")
    assert "Exit code 3" in CliRunner().invoke(app, ["monitor", "--help"]).stdout


def test_records_that_the_policy_flags_are_counted(model: Path, messages: pd.DataFrame, run: Run) -> None:
    policy = Policy(unlike_training="flag", unlike_training_limit=0.5)
    write_model(replace(read_model(model), policy=policy), "flagging")
    messages.to_parquet("r.parquet")
    for call in (("monitor", "--reference", "r.parquet", "--messages"), ("evaluate", "--verbose", "--messages")):
        flagging, usual = (
            CliRunner().invoke(app, [*call, "r.parquet", "--model", str(of)]).stdout for of in ("flagging", model)
        )
        assert "below its threshold" in flagging
        assert "below its threshold" not in usual


def test_monitor_on_too_few_rows(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("r.parquet")
    messages[:20].to_parquet("c.parquet")
    call = ("monitor", "--model", model, "--reference", "r.parquet", "--messages", "c.parquet")
    assert "c.parquet: expected at least 100 records that can be scored, got 20" in error_of(run, *call)
    assert run(*call, "--report", "m.pdf")[0] == 2


def test_promises_of_a_store_without_reviewed_days(model: Path, messages: pd.DataFrame, run: Run) -> None:
    open_store("live.db").close()
    call = ("monitor", "--model", model, "--state", "live.db")
    promised = read_model(model).points[0].max_false_positive_rate is not None
    code, answer, _ = run(*call)
    assert (code, len(answer["promises"])) == (0, 2 if promised else 0)
    assert all(promise["text"].startswith("not watched") for promise in answer["promises"])
    messages.to_parquet("r.parquet")
    for option in ("--reference", "--messages", "--labels"):
        assert f"{option}: expected no table or setting beside --state" in error_of(run, *call, option, "r.parquet")
    assert "there is no such store" in error_of(run, "monitor", "--model", model, "--state", "other.db")
