"""MLflow's telemetry is off unless the user turns it on: training and loading a model look up no host."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import mlflow_uri

PROGRAM = """
import json, sys
from pathlib import Path

hosts = []
sys.addaudithook(lambda event, details: hosts.append(str(details[0])) if event == "socket.getaddrinfo" else None)

from fraudsieve import Recipe, train
from fraudsieve.training.simulation.world import simulate

folder = Path(sys.argv[1])
world = simulate(days=40, n_accounts=200)
recipe = Recipe.read(overrides={"model.n_rounds": 5, "model.refit": False, "track.uri": sys.argv[2]})
trained = train(recipe, output=folder / "model", messages=world.messages, labels=world.labels)
import mlflow

mlflow.set_tracking_uri(sys.argv[2])
mlflow.pyfunc.load_model(trained.logged.model_uri)
print(json.dumps(hosts))
"""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
"""Names and addresses of this machine."""


def looked_up(folder: Path) -> set[str]:
    """Return the hosts that training and loading look up, in a process that MLflow does not take for a test."""
    tests = ("CI", "PYTEST_", "MLFLOW_", "DO_NOT_TRACK", "GITHUB_", "COVERAGE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(tests)}
    call = [sys.executable, "-c", PROGRAM, str(folder), mlflow_uri(folder)]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_training_and_loading_look_up_no_host(tmp_path: Path) -> None:
    assert looked_up(tmp_path) <= LOOPBACK


@pytest.mark.slow
def test_the_setting_of_the_user_stays() -> None:
    program = "import os, fraudsieve; print(os.environ['MLFLOW_DISABLE_TELEMETRY'])"
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "false"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "false\n"
