"""Options for accounts and events; tests/training tests the training and the scores."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.training.simulation.world import simulate
from tests.cli.conftest import Run, error_of


@pytest.mark.slow
def test_accounts_from_training_to_scores(run: Run) -> None:
    world = simulate(days=40, n_accounts=200)
    is_account = world.labels["subject_id"].isin(world.accounts["account_id"])
    for name, table in {"a": world.accounts, "e": world.events, "l": world.labels[is_account]}.items():
        table.to_parquet(f"{name}.parquet")
    Path("recipe.toml").write_text(
        '[split]\nkind = "account"\n[model]\nn_rounds = 20\n[data]\nmin_label_rows = 2\n'
        '[[history.views]]\nwindows = ["7d"]\nmeasures = ["count", "sum"]\nkinds = ["payment"]\n'
    )
    tables = ("--events", "e.parquet", "--labels", "l.parquet")
    code, trained, _ = run("train", "--accounts", "a.parquet", *tables, "--recipe", "recipe.toml", "--output", "m")
    assert code == 0, trained
    assert trained["report"]["split"]["keeps_apart"] == ["accounts"]
    code, evaluation, _ = run("evaluate", "--model", "m", "--accounts", "a.parquet", *tables)
    assert (code, evaluation["report"]["rows"]) == (0, int(is_account.sum()))
    assert (
        error_of(run, "evaluate", "--model", "m", "--attack")
        == "attack: only messages can be obfuscated, and this is a model of accounts. Remove --attack"
    )
    code, scored, error = run("predict", "--model", "m", "--accounts", "a.parquet", "--events", "e.parquet")
    assert (code, scored["scored"]) == (0, 200)
    assert "accounts without as_of are scored as of the last event" in error
    assert "the model uses labels, but none were given" in error
    assert set(pd.read_parquet("scores.parquet")["status"]) <= {"ok", "no_history"}
    columns = json.loads(Path("m/manifest.json").read_text())["columns"]
    assert [column["name"] for column in columns[:3]] == [
        "volume__count_7d",
        "volume__count_7d_payment",
        "value__sum_7d",
    ]
