"""The lag is the time from an acknowledgement until whichever worker is asked has its offset."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from benchmarks.loop import lag
from benchmarks.loop.lag import measured_lag
from benchmarks.loop.traffic import Acknowledged, Traffic

from tests.services import Service


class Behind(Service):
    """A service whose workers have an offset some time after it was acknowledged, or refuse, or were killed."""

    def __init__(self, seconds: float = 0.0, status: int = 200) -> None:
        self.seconds, self.status, self.asked = seconds, status, list[str]()
        self.port, self.log = 7, Path("none")

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://service")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers["fraudsieve-after"])
        assert request.content == b"[]"
        time.sleep(self.seconds)
        if not self.status:
            raise httpx.ReadError("the worker was killed")
        return httpx.Response(self.status, json=[])


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "PAUSE", 0.0)


def asked(service: Behind, *, is_down: bool = False) -> Traffic:
    """Return the traffic after one acknowledgement."""
    traffic = Traffic(service, n_clients=0)
    if is_down:
        traffic.is_down.set()
    with measured_lag(traffic):
        traffic.newest = Acknowledged(41, time.monotonic())
        traffic.has_new.set()
        while not service.asked:
            time.sleep(0.001)
    assert set(service.asked) == {"41"}
    return traffic


def test_a_lag_is_measured_from_the_acknowledgement() -> None:
    traffic = asked(Behind(seconds=0.05))
    assert 0.05 <= max(traffic.lags) < 5
    assert traffic.counts["behind"] == 0


def test_a_worker_that_does_not_get_the_offset_is_behind() -> None:
    assert asked(Behind(status=503)).counts["behind"] > 0


@pytest.mark.parametrize("service", [Behind(status=0), Behind(status=503)])
def test_what_was_killed_has_no_lag(service: Behind) -> None:
    traffic = asked(service, is_down=True)
    assert (traffic.lags, traffic.counts["behind"]) == ([], 0)
