"""Events that come in beside a load: a thread sends ten per request, at a steady rate."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

__all__ = ["EventStream"]

AT_ONCE = 10


class EventStream:
    """Sends events of accounts to a service of this machine.

    Parameters
    ----------
    port : int
        Port of the service.
    accounts : list of str
        Accounts of the events, in turn.
    headers : mapping of str to str
        Further headers.
    """

    def __init__(self, port: int, accounts: list[str], headers: Mapping[str, str]) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.accounts = accounts
        self.headers = {"Content-Type": "application/json", **headers}
        self.numbers = count()
        self.sent = self.failed = 0

    def fill(self, events: int, *, at_once: int = 1000) -> None:
        """Send past events of all accounts, many per request."""
        start = datetime.now(UTC) - timedelta(hours=20)
        for first in range(0, events, at_once):
            self._send([self._event(start + timedelta(seconds=n)) for n in range(first, min(first + at_once, events))])

    @contextmanager
    def running(self, per_second: float) -> Iterator[None]:
        """Send events until the end of the block, ten per request, as a producer that gathers them does."""
        stop = threading.Event()
        self.connection.close()  # the service has closed it if it was idle; it is opened again
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._run, per_second, stop)
            try:
                yield
            finally:
                stop.set()
            sending.result()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _run(self, per_second: float, stop: threading.Event) -> None:
        due = time.perf_counter()
        while not stop.wait(max(0.0, due - time.perf_counter())):
            due = max(due + AT_ONCE / per_second, time.perf_counter() - 0.1)  # a service that is late is not flooded
            self._send([self._event(datetime.now(UTC)) for _ in range(AT_ONCE)])

    def _event(self, at: datetime) -> dict[str, Any]:
        number = next(self.numbers)
        account = self.accounts[number % len(self.accounts)]
        about = {"kind": "transfer", "amount": 10 + number % 90, "counterparty_id": self.accounts[number % 97]}
        return {"event_id": f"b{number}", "account_id": account, "occurred_at": at.isoformat(), **about}

    def _send(self, events: list[dict[str, Any]]) -> None:
        self.connection.request("POST", "/v1/events", json.dumps({"events": events}), self.headers)
        answer = self.connection.getresponse()
        accepted = json.loads(answer.read()).get("accepted", 0)
        self.sent += accepted
        self.failed += len(events) - accepted
