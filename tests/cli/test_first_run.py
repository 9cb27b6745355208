"""``fraudsieve simulate`` and ``quickstart``."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import fraudsieve
from tests.cli.conftest import Run
from tests.quickstart import run_quickstart


@pytest.mark.slow
def test_simulate_writes_four_tables(run: Run, tmp_path: Path) -> None:
    code, answer, _ = run("simulate", "--output", "world", "--days", "20", "--n-accounts", "150")
    assert code == 0
    assert {name: len(pd.read_parquet(table["path"])) for name, table in answer.items()} == {
        name: table["rows"] for name, table in answer.items()
    }
    assert set(answer) == {"messages", "accounts", "events", "labels"}


@pytest.mark.slow
def test_quickstart_in_a_new_process() -> None:
    empty, printed = run_quickstart()
    assert "these metrics only show that every step works" in printed
    assert "mlflow ui --backend-store-uri sqlite:///fraudsieve-quickstart/mlflow.db" in printed
    assert "models:/fraudsieve-quickstart/1" in printed
    assert [path.name for path in empty.iterdir()] == ["fraudsieve-quickstart"]
    folder = empty / "fraudsieve-quickstart"
    assert "frauds are found with" in printed
    assert (
        "fraudsieve predict --model fraudsieve-quickstart/model --messages fraudsieve-quickstart/world/messages.parquet"
        in printed
    )
    assert len(printed.splitlines()) <= 15
    assert len(pd.read_parquet(folder / "scores.parquet")) > 100
    assert fraudsieve.Scorer.load(folder / "model").score({"text": "hello"})["status"] == "ok"
    again = subprocess.run([sys.executable, "-m", "fraudsieve", "quickstart"], cwd=empty, capture_output=True)
    assert again.returncode == 2
