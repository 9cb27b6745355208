"""Requests that score records and add them to the history: ``POST /v1/score?record=true``.

All records of a request are added, or none. Then each is scored as of its own time, logged, and answered. A record that
is sent again gets the answer that was logged.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import EvidenceError, StateError
from fraudsieve.live.recording import LoggedScore, RecordingCall, recording_calls
from fraudsieve.live.store.score_rows import Recorded, ScoreRow
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.scoring.score_fields import Score, join_fields
from fraudsieve.service.batching import MicroBatcher
from fraudsieve.service.bodies import (
    RejectedRequest,
    Reply,
    ScoreRequest,
    as_list,
    encode_json,
    no_explanation,
    why_rejected,
)
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.ingestion import NOTHING_STORED
from fraudsieve.service.json_log import error_location, log_event
from fraudsieve.service.settings import Settings

from .score_log import Earlier, evidence_rejection

MAX_RECORDED = 100
"""Records of a request, or of the requests that are added with one commit: all others that store something wait.

To add 100 events takes about 10 ms, and 100 messages with campaigns 30 ms.
"""
CALLS = 2
"""Calls that add records at the same time, if there are many: while one waits for the disk, the other one scores."""
MAX_LISTED = 10
"""Rejected records that an error lists."""
NO_LOG = (
    "record: expected a service with a score log, which answers records that are sent again; "
    "start it with --score-log scores"
)
NOTHING_ADDED = "the records cannot be added to the history: nothing was added; send them again later"
OTHER_BODY = "record: position {}: expected the content that was sent with this id before, got another one"


def why_not_recorded(model: Model, settings: Settings) -> str | None:
    """Return why scored records of a service cannot be added to its history; None if they can."""
    part = model.subject.part
    if part is None:
        return "record: the model scores accounts, which are no events; send their events to /v1/events"
    if part not in model.matrix.history_parts or not model.matrix.timed:
        return f"record: the model uses no history of {part}"
    return NO_LOG if settings.score_log == "off" else None


@dataclass
class _Added:
    """A request whose records are in the history."""

    request: ScoreRequest
    body: Any
    call: RecordingCall
    # The answers that the log has, by position.
    logged: dict[int, LoggedScore]
    # The encoded answers of the other records, by position.
    contents: dict[int, bytes] = field(default_factory=dict)
    # The rows to log of these, but for unscorable ones.
    rows: Sequence[ScoreRow] = ()
    places: Sequence[int] = ()
    offset: int | None = None

    @property
    def new(self) -> dict[int, Recorded]:
        """The records that are not answered yet, by position."""
        return {place: record for place, record in self.call.recorded.items() if place not in self.logged}


class Recording:
    """Adds the records of requests to the history, scores them and logs the scores."""

    def __init__(self, handler: RequestHandler, pool: Executor) -> None:
        assert handler.live is not None  # `why_not_recorded`
        assert handler.score_log is not None
        self.handler, self.live, self.log = handler, handler.live, handler.score_log
        self.batcher: MicroBatcher[ScoreRequest, Reply | RejectedRequest] = MicroBatcher(
            pool, CALLS, self.add, size=lambda request: request.work, max_size=MAX_RECORDED
        )

    def add(self, requests: Sequence[ScoreRequest]) -> list[Reply | RejectedRequest]:
        """Add the records of several requests with one commit, score them in one call, and log them with another one.

        Calls of other threads can share these commits.
        """
        bodies = [self._read(request) for request in requests]
        lists = [as_list(body) for body in bodies if not isinstance(body, RejectedRequest)]
        calls = iter(self._record(lists) if lists else ())
        outcomes = [
            body if isinstance(body, RejectedRequest) else self._outcome(request, body, next(calls))
            for request, body in zip(requests, bodies, strict=True)
        ]
        added = [outcome for outcome in outcomes if isinstance(outcome, _Added)]
        try:
            self._score(added)
        except EvidenceError as error:
            rejection = evidence_rejection(error)
            return [rejection if isinstance(outcome, _Added) else outcome for outcome in outcomes]
        stored = iter(self.log.store([one.rows for one in added]))
        return [_reply(outcome, next(stored)) if isinstance(outcome, _Added) else outcome for outcome in outcomes]

    def _record(self, lists: Sequence[Sequence[Any]]) -> Sequence[RecordingCall]:
        model, state = self.handler.loaded.scorer.model, self.live.state
        return self.live.submit(lambda fields: recording_calls(model, state, fields, lists))

    def _read(self, request: ScoreRequest) -> Any:
        """Return the decoded body, or why it is rejected."""
        content = self.handler.decode_records(request.body)
        items = [] if isinstance(content, RejectedRequest) else as_list(content)
        if len(items) > MAX_RECORDED:
            return RejectedRequest(413, f"record: expected at most {MAX_RECORDED} records, got {len(items)}")
        others = why_rejected(items, request.sources)
        return RejectedRequest(422, _rejection(others)) if others else content

    def _outcome(self, request: ScoreRequest, body: Any, call: RecordingCall) -> _Added | RejectedRequest:
        part, metrics = f"{self.handler.loaded.scorer.model.subject}s", self.handler.metrics
        if isinstance(call.error, StateError):
            log_event("history cannot be written", level=logging.ERROR, why=call.error.problem)
            return RejectedRequest(503, NOTHING_STORED)
        if call.error is not None:
            log_event("records cannot be added", level=logging.ERROR, error=error_location(call.error))
            return RejectedRequest(503, NOTHING_ADDED)
        if call.rejected:
            rejected = {position: reason for (_, position), reason in sorted(call.rejected, reverse=True)}
            metrics.count_events(part, 0, len(rejected))
            return RejectedRequest(422, _rejection(rejected))
        if call.differing:
            return RejectedRequest(409, OTHER_BODY.format(min(call.differing)[1]))
        logged = {place: LoggedScore.decode(row, self.live.store) for place, row in call.answers.items()}
        metrics.count_events(part, len(call.recorded) - len(logged), 0)
        return _Added(request, body, call, logged)

    def _score(self, added: Sequence[_Added]) -> None:
        """Score the records that have no answer yet, and make the rows to log."""
        items = [[as_list(one.body)[place] for place in one.new] for one in added]
        scored = self.handler.score_items([one.request for one in added], items)
        matrix = self.handler.loaded.scorer.model.matrix
        for one, records, (scores, offset) in zip(added, items, scored, strict=True):
            self.handler.observe(scores)
            answers, one.rows = self.log.rows(one.request.id, matrix, records, scores, offset, one.new)
            one.contents = {place: encode_json(answer) for place, answer in zip(one.new, answers, strict=True)}
            scorable = [score["status"] != "unscorable" for score in scores]
            one.places = [place for place, is_logged in zip(one.new, scorable, strict=True) if is_logged]
            one.offset = offset


def _rejection(rejected: Mapping[int, str]) -> str:
    """Return the error about rejected records, by position."""
    listed = "; ".join(f"position {position}: {rejected[position]}" for position in sorted(rejected)[:MAX_LISTED])
    others = f"; and {len(rejected) - MAX_LISTED} more" if len(rejected) > MAX_LISTED else ""
    return f"record: nothing was added, because records were rejected: {listed}{others}"


def _reply(added: _Added, stored: Earlier | RejectedRequest) -> Reply | RejectedRequest:
    """Return the answer to a request: of records that the log had already, the logged one."""
    if isinstance(stored, RejectedRequest):
        return stored
    earlier = {added.places[row]: logged for row, logged in stored.items()}
    for place, logged in earlier.items():
        if logged.body != added.call.recorded[place].digest:  # both came at the same time
            return RejectedRequest(409, OTHER_BODY.format(place))
    items, known = as_list(added.body), {**added.logged, **earlier}
    contents = added.contents | {
        place: encode_json(logged_answer(logged, items[place], added.request)) for place, logged in known.items()
    }
    parts = [contents[place] for place in range(len(items))]
    content = b"[" + b",".join(parts) + b"]" if isinstance(added.body, list) else parts[0]
    n_unscorable = len(added.contents) - len(added.places)
    counts = {"records": len(items), "unscorable": n_unscorable, "repeated": len(known)}
    offsets = [logged.offset or 0 for logged in known.values()]
    offsets += [added.offset or 0] if len(known) < len(items) or not items else []
    return Reply(content, counts, max(offsets), request_id=added.request.id)


def logged_answer(logged: LoggedScore, record: JsonObject, request: ScoreRequest) -> Score:
    """Return the answer that a logged score was given with; its reasons were not logged."""
    key = f"{logged.subject}_id"
    reasons = no_explanation(logged.subject) if request.reasons else {}
    return join_fields({key: record[key]}, logged.score, reasons)
