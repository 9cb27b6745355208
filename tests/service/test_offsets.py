"""Offsets: scores at the same offset are equal in every process, and a request can ask for an offset."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudsieve.models import Scorer
from fraudsieve.service.app import create_app
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.settings import Settings
from tests.service.handling import client_of, handler_of, reply_of

ACCOUNTS = ("ann", "bob", "cid")
QUERIES = json.dumps([{"account_id": name, "as_of": "2026-05-02T10:00:00Z"} for name in ACCOUNTS]).encode()


def event(number: int, minute: int, account: str, amount: float) -> dict[str, Any]:
    at = f"2026-05-01T{10 + minute // 60:02}:{minute % 60:02}:00Z"
    about = {"kind": "message", "device_id": f"d{number % 3}", "counterparty_id": "zed", "amount": amount}
    return {"event_id": f"e{number}", "account_id": account, "occurred_at": at, **about}


@contextmanager
def two_processes(folder: Path) -> Iterator[list[RequestHandler]]:
    """Yield the handlers of two processes on one store."""
    with tempfile.TemporaryDirectory() as place:
        handlers = [handler_of(folder, state=Path(place, "live.db")) for _ in range(2)]
        yield handlers
        for handler in handlers:
            handler.close()


def scores_of(handler: RequestHandler) -> tuple[int, bytes]:
    reply = reply_of(handler, QUERIES, reasons=True)
    assert reply.offset is not None
    return reply.offset, reply.content


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 1),  # the process that receives it
        st.integers(0, 300),  # minute: in any order
        st.sampled_from(ACCOUNTS),
        st.floats(-1e6, 1e6).map(lambda amount: round(amount, 2)),
        st.booleans(),  # whether both processes are asked afterwards
    ),
    max_size=12,
)


@pytest.mark.slow
@settings(deadline=None)
@given(EVENTS)
def test_scores_at_the_same_offset_are_equal_in_both_processes(accounts_folder: Path, events: Any) -> None:
    with two_processes(accounts_folder) as handlers:
        seen: dict[int, set[bytes]] = {}
        for number, (which, minute, account, amount, is_asked) in enumerate(events):
            body = {"events": [event(number, minute, account, amount)]}
            offset = handlers[which].ingest(json.dumps(body).encode()).offset
            for handler in handlers if is_asked else []:
                seen_offset, content = scores_of(handler)
                seen.setdefault(seen_offset, set()).add(content)
                assert handler is not handlers[which] or seen_offset == offset == number + 1
        for handler in handlers:
            assert handler.live is not None
            handler.live.catch_up()
            last, content = scores_of(handler)
            assert last == len(events)
            seen.setdefault(last, set()).add(content)
        assert all(len(contents) == 1 for contents in seen.values())


def test_a_request_waits_for_the_offset_that_it_asks_for(accounts_folder: Path, tmp_path: Path) -> None:
    app = create_app(Scorer.load(accounts_folder), Settings(state=str(tmp_path / "live.db"), after_seconds=20))
    app.state.handler.is_warm = True
    other = handler_of(accounts_folder, state=tmp_path / "live.db")

    async def ask() -> tuple[httpx.Response, bool]:
        async with client_of(app) as client:
            headers = {"content-type": "application/json", "fraudsieve-after": "1"}
            asked = asyncio.create_task(client.post("/v1/score", content=QUERIES, headers=headers))
            await asyncio.sleep(0.1)
            is_waiting = not asked.done()
            body = json.dumps({"events": [event(0, 0, "ann", 5)]}).encode()
            await asyncio.to_thread(other.ingest, body)
            return await asked, is_waiting

    answer, waited = asyncio.run(ask())
    assert waited
    assert (answer.status_code, answer.headers["fraudsieve-offset"]) == (200, "1")
    reply = reply_of(other, QUERIES)
    assert (reply.offset, json.loads(reply.content)) == (1, answer.json())
    other.close()
    app.state.handler.close()


@pytest.mark.parametrize(
    ("after", "status", "problem"),
    [
        ("0", 200, ""),
        ("7", 503, "fraudsieve-after: expected offset 7 within 0.1 s, the history is at 0"),
        ("-1", 422, "fraudsieve-after: expected the offset of an earlier answer"),
        ("1e3", 422, "fraudsieve-after: expected the offset of an earlier answer"),
        ("9" * 400, 422, "fraudsieve-after: expected the offset of an earlier answer"),
    ],
)
def test_an_offset_that_is_not_reached_is_an_error(
    after: str, status: int, problem: str, accounts_folder: Path
) -> None:
    app = create_app(Scorer.load(accounts_folder), Settings(after_seconds=0.1))
    app.state.handler.is_warm = True

    async def ask() -> httpx.Response:
        async with client_of(app) as client:
            headers = {"content-type": "application/json", "fraudsieve-after": after}
            return await client.post("/v1/score", content=QUERIES, headers=headers)

    answer = asyncio.run(ask())
    app.state.handler.close()
    assert answer.status_code == status
    assert problem in answer.text
    assert len(answer.text) < 2000  # a long header is not quoted
    assert ("retry-after" in answer.headers) == (status == 503)
