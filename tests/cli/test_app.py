"""Help, version, and the exit code of a failure."""

import os
import sys

import mlflow
import pandas as pd
import pytest
from typer.testing import CliRunner

import fraudsieve
from fraudsieve.cli.app import COMMANDS, MLFLOW_SETTINGS, app, main
from tests.cli.conftest import SECRET, Run


def test_help_and_version() -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["--help"]).stdout
    assert all(command in shown for command in COMMANDS)
    assert runner.invoke(app, ["--version"]).stdout.strip() == fraudsieve.__version__
    assert runner.invoke(app, ["train", "--nonsense"]).exit_code == 2


def test_commands_keep_the_output_of_mlflow_off_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], "MLFLOW_LOGGING_LEVEL": "DEBUG"})
    monkeypatch.setattr(sys, "argv", ["fraudsieve", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] == "false"
    assert os.environ["MLFLOW_LOGGING_LEVEL"] == "DEBUG", "what the user sets stays"
    assert all(hasattr(mlflow.environment_variables, name) for name in MLFLOW_SETTINGS), "MLflow knows these names"


@pytest.mark.parametrize(("name", "least"), [("days", 7), ("accounts", 100), ("seed", 0)])
def test_a_world_has_a_least_size(name: str, least: int) -> None:
    result = CliRunner().invoke(app, ["simulate", f"--{name}", str(least - 1)])
    assert result.exit_code == 2
    assert f"--{name}" in result.output


@pytest.mark.slow
def test_an_unexpected_error_exits_with_1_and_leaks_nothing(
    messages: pd.DataFrame, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    messages.to_parquet("m.parquet")
    monkeypatch.setattr("fraudsieve.training.data.groups.near_duplicate_groups", fail)
    code, answer, error = run("train", "--messages", "m.parquet")
    assert code == 1
    assert "RuntimeError in test_app.py" in answer["error"]
    assert SECRET not in error
