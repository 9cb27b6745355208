"""Clients of a service that send each request until it is acknowledged, and keep what was answered."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from queue import Queue
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import httpx
from tests.services import Service

from .versions import Answered

__all__ = ["Acknowledged", "Answer", "Kind", "Request", "Traffic"]

Kind: TypeAlias = Literal["payments", "labels", "scores"]

PATIENCE: Final = 300.0
"""Seconds within which each request must be acknowledged."""
RETRY_SECONDS: Final = 0.2
OFFSET: Final = "fraudsieve-offset"


class Request(NamedTuple):
    """Payments to score and record, or labels, or payments to score alone; and the id of the request."""

    name: str
    kind: Kind
    records: Sequence[dict[str, Any]]


class Answer(NamedTuple):
    """The score that a client got for a payment, and the offset of the history that it saw."""

    request: str
    score: dict[str, Any]
    offset: int


class Acknowledged(NamedTuple):
    """An offset of the store, and the time at which a client was told it."""

    offset: int
    time: float


@dataclass(eq=False)
class Traffic:
    """Clients that take requests from a queue. Each has one request in progress.

    Attributes
    ----------
    service : Service
        The service, which may be another one after a restart.
    pause : float
        Seconds that a client waits after each request.
    is_down : threading.Event
        Set while workers are killed or the service is started again.
    answers : dict of str to list of Answer
        By the id of the payment.
    counts : Counter
        ``requests`` acknowledged, ``repeated`` after a kill or a stop, ``failed`` while nothing was down, ``rejected``
        records, and ``unknown`` labels.
    longest : float
        Seconds of the slowest answer while nothing was down.
    newest : Acknowledged
        The latest offset that a client was told, and when.
    has_new : threading.Event
        Set when there is a later one.
    lags : list of float
        Seconds from each of some acknowledgements until any worker had its offset, while nothing was down.
    answered : list of Answered
        When each request was scored, and by which model.
    """

    service: Service
    n_clients: int = 4
    pause: float = 0.0
    is_down: threading.Event = field(default_factory=threading.Event)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[BaseException] = field(default_factory=list)
    longest: float = 0.0
    newest: Acknowledged = field(default=Acknowledged(0, 0.0))
    has_new: threading.Event = field(default_factory=threading.Event)
    lags: list[float] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._queue, self._lock = Queue[Request | None](), threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.n_clients)]
        for thread in self._threads:
            thread.start()

    @property
    def n_waiting(self) -> int:
        """Number of requests that no client has taken yet."""
        return self._queue.qsize()

    def feed(self, requests: Iterable[Request]) -> None:
        """Add requests to the queue."""
        for request in requests:
            self._queue.put(request)

    def drain(self) -> None:
        """Wait until every request is acknowledged.

        Raises
        ------
        RuntimeError
            If a client failed.
        """
        self._queue.join()
        if self.errors:
            raise RuntimeError("a client failed") from self.errors[0]

    def close(self) -> None:
        """End the clients, once the queue is empty."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self) -> None:
        connection: httpx.Client | None = None
        port = 0
        while (request := self._queue.get()) is not None:
            end = time.monotonic() + PATIENCE
            try:
                while not self.errors:
                    was_down = self.is_down.is_set()
                    if connection is None or port != self.service.port:
                        port, connection = self.service.port, self.service.client(timeout=30)
                    start = time.monotonic()
                    if self._is_acknowledged(connection, request):
                        self._time(time.monotonic() - start, was_down)
                        break
                    self._count("repeated" if was_down or self.is_down.is_set() else "failed")
                    if time.monotonic() > end:
                        raise TimeoutError(f"request {request.name} was not acknowledged")
                    time.sleep(RETRY_SECONDS)
            except BaseException as error:
                self.errors.append(error)
            self._queue.task_done()
            time.sleep(self.pause)

    def _is_acknowledged(self, connection: httpx.Client, request: Request) -> bool:
        """Send a request once; return whether it was acknowledged."""
        sent = time.monotonic()
        try:
            response = self._post(connection, request)
        except httpx.TransportError:
            return False
        if response.status_code == 503:
            return False
        if response.status_code != 200:
            raise RuntimeError(f"{response.status_code}: {response.text}")
        self._read(request, response, sent)
        return True

    def _post(self, connection: httpx.Client, request: Request) -> httpx.Response:
        headers, records = {"x-request-id": request.name}, list(request.records)
        if request.kind == "labels":
            return connection.post("/v1/labels", json={"labels": records}, headers=headers)
        path = "/v1/score?record=true" if request.kind == "payments" else "/v1/score"
        return connection.post(path, json=records, headers=headers)

    def _read(self, request: Request, response: httpx.Response, sent: float) -> None:
        content, offset = response.json(), int(response.headers[OFFSET])
        with self._lock:
            self.counts["requests"] += 1
            if offset > self.newest.offset:
                self.newest = Acknowledged(offset, time.monotonic())
                self.has_new.set()
            if isinstance(content, dict):
                self.counts["rejected"] += len(content["rejected"])
                self.counts["unknown"] += len(content.get("unknown", ()))
                return
            digests = {score["model"]["digest"] for score in content if "model" in score}
            self.answered += [Answered(sent, time.monotonic(), digest) for digest in sorted(digests)]
            for score in content:
                answer = Answer(request.name, score, offset)
                self.answers.setdefault(score["event_id"], []).append(answer)

    def _time(self, seconds: float, was_down: bool) -> None:
        with self._lock:
            if not (was_down or self.is_down.is_set()):
                self.longest = max(self.longest, seconds)

    def _count(self, name: str) -> None:
        with self._lock:
            self.counts[name] += 1
