"""Workers that follow an alias: each switches by itself, and every score names the version that gave it."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve.models import Scorer

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
