"""Clients of the loop send a request until it is acknowledged, and tell failures from kills."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from benchmarks.loop import traffic
from benchmarks.loop.traffic import Answer, Request, Traffic

from tests.services import Service


class Played(Service):
    """A service that gives some answers, one after the other."""

    def __init__(self, *answers: httpx.Response | None) -> None:
        self.answers: Iterator[httpx.Response | None] = iter(answers)
        self.port, self.log, self.paths = 7, Path("none"), list[str]()

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://service")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.raw_path.decode())
        found = next(self.answers)
        if found is None:
            raise httpx.ReadError("the worker was killed")
        return found


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "RETRY_SECONDS", 0.0)


SCORED = httpx.Response(200, json=[{"event_id": "e1", "probability": 0.5}], headers={"fraudsieve-offset": "9"})
LABELLED = httpx.Response(200, json={"accepted": 2, "rejected": [], "unknown": [1]}, headers={"fraudsieve-offset": "8"})
PAYMENT = Request("r1", "payments", [{"event_id": "e1"}])


@pytest.mark.parametrize("is_down", [False, True])
def test_a_request_is_sent_until_it_is_acknowledged(is_down: bool) -> None:
    clients = Traffic(Played(None, httpx.Response(503), SCORED, LABELLED), n_clients=1)
    if is_down:
        clients.is_down.set()
    clients.feed([PAYMENT, Request("r2", "labels", [{}, {}])])
    clients.drain()
    clients.close()
    assert clients.answers == {"e1": [Answer("r1", {"event_id": "e1", "probability": 0.5}, 9)]}
    assert (clients.newest.offset, clients.has_new.is_set()) == (9, True)  # an older one may be answered later
    assert +clients.counts == {"requests": 2, "unknown": 1, "repeated" if is_down else "failed": 2}


def test_payments_are_recorded_and_others_are_scored_alone() -> None:
    service = Played(SCORED, SCORED, LABELLED)
    clients = Traffic(service, n_clients=1)
    clients.feed([PAYMENT, PAYMENT._replace(kind="scores"), Request("r2", "labels", [{}, {}])])
    clients.drain()
    assert service.paths == ["/v1/score?record=true", "/v1/score", "/v1/labels"]


def test_a_rejected_request_ends_the_run() -> None:
    clients = Traffic(Played(httpx.Response(422, text="no")), n_clients=1)
    clients.feed([PAYMENT])
    with pytest.raises(RuntimeError, match="a client failed"):
        clients.drain()
