"""A server of MLflow that accepts connections and never answers, or answers slowly: an error in time, never a hang."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import mlflow
import pandas as pd
import pytest

from fraudsieve.exceptions import ArtifactError, TrackingError
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.flavor import log_model, resolve_version
from fraudsieve.retrain.retraining_plan import load_base
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.watchers import AliasWatcher
from fraudsieve.training.promotion.decision import promote, rollback
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.tracked_run import open_run
from tests.mlflow_servers import Gate, gate_before, mlflow_server, silent_server
from tests.services import Service, start_service

LIMIT: Final = "fraudsieve.models.artifact.mlflow_answers.ANSWER_SECONDS"
UNREACHABLE: Final = 'fraudsieve_model_swaps_total{outcome="unreachable"}'
ALIAS, VERSION = "models:/sms@champion", "models:/sms/1"


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    with silent_server() as gate:
        use(gate.address, monkeypatch)
        monkeypatch.setattr(LIMIT, 0.1)
        yield gate
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]


def use(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, address)
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)


def watch() -> None:
    holder: Any = SimpleNamespace(role="model", loaded=SimpleNamespace(version="1"), refused=None)
    AliasWatcher(ALIAS, holder, Metrics()).check()


def train() -> None:
    with open_run(os.environ["MLFLOW_TRACKING_URI"], "sms", name="a run"):
        raise AssertionError("the work begins")


CALLS: dict[str, Callable[[], object]] = {
    "serve, an alias": lambda: resolve_version(ALIAS),
    "serve, a version": lambda: model_folder(VERSION),
    "predict": lambda: model_folder("runs:/" + "0" * 32 + "/model"),
    "watch": watch,
    "train": train,
    "retrain": lambda: load_base(ALIAS, {}),
    "retrain a folder": lambda: Registry(os.environ["MLFLOW_TRACKING_URI"], "sms"),
    "promote": lambda: promote(Recipe()),
    "rollback": lambda: rollback(Recipe()),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_silent_server_is_an_error_in_time(name: str, silent: Gate) -> None:
    before, start = dict(os.environ), time.monotonic()
    with pytest.raises(
        (ArtifactError, TrackingError), match=r"store http://127.0.0.1:\d+.*gave no answer within 0\.1 s"
    ):
        CALLS[name]()
    assert time.monotonic() - start < 5
    assert dict(os.environ) == before


def test_a_server_that_sends_byte_by_byte_is_an_error_in_time(silent: Gate) -> None:
    silent.drips = True
    with pytest.raises(ArtifactError, match="gave no answer"):
        resolve_version(ALIAS)


def wait_and_score(service: Service, is_done: Callable[[], bool]) -> None:
    """Score over new connections until something holds; every answer is a score."""
    deadline = time.monotonic() + 120
    while not is_done():
        with service.client() as client:
            assert client.post("/v1/score", json={"text": "x"}).status_code == 200
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_commands_before_a_server_that_falls_silent_or_is_slow(
    binary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In real processes, with the times that users have: six seconds until the error; slow answers are used."""
    pd.DataFrame({"message_id": ["a"], "text": ["x"], "label": ["fraud"]}).to_csv(tmp_path / "m.csv", index=False)
    with mlflow_server(tmp_path) as address, gate_before(address) as gate:
        use(gate.address, monkeypatch)
        with mlflow.start_run():
            log_model(binary.folder, registered_model_name="sms")
        mlflow.MlflowClient().set_registered_model_alias("sms", "champion", "1")
        gate.delay = 1.0
        service = start_service(ALIAS, tmp_path / "log", "--workers", "2", "--watch-seconds", "0.5")
        try:
            service.wait_until_listening()
            service.wait_for("all workers are ready", 120)
            gate.silent = True
            pids = [line["pid"] for line in service.lines("ready")]
            os.kill(pids[0], signal.SIGKILL)  # the one that replaces it uses the model that the workers share
            wait_and_score(service, lambda: service.metric(UNREACHABLE) > 0)
            wait_and_score(service, lambda: len(service.lines("ready")) > 2)
            gate.silent = False
            service.wait_for("background task works again")
            assert service.stop() == 0
        finally:
            service.kill()
        gate.silent = True
        for command in (
            ("serve", "--model", ALIAS, "--port", "0"),
            ("serve", "--model", ALIAS, "--port", "0", "--workers", "2"),
            ("train", "--messages", "m.csv", "--output", "out"),
            ("retrain", "--model", ALIAS, "--messages", "m.csv", "--output", "out"),
            ("promote", "--messages", "m.csv"),
            ("rollback",),
            ("predict", "--model", ALIAS, "--messages", "m.csv", "--output", "scores.csv"),
        ):
            start = time.monotonic()
            call = (sys.executable, "-m", "fraudsieve", *command)
            done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert done.returncode in (1, 2), done.stderr
            assert "gave no answer within 6 s" in done.stderr
            assert time.monotonic() - start < 40
