"""Lines of requests are written together, with their own times, and before those of later events."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fraudsieve.service.json_log import JsonFormatter, log_event, log_request, write_requests
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.middleware import AccessLog


class Lines(logging.Handler):
    """Handler that stores the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    write_requests()  # those of other tests
    logger, handler = logging.getLogger("fraudsieve.service"), Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_requests_are_written_before_a_later_event(lines: list[dict[str, Any]]) -> None:
    log_request({"route": "/v1/score"})
    log_request({"route": "/v1/model"})
    assert lines == []
    log_event("stopped")
    assert [line.get("route", line["event"]) for line in lines] == ["/v1/score", "/v1/model", "stopped"]
    write_requests()
    assert len(lines) == 3


def test_the_time_of_a_line_is_that_of_its_request(
    lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = "fraudsieve.service.json_log.time.time"
    monkeypatch.setattr(clock, lambda: 1_000_000_000.5)
    log_request({"route": "/v1/score"})
    monkeypatch.setattr(clock, lambda: 2_000_000_000.0)
    write_requests()
    assert datetime.fromisoformat(lines[0]["time"]) == datetime(2001, 9, 9, 1, 46, 40, 500_000, UTC)


def test_the_lines_of_requests_are_written_soon(lines: list[dict[str, Any]]) -> None:
    async def answer(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    async def ignore(_: Any) -> None: ...

    async def run() -> None:
        access_log = AccessLog(answer, Metrics(), frozenset(["/v1/score"]))
        for _ in range(2):
            for _ in range(3):
                await access_log({"type": "http", "path": "/v1/score", "method": "POST"}, receive, ignore)
            before = len(lines)
            async with asyncio.timeout(30):
                while len(lines) < before + 3:
                    await asyncio.sleep(0.001)

    asyncio.run(run())
    assert [line["status"] for line in lines] == [200] * 6
