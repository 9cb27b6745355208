"""The times of /healthz under a load, with a real service."""

import socket
from contextlib import ExitStack

import pytest
from benchmarks.attack_surface.health import measure_health
from benchmarks.attack_surface.loads import LOADS

pytestmark = pytest.mark.slow


def idle(port: int, stack: ExitStack) -> None:
    """Hold one connection."""
    stack.enter_context(socket.create_connection(("127.0.0.1", port)))


def test_the_figures_of_every_load() -> None:
    measured = measure_health({"idle": idle, "empty_lists": LOADS["empty_lists"]})
    figures = measured.figures
    assert set(figures) == {
        f"health.{load}.{figure}"
        for load in ("idle", "empty_lists")
        for figure in ("p50_ms", "p99_ms", "max_ms", "seconds_until_free")
    }
    for load in ("idle", "empty_lists"):
        times = [figures[f"health.{load}.{figure}"] for figure in ("p50_ms", "p99_ms", "max_ms")]
        assert 0 < times[0] <= times[1] <= times[2] < 60_000
    assert measured.rows > 0
    assert {bar.name for bar in measured.bars} == {
        f"health.{load}.{figure}" for load in ("idle", "empty_lists") for figure in ("max_ms", "seconds_until_free")
    }
