"""Events over HTTP: read, appended to the store, answered; and the offsets that answers have and requests require."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from fraudsieve.exceptions import StateError
from fraudsieve.live.records import Accepted
from fraudsieve.live.state import LiveState
from fraudsieve.service.json_log import error_location, log_event
from fraudsieve.service.loaded_model import PARTS
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings

from .bodies import RejectedRequest, Reply, Sources, check_number, decode_json, encode_json, why_rejected

Update: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], Accepted]
"""Adds records to the live history."""
LABELS = "labels"
NOT_WRITTEN = "the store of the history cannot be written: "
NOTHING_STORED = f"{NOT_WRITTEN}nothing was stored; send it again later"


class _PartlyStoredError(Exception):
    """The store failed after some records of a request were handled."""

    def __init__(self, stored: int, position: int) -> None:
        super().__init__()
        self.stored, self.position = stored, position

    @property
    def answer(self) -> str:
        """The message for the client."""
        return (
            f"{NOT_WRITTEN}of the records before position {self.position}, {self.stored} were stored and "
            f"{self.position - self.stored} rejected, the others were not handled: send those from position "
            f"{self.position} on again later"
        )


class _Added(NamedTuple):
    """Records that were added: why others are rejected, which labels have no record so far, and the offset after it."""

    rejected: dict[int, str]
    unknown: list[int] | None
    offset: int


class EventIngestion:
    """Adds the events of requests to the live history. Threads share it."""

    def __init__(self, live: LiveState, settings: Settings, metrics: Metrics) -> None:
        self.live, self.settings, self.metrics = live, settings, metrics

    def add(self, body: bytes, *, are_labels: bool = False, sources: Sources = None) -> Reply:
        """Add the events, messages or labels of a body to the live history; return once they are stored.

        ``accepted`` is a number; ``rejected`` lists position and reason of each rejected record. For labels,
        ``unknown`` lists the positions of those without a record so far; it is None if the history has no such records.
        Labels of other sources than `sources` are rejected; None for any.
        """
        content = decode_json(body, self.settings.max_records)
        part, records = self._check_events(content, (LABELS,) if are_labels else PARTS)
        given = self.live.scorer.model.given[part]
        rejected = why_rejected([given.rename_or_keep(record) for record in records], sources)
        objects = [position for position in range(len(records)) if position not in rejected]
        try:
            added = self._add_to_history(part, records, objects)
        except StateError as error:
            log_event("history cannot be written", level=logging.ERROR, why=error.problem)
            raise RejectedRequest(503, NOTHING_STORED) from None
        except _PartlyStoredError as error:
            self.metrics.count_events(part, error.stored, error.position - error.stored)
            raise RejectedRequest(503, error.answer) from None
        rejected |= added.rejected
        accepted = len(records) - len(rejected)
        self.metrics.count_events(part, accepted, len(rejected))
        rejections = [{"position": position, "reason": rejected[position]} for position in sorted(rejected)]
        answer = {"part": part, "accepted": accepted, "rejected": rejections}
        answer |= {"unknown": added.unknown} if are_labels else {}
        return Reply(encode_json(answer), {"accepted": accepted, "rejected": len(rejected)}, added.offset)

    def _check_events(self, content: Any, parts: Sequence[str]) -> tuple[str, list[Any]]:
        """Return the type of the records in a body and the records; raise RejectedRequest."""
        names = ", ".join(parts)
        if not isinstance(content, dict) or len(content) != 1 or not isinstance(next(iter(content.values())), list):
            raise RejectedRequest(422, f"body: expected an object with a list as one of {names}, got something else")
        part, records = next(iter(content.items()))
        if part not in parts:
            raise RejectedRequest(422, f"body: expected one of {names}, got another name")
        if part not in (LABELS, *self.live.scorer.model.matrix.history_parts):
            raise RejectedRequest(409, f"{part}: the model does not use them")
        check_number(records, self.settings.max_records)
        return part, records

    def _add_to_history(self, part: str, records: list[Any], positions: list[int]) -> _Added:
        """Add the records at some positions to the history."""
        updates: dict[str, Update] = {
            "events": self.live.update,
            "messages": self.live.observe,
            LABELS: lambda records: self.live.update(labels=records),
        }
        update = updates[part]
        try:
            accepted = update([records[position] for position in positions])
        except StateError:
            raise
        except Exception as error:  # nothing of the call was stored
            log_event("batch failed, adding its events one by one", level=logging.ERROR, error=error_location(error))
            return _add_one_by_one(update, records, positions)
        rejected = {positions[index]: reason for index, reason in accepted.rejected}
        return _Added(rejected, _places(positions, accepted), accepted.offset)


def _places(positions: list[int], accepted: Accepted) -> list[int] | None:
    return None if accepted.unknown is None else [positions[index] for index in accepted.unknown]


def _add_one_by_one(update: Update, records: list[Any], positions: list[int]) -> _Added:
    added, unknown = _Added({}, None, 0), list[int]()
    for handled, position in enumerate(positions):
        try:
            accepted = update([records[position]])
        except StateError as error:
            if not handled:
                raise
            log_event("history cannot be written", level=logging.ERROR, why=error.problem)
            raise _PartlyStoredError(handled - len(added.rejected), position) from None
        except Exception as error:
            added.rejected[position] = f"the record cannot be added ({type(error).__name__})"
        else:
            added.rejected.update((position, reason) for _, reason in accepted.rejected)
            unknown += _places([position], accepted) or []
            added = added._replace(offset=accepted.offset, unknown=None if accepted.unknown is None else unknown)
    return added


OFFSET, AFTER = "fraudsieve-offset", "fraudsieve-after"
"""Headers: the offset of the history behind an answer, and the offset that a request requires at least.

They are headers because a list of scores has no place for an offset, and because proxies and clients can pass on a
header without knowing the body.
"""
MAX_DIGITS = 18
"""Maximum number of digits of an offset; more do not fit into 64 bits."""
INTERVAL = 0.005
"""Seconds between two checks of the offset."""


async def wait_for_offset(live: LiveState, header: str, seconds: float) -> None:
    """Wait until the history of this process has the offset that a request requires."""
    if not (header.isascii() and header.isdigit() and len(header) <= MAX_DIGITS):
        raise RejectedRequest(422, f"{AFTER}: expected the offset of an earlier answer, got something else")
    after, end = int(header), time.monotonic() + seconds
    # A check costs little, while a blocking wait would occupy one of the few threads that score.
    while live.offset < after:
        if time.monotonic() >= end:
            problem = f"{AFTER}: expected offset {after} within {seconds:g} s, the history is at {live.offset}"
            raise RejectedRequest(503, problem)
        await asyncio.sleep(INTERVAL)
