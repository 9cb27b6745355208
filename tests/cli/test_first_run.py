"""``fraudsieve simulate`` and ``quickstart``."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import fraudsieve
from tests.cli.conftest import Run


def test_simulate_writes_four_tables(run: Run, tmp_path: Path) -> None:
    code, answer, _ = run("simulate", "--output", "world", "--days", "20", "--accounts", "150")
    assert code == 0
    assert {name: len(pd.read_parquet(table["path"])) for name, table in answer.items()} == {
        name: table["rows"] for name, table in answer.items()
    }
    assert set(answer) == {"messages", "accounts", "events", "labels"}


@pytest.mark.slow
def test_quickstart_in_a_new_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fraudsieve", "quickstart"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "these metrics only show that every step works" in done.stdout
    assert "mlflow ui --backend-store-uri sqlite:///fraudsieve-quickstart/mlflow.db" in done.stdout
    assert "models:/fraudsieve-quickstart/1" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["fraudsieve-quickstart"]
    folder = tmp_path / "fraudsieve-quickstart"
    digest = fraudsieve.Scorer.load(folder / "model").model.digest
    assert digest is not None
    assert digest in done.stdout
    assert len(pd.read_parquet(folder / "scores.parquet")) > 100
    assert fraudsieve.Scorer.load(folder / "model").score({"text": "hello"})["status"] == "ok"
    again = subprocess.run([sys.executable, "-m", "fraudsieve", "quickstart"], cwd=tmp_path, capture_output=True)
    assert again.returncode == 2
