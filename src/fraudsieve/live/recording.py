"""Records that a request adds to the history and scores: all of them or none, and each of them is answered once.

The score log has the answer of a record that is sent again. It is found by the id of the record.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.reader import zone_of
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.artifact.folder import Model
from fraudsieve.tables.values.reading import EXPECTED, read_id

from .calls import Call
from .labels.rules import LabelRules
from .records import LoggedFields, own_columns
from .score_log import LoggedScore, encode_record
from .store.event_store import StoreTransaction
from .store.score_rows import Recorded, ScoreRow, StoredScore, append_scores, find_recorded

RECORDED_PARTS = {"event": "events", "message": "messages"}
"""The part of the history to which a scored record belongs, by its type."""


class RecordingCall(Call):
    """A call that adds all records of a request or none. Those that were answered before are not added again."""

    is_atomic = True

    def __init__(self, model: Model, state: HistoryState, fields: LoggedFields, records: Sequence[Record]) -> None:
        super().__init__(LabelRules(model), fields, own=own_columns(model))
        self._digests: dict[str, str] = {}
        self.recorded: dict[int, Recorded] = {}
        self.answers: dict[int, StoredScore] = {}
        try:
            for position, record in enumerate(records):
                self.add((0, position), partial(self._identify, position, record, model.subject))
            if model.matrix.campaigns is not None:
                self.add_messages(records, model.matrix.campaigns)
            else:
                self.add_events(records, zone_of(state.views))
        except Exception as error:  # a request must not fail the others
            self.error = error

    def _identify(self, position: int, record: Record, kind: str) -> None:
        identifier = read_id(record.get(f"{kind}_id"), f"{kind}_id")
        if identifier is None:
            raise RejectedRecordError(f"{kind}_id: {EXPECTED['id']}, the field is missing")
        digest = hashlib.blake2b(encode_record(record), digest_size=16).hexdigest()
        self.recorded[position] = Recorded(kind, identifier, digest)
        if self._digests.setdefault(identifier, digest) != digest:
            self.differing.append((0, position))


def find_answers(transaction: StoreTransaction, calls: Iterable[Call]) -> None:
    """Look up the answers of records that were scored and added before; the calls no longer deliver these records."""
    recording = [call for call in calls if isinstance(call, RecordingCall)]
    logged = _find(transaction, [record for call in recording for record in call.recorded.values()])
    for call in recording if logged else ():
        for position, record in call.recorded.items():
            answer = logged.get(record.name)
            if answer is None:
                continue
            if LoggedScore.decode(answer, transaction.origin).body != record.digest:
                call.differing.append((0, position))
            call.answers[position] = answer
            call.n_repeats += 1
        call.deliveries = [delivery for delivery in call.deliveries if delivery.place[1] not in call.answers]


def append_once(transaction: StoreTransaction, rows: Sequence[ScoreRow]) -> dict[int, StoredScore]:
    """Append rows to the score log, except those of records whose answers it has; return these answers by position."""
    recorded = [row.recorded for row in rows if row.recorded is not None]
    if not recorded:  # the usual case
        append_scores(transaction, rows)
        return {}
    answers, earlier, new = _find(transaction, recorded), dict[int, StoredScore](), list[ScoreRow]()
    for position, row in enumerate(rows):
        name = None if row.recorded is None else row.recorded.name
        if name in answers:
            earlier[position] = answers[name]
            continue
        if name is not None:
            answers[name] = StoredScore(0, row.time, row.entry, None)
        new.append(row)
    append_scores(transaction, new)
    return earlier


def _find(transaction: StoreTransaction, recorded: Sequence[Recorded]) -> dict[tuple[str, str] | None, StoredScore]:
    """Return logged scores by the type and the id of their records; other records can have the same keys."""
    found: dict[tuple[str, str] | None, StoredScore] = {}
    for row in find_recorded(transaction, sorted({record.key for record in recorded})):
        score = LoggedScore.decode(row, transaction.origin)
        found[score.subject, score.ids[f"{score.subject}_id"]] = row
    return found
