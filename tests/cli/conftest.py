"""A command in a temporary folder, messages of two classes, and a model of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.training.simulation.world import simulate
from tests.shared import mlflow_uri, shared_folder

__all__ = ["SECRET", "Run", "error_of"]

SECRET = "my secret words"
Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a temporary folder; return its exit code, its JSON and its error stream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri(tmp_path))
    monkeypatch.delenv("FRAUDSIEVE_DEBUG", raising=False)

    def invoke(*arguments: str | Path) -> tuple[int, dict[str, Any], str]:
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        lines = result.stdout.strip().splitlines()
        assert len(lines) <= 1, "--json prints one object and nothing else"
        return result.exit_code, json.loads(lines[0]) if lines else {}, result.stderr

    return invoke


def error_of(run: Run, *call: Any) -> str:
    """Return the error of a wrong call."""
    code, answer, _ = run(*call)
    assert code == 2, answer
    return str(answer["error"])


@pytest.fixture(scope="session")
def messages() -> pd.DataFrame:
    """Messages of two classes that a model can separate, without times."""
    world = simulate(days=40, n_accounts=200)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    frame = world.messages[["message_id", "text"]].assign(label=world.messages["message_id"].map(labels))
    frame = frame[frame["label"].notna()].reset_index(drop=True)
    return frame.assign(label=frame["label"].where(frame["label"] == "legitimate", "spam").astype(object))


@pytest.fixture(scope="session")
def model(messages: pd.DataFrame) -> Path:
    def train(folder: Path) -> None:
        messages.to_parquet(folder / "m.parquet")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri(folder))
            result = CliRunner().invoke(app, ["train", "--messages", "m.parquet", "--json"])
        assert result.exit_code == 0, result.stderr

    return shared_folder("cli", train) / "fraudsieve-model"
