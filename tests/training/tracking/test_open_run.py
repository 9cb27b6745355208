"""A run is open while the work goes on, and its status says how the work ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run

from fraudsieve.exceptions import TrackingError
from fraudsieve.training.tracking.tracked_run import RunContent, RunInput, describe_once, open_run
from tests.messages import refused
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    yield mlflow_uri(tmp_path)
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    mlflow.set_registry_uri(None)  # type: ignore[arg-type]


def stored(uri: str, run_id: str) -> Run:
    return mlflow.MlflowClient(uri, uri).get_run(run_id)


def test_a_run_is_running_while_the_work_goes_on(uri: str) -> None:
    with open_run(uri, "tests", name="work") as run:
        run.log_metric("loss", 0.5, 10)
        assert stored(uri, run.run_id).info.status == "RUNNING"
        assert stored(uri, run.run_id).data.metrics == {"loss": 0.5}
        assert stored(uri, run.run_id).data.tags["mlflow.note.content"] == "In progress."
    ended = stored(uri, run.run_id)
    assert (ended.info.status, ended.info.run_name) == ("FINISHED", "work")
    assert mlflow.active_run() is None


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("text of a message"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_work_that_fails_leaves_a_run_that_says_so(uri: str, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), open_run(uri, "tests", name="work") as run:
        raise error
    ended = stored(uri, run.run_id)
    assert ended.info.status == status
    told = {"FAILED": "Failed with `ValueError`.", "KILLED": "Stopped before it was finished."}
    assert ended.data.tags["mlflow.note.content"].startswith(told[status])
    assert ended.data.tags.get("error") == ("ValueError" if status == "FAILED" else None)
    assert "text of a message" not in str(ended.to_dictionary())


def test_a_run_inside_a_run_of_the_user_is_nested(uri: str) -> None:
    mlflow.set_tracking_uri(uri)
    with mlflow.start_run(experiment_id="0") as outer, open_run(uri, "tests", name="work") as run:
        pass
    assert stored(uri, run.run_id).data.tags["mlflow.parentRunId"] == outer.info.run_id


def test_inputs_are_logged_without_their_rows(uri: str, tmp_path: Path) -> None:
    with open_run(uri, "tests", name="work") as run:
        run.log_inputs([RunInput("messages", str(tmp_path / "m.csv"), "a1" * 32), RunInput("labels", None, "b2" * 32)])
    inputs = stored(uri, run.run_id).inputs
    assert inputs is not None
    datasets = {item.dataset.name: item.dataset for item in inputs.dataset_inputs}
    assert datasets["messages"].digest == "a1" * 18
    assert str(tmp_path / "m.csv") in datasets["messages"].source
    assert datasets["labels"].source_type == "code"


def test_files_of_a_run_are_beside_the_store(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with open_run(uri, "tests", name="work") as run:
        mlflow.log_text("a", "a.txt")
    assert stored(uri, run.run_id).info.artifact_uri.startswith((tmp_path / "mlruns").as_uri())
    assert not list(elsewhere.iterdir())


def test_a_store_that_fails_at_the_end_does_not_lose_the_model(uri: str, tmp_path: Path) -> None:
    with (
        refused(TrackingError),
        open_run(uri, "tests", name="work") as run,
    ):
        run.finish(tmp_path / "model", RunContent("work", "", metrics={"not a: name": 1.0}), register_as=None)
    assert stored(uri, run.run_id).info.status == "FAILED"


def test_a_deleted_experiment_is_an_error_that_says_so(uri: str) -> None:
    client = mlflow.MlflowClient(uri, uri)
    client.delete_experiment(client.create_experiment("tests"))
    message = "expected an experiment, got a deleted one"
    with pytest.raises(TrackingError, match=message), open_run(uri, "tests", name="x"):
        pass


KILLED = """
import os, signal, sys
from fraudsieve.training.tracking.tracked_run import open_run
with open_run(sys.argv[1], "tests", name="killed") as run:
    print(run.run_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_whose_process_was_killed_is_ended_by_the_next(uri: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, uri], capture_output=True, text=True)
    assert killed.returncode == -9
    run_id = killed.stdout.strip()
    assert stored(uri, run_id).info.status == "RUNNING"
    with open_run(uri, "tests", name="of another machine") as other:
        mlflow.set_tag("fraudsieve.host", "another")
        mlflow.set_tag("fraudsieve.pid", str(2**22 + os.getpid()))
        with open_run(uri, "tests", name="next") as alive, open_run(uri, "tests", name="inside"):
            assert stored(uri, alive.run_id).info.status == "RUNNING"
        assert stored(uri, other.run_id).info.status == "RUNNING"
    ended = stored(uri, run_id)
    assert ended.info.status == "KILLED"
    assert ended.data.tags["mlflow.note.content"].startswith("Its process is gone")


def test_a_registered_model_says_what_its_aliases_are(uri: str) -> None:
    client = mlflow.MlflowClient(uri, uri)
    client.create_registered_model("ours", description="of the user")
    describe_once(client, "ours")
    assert client.get_registered_model("ours").description == "of the user"
    client.create_registered_model("new")
    describe_once(client, "new")
    assert "fraudsieve promote --name new" in client.get_registered_model("new").description
