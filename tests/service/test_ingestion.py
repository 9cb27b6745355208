"""Ingestion that fails midway says what was stored and what to send again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.service.bodies import RejectedRequest
from fraudsieve.service.handlers import RequestHandler
from tests.service.handling import handler_of

EVENT = {"account_id": "ann", "kind": "message", "device_id": "d", "counterparty_id": "bob", "amount": 1}


def event(number: int) -> dict[str, Any]:
    return EVENT | {"event_id": f"e{number}", "occurred_at": f"2026-05-01T10:00:0{number}Z"}


@pytest.fixture
def handler(accounts_folder: Path, tmp_path: Path) -> Any:
    handler = handler_of(accounts_folder, state=tmp_path / "live.db")
    yield handler
    handler.close()


def fail_from(handler: RequestHandler, monkeypatch: pytest.MonkeyPatch, identifier: str) -> None:
    """Let calls of several events fail, so that they are added one by one, and the store from one event on."""
    assert handler.live is not None
    update = handler.live.update

    def fail(events: Sequence[dict[str, Any]]) -> Any:
        if len(events) > 1:
            raise MemoryError
        if events[0].get("event_id") == identifier:
            raise StateError("/secret/place", "no space left", "Make some.")
        return update(events)

    monkeypatch.setattr(handler.live, "update", fail)


def test_the_answer_tells_what_was_stored_and_where_to_go_on(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event(0), 5, event(1), event(2) | {"amount": "x"}, event(3), event(4)]
    assert handler.live is not None
    with monkeypatch.context() as patch:
        fail_from(handler, patch, "e3")
        with pytest.raises(RejectedRequest) as caught:
            handler.ingest(json.dumps({"events": events}).encode())
    assert caught.value.status == 503
    assert str(caught.value) == (
        "the store of the history cannot be written: of the records before position 4, 2 were stored and 2 rejected, "
        "the others were not handled: send those from position 4 on again later"
    )
    assert handler.live.offset == 2
    assert b'fraudsieve_accepted_total{part="events"} 2.0' in handler.metrics.render()
    answer = json.loads(handler.ingest(json.dumps({"events": events[4:]}).encode()).content)
    assert (answer["accepted"], handler.live.offset) == (2, 4)


def test_if_the_first_one_fails_nothing_was_stored(handler: RequestHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_from(handler, monkeypatch, "e0")
    with pytest.raises(RejectedRequest, match="nothing was stored; send it again later"):
        handler.ingest(json.dumps({"events": [event(0), event(1)]}).encode())
    assert handler.live is not None
    assert handler.live.offset == 0
