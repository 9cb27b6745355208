"""Half a year of payments whose chargebacks come after 30 to 90 days: train, evaluate and retrain."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app

from .conftest import Run

DAY, PER_DAY = pd.Timedelta(days=1), 40
START = pd.Timestamp("2026-01-01", tz="UTC")
RECIPE = """
name = "shop"
n_jobs = 1
[labels]
legitimate_after = "90d"
[history]
network = false
views = [{windows = ["7d"], measures = ["count", "sum"]}]
[model]
n_rounds = 30
n_seeds = 1
[evaluate]
replicates = 30
[gates]
latency_ratio = 1000.0
"""


def write_shop(days: int, folder: Path) -> None:
    """Write the payments of so many days, and the chargebacks that were known at their end."""
    rng = np.random.default_rng(0)
    n = 400 * PER_DAY
    is_fraud, paid = rng.random(n) < 0.04, START + pd.to_timedelta(np.arange(n) / PER_DAY, unit="D")
    ids, accounts = [f"p{number}" for number in range(n)], [f"a{number}" for number in rng.integers(0, 900, n)]
    amount = np.round(np.exp(rng.normal(3 + 1.6 * is_fraud, 0.7)), 2)
    events = pd.DataFrame({"event_id": ids, "account_id": accounts, "occurred_at": paid, "amount": amount})
    late = paid + pd.to_timedelta(rng.uniform(30, 90, n), unit="D")
    known = pd.DataFrame({"subject_id": ids, "label": "fraud", "labelled_at": late})
    end = START + days * DAY
    events[events["occurred_at"] < end].to_parquet(folder / "payments.parquet")
    known[is_fraud & (known["labelled_at"] < end)].to_parquet(folder / "chargebacks.parquet")


@pytest.mark.slow
def test_half_a_year_with_chargebacks_of_up_to_90_days_trains_evaluates_and_retrains(run: Run, tmp_path: Path) -> None:
    write_shop(180, tmp_path)
    Path("recipe.toml").write_text(RECIPE, "utf-8")
    tables = ("--events", "payments.parquet", "--labels", "chargebacks.parquet")
    code, trained, said = run("train", "--recipe", "recipe.toml", *tables, "--subject", "event", "--output", "first")
    assert code == 0, said
    assert "legitimate_after is 90 days, which needs about 9 months of records" in said
    assert "they count from an age of 60 days on, when 46 % or more of the labels of each kind have arrived" in said
    assert "60 days before the newest" in said
    assert trained["report"]["frauds"] > 15
    assert trained["report"]["average_precision"] > 5 * trained["report"]["base_rate"]

    code, evaluated, said = run("evaluate", "--model", "first", *tables, "--since", "2026-04-01")
    assert code == 0, said
    # As in training, and not after 90 days: the first of April is 91 days before the end.
    assert evaluated["report"]["rows"] == 30 * PER_DAY
    assert evaluated["report"]["frauds"] > 15

    write_shop(215, tmp_path)
    retrain = ("retrain", "--model", "models:/shop@champion", *tables, "--as-of", str(START + 215 * DAY))
    code, plan, said = run(*retrain, "--plan")
    assert (code, plan["step"], plan["refresh"]) == (0, "train", True), said
    assert "need about 9 months of records, those given span 7.1" in plan["warnings"][0]
    assert (plan["compared"]["evaluated"], plan["compared"]["stand_ins"]) == (True, [])
    shown = CliRunner().invoke(app, [*retrain, "--plan"]).stdout
    assert "by the evaluated models of both: labels come too late for a stand-in" in " ".join(shown.split())
    code, retrained, said = run(*retrain, "--output", "second")
    assert (code, retrained["outcome"]) == (0, "promoted"), said
    assert "So the evaluated models of both are compared" in said
    compared = retrained["comparison"]
    assert (compared["rows"], compared["frauds"]) == (plan["compared"]["rows"], plan["compared"]["frauds"])
    assert compared["champion"]["stand_in_for"] == trained["digest"]
    assert compared["challenger"]["stand_in_for"] == retrained["digest"]
    # Neither has learned from the records.
    assert max(compared[role]["trained_until"] for role in ("champion", "challenger")) < plan["compared"]["since"]
    code, again, said = run(*retrain, "--output", "third")
    assert (code, again["outcome"]) == (0, "nothing new"), said
