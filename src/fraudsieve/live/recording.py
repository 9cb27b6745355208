"""Records that a request adds to the history and scores: all of them or none, and each of them is answered once.

The score log has the answer of a record that is sent again. It is found by the id of the record.

The rows of the log, one for each scored record, are in the store of the history, and share the commits of events.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Self

from fraudsieve._subjects import Subject
from fraudsieve._typing import JsonObject, Record
from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.campaign.over_time import message_keys
from fraudsieve.features.history.timeline import zone_of
from fraudsieve.features.live_state import HistoryState
from fraudsieve.live.store.facts import RESTORE, to_json
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.scoring.score_fields import LOGGED, KeptScore
from fraudsieve.tables.values.reading import EXPECTED, read_id

from .labels import LabelRules
from .records import Call, LoggedFields, own_columns
from .store.event_store import StoreTransaction
from .store.score_rows import Recorded, ScoreRow, StoredScore, append_scores, delete_scores, find_recorded, read_scores

NOT_ACCOUNTS = {"event_id", "message_id"}
REQUIRED, ALLOWED = KeptScore.__required_keys__, {*LOGGED}


_to_sorted_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class LoggedScore(NamedTuple):
    """A score as the log stores it, by the names of its fields, and where it belongs."""

    request: str
    # Position of the record in the request, from 0.
    position: int
    subject: str
    # `message_id`, `event_id` and `account_id`, as far as the record has them.
    ids: dict[str, str]
    # Its cutoff time in microseconds since 1970; None for a record without a time.
    as_of: int | None
    # The registered version of the model; None for a model folder.
    version: str | None
    # Offset of the history that the score saw; None for a model without history.
    offset: int | None
    # Digest of the record as it came, if its request added it to the history.
    body: str | None
    # As it was answered: the fields of `LOGGED` that it has.
    score: KeptScore

    def encode(self) -> bytes:
        """Return it as JSON."""
        return to_json(self._asdict()).encode("ascii")

    @classmethod
    def decode(cls, row: StoredScore, origin: str) -> Self:
        """Read a row of the log."""
        try:
            logged = cls(**json.loads(row.entry))
            is_score = REQUIRED <= logged.score.keys() <= ALLOWED and isinstance(logged.score["probabilities"], dict)
            if logged.subject not in {*Subject} or not isinstance(logged.ids, dict) or not is_score:
                raise ValueError
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise StateError(origin, f"row {row.number} of the score log cannot be read", RESTORE) from None
        return logged


def erase_scores(transaction: StoreTransaction, account: str, subjects: set[tuple[str, str]]) -> int:
    """Delete the logged scores that name an account, or one of its messages or events, and return their number.

    A message or an event is a pair of its type and its id. Those of deleted scores are added to the subjects, so that
    labels of them go too.

    An account is named by an id of the score, or by a field of the logged record whose name ends in ``_id`` or that the
    store has as an id.
    """
    fields, last, n_deleted = {*transaction.facts.ids}, None, 0
    while rows := read_scores(transaction) if last is None else read_scores(transaction, (last.time, last.number)):
        last = rows[-1]
        found = [row for row in rows if _names(row, account, subjects, fields, transaction.origin)]
        delete_scores(transaction, [row.number for row in found])
        for row in found:
            ids = LoggedScore.decode(row, transaction.origin).ids
            subjects |= {(name.removesuffix("_id"), ids[name]) for name in NOT_ACCOUNTS & ids.keys()}
        n_deleted += len(found)
    return n_deleted


def _names(row: StoredScore, account: str, subjects: set[tuple[str, str]], fields: set[str], origin: str) -> bool:
    ids = LoggedScore.decode(row, origin).ids
    if ids.get("account_id") == account or any((kind, ids.get(f"{kind}_id")) in subjects for kind in Subject):
        return True
    return row.record is not None and _holds(logged_record(row, origin), account, fields)


def encode_record(record: Mapping[str, Any]) -> bytes:
    """Return a record as the log keeps it: equal ones have equal bytes."""
    return _to_sorted_json(record).encode("ascii")


def logged_record(row: StoredScore, origin: str) -> JsonObject:
    """Return the logged record of a row."""
    try:
        return dict(json.loads(row.record or b"{}").items())
    except (ValueError, AttributeError, RecursionError):
        raise StateError(origin, f"record {row.number} of the score log cannot be read", RESTORE) from None


def _holds(value: Any, account: str, fields: set[str], name: str = "") -> bool:
    """Return whether an id field of a value, which may be nested, is an account."""
    if isinstance(value, dict):
        return any(_holds(part, account, fields, key) for key, part in value.items())
    if isinstance(value, list):
        return any(_holds(part, account, fields, name) for part in value)
    is_id = name in fields or (name.endswith("_id") and name not in NOT_ACCOUNTS)
    return is_id and readable_id(value) == account


def readable_id(value: Any) -> str | None:
    """Return a value as an id; None if it is missing or of another type."""
    try:
        return read_id(value, "id")
    except RejectedRecordError:
        return None


class RecordingCall(Call):
    """A call that adds all records of a request or none. Those that were answered before are not added again."""

    is_atomic = True

    def __init__(
        self, model: Model, state: HistoryState, fields: LoggedFields, records: Sequence[Record], keys: Sequence[Any]
    ) -> None:
        super().__init__(LabelRules(model), fields, own=own_columns(model))
        self._digests: dict[str, str] = {}
        self.recorded: dict[int, Recorded] = {}
        self.answers: dict[int, StoredScore] = {}
        try:
            for position, record in enumerate(records):
                self.add((0, position), partial(self._identify, position, record, model.subject))
            if model.matrix.campaigns is not None:
                self.add_messages([*enumerate(records)], model.matrix.campaigns, keys)
            else:
                self.add_events(enumerate(records), zone_of(state.views))
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


def recording_calls(
    model: Model, state: HistoryState, fields: LoggedFields, requests: Sequence[Sequence[Record]]
) -> list[RecordingCall]:
    """Return the calls that add the records of several requests."""
    keys = iter(message_keys([record for records in requests for record in records]) if model.matrix.campaigns else ())
    return [RecordingCall(model, state, fields, records, [*islice(keys, len(records))]) for records in requests]


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
