"""Workers that follow an alias: each switches by itself, and every score names the version that gave it."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest

from fraudsieve.features.account_matrix import account_matrix_of
from fraudsieve.models import Scorer, write_model
from fraudsieve.models.flavor import log_model

from .conftest import Workers, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"),
]

QUERY = {"account_id": "ann", "as_of": (datetime.now(UTC) - timedelta(minutes=30)).isoformat()}


def timed_score(client: httpx.Client, _: int) -> tuple[float, httpx.Response]:
    """Return when a request was sent, and its answer."""
    close = {"connection": "close"}  # each request may reach any worker
    return time.monotonic(), client.post("/v1/score", json=QUERY, headers=close)


def test_all_workers_switch_and_no_request_fails(start_workers: Any, registry: Any, tmp_path: Path) -> None:
    registry.champion("1")
    options = "--state", str(tmp_path / "live.db"), "--watch-seconds", "0.3"
    workers: Workers = start_workers("models:/accounts@champion", *options, **registry.environment)
    scorers = [Scorer.load(folder) for folder in registry.folders.values()]
    expected = {scorer.model.digest: scorer.score(QUERY, history=scorer.new_state()) for scorer in scorers}
    with workers.load(timed_score) as answers:
        wait_until(lambda: len(answers) > 20)
        registry.champion("2")
        wait_until(lambda: len(workers.service.lines("model swapped")) == 2, 90)
        swapped_at, n_answers = time.monotonic(), len(answers)
        wait_until(lambda: len(answers) > n_answers + 40)
    assert all(isinstance(answer, tuple) and answer[1].status_code == 200 for answer in answers)
    scores = [answer.json() for _, answer in answers]
    assert all(score == expected[score["model"]["digest"]] for score in scores)
    assert {score["model"]["digest"] for score in scores} == set(expected)
    # A request that was sent before may be answered late, by the old model.
    later = [score for (sent_at, _), score in zip(answers, scores, strict=True) if sent_at > swapped_at]
    assert len(later) > 30
    assert {score["model"]["digest"] for score in later} == {scorers[1].model.digest}
    assert {line["pid"] for line in workers.service.lines("model swapped")} == set(workers.pids())
    assert workers.service.metric('fraudsieve_model_swaps_total{outcome="swapped"}') == 2
    assert workers.service.stop() == 0


def test_no_worker_serves_a_version_with_another_history_and_no_replacement_of_a_killed_one(
    start_workers: Any, registry: Any, accounts_folder: Path, tmp_path: Path
) -> None:
    model = Scorer.load(accounts_folder).model
    matrix = account_matrix_of(model.matrix)
    view, *others = matrix.histories
    other = replace(model, matrix=replace(matrix, histories=(replace(view, night=(1, 2)), *others)))
    write_model(other, tmp_path / "other")
    experiment = mlflow.get_experiment_by_name("versions")
    assert experiment is not None
    with mlflow.start_run(experiment_id=experiment.experiment_id):
        log_model(tmp_path / "other", registered_model_name="accounts")
    registry.champion("1")
    options = "--state", str(tmp_path / "live.db"), "--watch-seconds", "0.3"
    workers: Workers = start_workers("models:/accounts@champion", *options, **registry.environment)
    registry.champion("3")
    wait_until(lambda: len(workers.service.lines("model refused")) == 2, 90)
    workers.kill(workers.pids()[0])
    wait_until(lambda: len(workers.ready_pids()) == 3, 90)
    wait_until(lambda: len(workers.service.lines("model refused")) == 3, 90)
    assert {line["version"] for line in workers.service.lines("ready")} == {"1"}
    assert {line["needs_restart"] for line in workers.service.lines("model refused")} == {True}
    with workers.service.client() as client:
        ready = client.get("/readyz")
        shown = [line for line in client.get("/metrics").text.splitlines() if line.startswith("fraudsieve_model_ref")]
    assert (ready.status_code, ready.json()["refused_version"], ready.json()["needs_restart"]) == (200, "3", True)
    assert [line.rpartition(" ")[2] for line in shown] == ["1.0"] * len(workers.pids())
    # All of them switch to a version that fits, and a new start uses the other history.
    registry.champion("2")
    wait_until(lambda: len(workers.service.lines("model swapped")) == 2, 90)
    assert workers.service.stop() == 0
    registry.champion("3")
    again: Workers = start_workers("models:/accounts@champion", *options, **registry.environment)
    assert {line["version"] for line in again.service.lines("ready")} == {"3"}
    assert again.service.stop() == 0
