"""The tracking store, the address of a run, and the output of MLflow."""

import logging
import subprocess
from pathlib import Path

import pytest

from fraudsieve.training.tracking.store import DEFAULT_STORE, quiet, tracking_uri
from fraudsieve.training.tracking.tracked_run import LoggedRun, _git_state


def test_the_recipe_comes_before_the_environment_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == DEFAULT_STORE
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert tracking_uri() == "http://127.0.0.1:9"
    assert tracking_uri("sqlite:///x.db") == "sqlite:///x.db"


def test_the_address_of_a_run() -> None:
    remote = LoggedRun("http://127.0.0.1:5000/", "1", "abc", "models:/m/1", ())
    assert remote.address == "http://127.0.0.1:5000/#/experiments/1/runs/abc"
    with_login = LoggedRun("https://user:secret@mlflow.corp:5000", "1", "abc", "models:/m/1", ())
    assert with_login.address == "https://mlflow.corp:5000/#/experiments/1/runs/abc"
    local = LoggedRun("sqlite:///mlflow.db", "1", "abc", "models:/m/1", ())
    assert local.address.startswith("mlflow ui --backend-store-uri sqlite:///mlflow.db")


def test_git_state_names_commit_and_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert _git_state() == {}
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *command], check=True)
    assert _git_state()["git.dirty"] == "false"
    (tmp_path / "new").touch()
    assert _git_state()["git.dirty"] == "true"
    assert len(_git_state()["git.commit"]) == 40


def test_quiet_restores_the_levels() -> None:
    logger = logging.getLogger("mlflow")
    before = logger.level
    with quiet():
        assert logger.level == logging.WARNING
    assert logger.level == before


def test_output_of_mlflow_goes_to_the_error_stream(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet():
        print("View run at: http://127.0.0.1")  # noqa: T201 - what MLflow does
    print("ours")  # noqa: T201
    assert capsys.readouterr() == ("ours\n", "View run at: http://127.0.0.1\n")
