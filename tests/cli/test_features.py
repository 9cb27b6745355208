"""``fraudsieve features``: the file, its notes, and wrong calls."""

from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Run
from tests.training.data.precomputed_files import payments


@pytest.mark.slow
def test_features_are_written_with_label_and_slice(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    Path("mlflow.db").unlink()
    payments().to_parquet("e.parquet")
    code, answer, error = run("features", "--events", "e.parquet", "--output", "f.csv", "--seed", "3")
    assert code == 0, error
    assert set(answer["rows"]) == {"train", "calibration", "test"}
    written = pd.read_csv("f.csv")
    assert written["slice"].value_counts().to_dict() == answer["rows"]
    assert [*written.columns[5:]] == answer["columns"]
    assert all(f"note: {note}" in error for note in answer["notes"])
    assert {path.name for path in tmp_path.iterdir()} == {"e.parquet", "f.csv"}, "no store of MLflow"


def test_wrong_calls(run: Run) -> None:
    assert "extension" in run("features", "--events", "e.parquet", "--output", "f")[1]["error"]
    assert run("features", "--events", "e.parquet", "--output", "f")[0] == 2
    assert run("features", "--events", "e.parquet")[0] == 2
