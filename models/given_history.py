"""The records of a caller, and the history passed with them: a live state, or events from which one is built.

A model remembers the names of columns of its training, and from what time their times count. So a file, a request and a
record of a live state may have these names and times, or those of fraudsieve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np

from fraudsieve._subjects import Subject
from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory, message_event, message_keys
from fraudsieve.features.history.records import RejectedRecord, check_time_between
from fraudsieve.features.history.timeline import PreparedRecord, read_bands
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.message_matrix import why_unscorable
from fraudsieve.features.network.declaration import event_fields
from fraudsieve.tables.schema import LABELS, TABLES, names_of_table, roles_of
from fraudsieve.tables.values.moments import EPOCH, counted_from, read_time
from fraudsieve.tables.values.reading import NUMBERS, Reading, is_numeric

T = TypeVar("T")
FIELDS: Final = {f"{subject}s": subject.fields for subject in Subject} | {
    "labels": frozenset(column.name for column in LABELS.columns)
}
"""By table."""
TIMES: Final = frozenset(("sent_at", "as_of", "occurred_at", "created_at", "labelled_at"))


@dataclass(frozen=True)
class GivenFields:
    """How the records of a table are given."""

    # The fields that a column with another name holds, by that name.
    names: Mapping[str, tuple[str, ...]]
    # What a number counts that is a time: microseconds of the unit, and its start since 1970. None: it is an epoch.
    counted: tuple[int, int] | None = None

    def __bool__(self) -> bool:
        """Return whether records may differ from those that fraudsieve reads."""
        return bool(self.names) or self.counted is not None

    def rename(self, record: Mapping[str, T]) -> Mapping[str, T]:
        """Return a record, or columns, in which fields that came under other names have ours."""
        given = self.names.keys() & record.keys()
        if not given:
            return record
        ours = {name: value for name, value in record.items() if name not in given}
        for other in given:
            for name in self.names[other]:
                if name in ours:
                    raise RejectedRecordError(f"{name}: expected the field once, got it under two names")
                ours[name] = record[other]
        return ours

    def rename_or_keep(self, record: Any) -> Any:
        """Return a record with our names; anything else, and a record with a field twice, as it is."""
        try:
            return self.rename(record) if isinstance(record, Mapping) else record
        except RejectedRecordError:
            return record

    def read(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record with our names, and with times where it has numbers that count from a start."""
        record = self.rename(record)
        times = () if self.counted is None else TIMES & record.keys()
        return {**record, **{name: self._time_of(record[name]) for name in times}} if times else record

    def _time_of(self, value: Any) -> Any:
        """Return the time of a number that counts; what is none stays as it is, for the reader to reject."""
        is_text = isinstance(value, str) and NUMBERS["."].fullmatch(value.strip()) is not None
        if not (is_text or is_numeric(value)):
            return value
        try:
            time = read_time(value, "", Reading(counted=self.counted))
        except RejectedRecordError:
            return value
        return value if time is None else (EPOCH + timedelta(microseconds=time)).isoformat()


def given_fields(training: Mapping[str, Any]) -> dict[str, GivenFields]:
    """Return how the records of each table were given in a training.

    A name that fraudsieve uses for another field keeps its meaning.
    """
    data: Mapping[str, Any] = (training.get("recipe") or {}).get("data") or {}
    counted = counted_from(data.get("time_unit"), data.get("time_start"), data.get("time_zone"))
    given = dict[str, GivenFields]()
    # A record may be as in any of several tables of events.
    tables = [names_of_table(data.get("columns") or {}, {}, stem) for stem in data.get("kinds") or [""]]
    for table, fields in FIELDS.items():
        roles = {theirs: ours for columns in tables for theirs, ours in roles_of(columns, TABLES[table]).items()}
        kept = fields.union(*roles.values())
        names = {column: tuple(names) for column, names in roles.items() if names and column not in kept}
        given[table] = GivenFields(names, counted)
    return given


Events: TypeAlias = HistoryState | Sequence[Record] | Mapping[str, Sequence[Record]]
"""A live state; or events; or, by name, ``events``, ``labels`` of events, ``account_labels`` and ``messages``."""

AS_READ: Final[Mapping[str, GivenFields]] = {}
_ANY_TIME = np.datetime64(0, "us")  # a model without times counts every event
_PARTS = ("events", "labels", "account_labels")


def resolve_history(
    matrix: FeatureMatrix, history: Events | None, given: Mapping[str, GivenFields] = AS_READ
) -> HistoryState | None:
    """Return a history as a live state; None without a history. Its records may be as in tables of a training."""
    if history is None:
        return None
    if isinstance(history, HistoryState):
        if history.declaration != matrix.history_declaration:
            raise ValueError("history: the state has other views than the model. Create it with Scorer.new_state().")
        return history
    records = _records_by_part(matrix, history)
    for table in ("events", "messages"):
        if of_table := given.get(table):
            records[table] = [dict(of_table.read(record)) for record in records[table]]
    state = matrix.new_state(lateness="all")
    _check_fields(records["events"], matrix)
    if not matrix.timed:
        records["events"] = [{**event, "occurred_at": _ANY_TIME} for event in records["events"]]
    for part in _PARTS:
        parts = {"events": (), "labels": (), "account_labels": ()} | {part: records[part]}
        rejected = state.update(parts["events"], parts["labels"], account_labels=parts["account_labels"])
        _raise_rejected(part, rejected)
    _raise_rejected("messages", observe_messages(matrix, state, records["messages"]))
    return state


def _records_by_part(
    matrix: FeatureMatrix, history: Sequence[Record] | Mapping[str, Sequence[Record]]
) -> dict[str, list[Record]]:
    parts = dict(history) if isinstance(history, Mapping) else {"events": history}
    names = (*_PARTS, "messages") if matrix.campaigns else _PARTS
    unknown = set(parts) - set(names)
    if unknown:
        raise ValueError(f"history: expected {', '.join(names)}, got {len(unknown)} other names.")
    return {name: _list_of_records(parts.get(name, ()), name) for name in (*_PARTS, "messages")}


def _list_of_records(records: Any, name: str) -> list[Record]:
    if not isinstance(records, list | tuple) or not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"history: {name}: expected a list of dicts, got {type(records).__name__} or other elements.")
    return list(records)


def _raise_rejected(part: str, rejected: Sequence[RejectedRecord]) -> None:
    if rejected:
        raise ValueError(f"history: {part}, position {rejected[0].position}: {rejected[0].reason}")


def _check_fields(events: Sequence[Record], matrix: FeatureMatrix) -> None:
    """Raise ValueError if no event has a field; otherwise a renamed column would score as an empty one."""
    fields = {field.name for field in event_fields(matrix.event_views, matrix.network)} - {"kind"}
    missing = sorted(name for name in fields if not any(name in event for event in events)) if events else []
    if missing:
        raise ValueError(f"history: events, no event has the field {missing[0]!r}, and the model uses it.")


def observe_messages(
    matrix: FeatureMatrix, state: HistoryState, messages: Sequence[Record], *, now: datetime | None = None
) -> tuple[RejectedRecord, ...]:
    """Add messages to a live state and return the rejected ones. Without campaigns, it does nothing."""
    if matrix.campaigns is None:
        return ()
    prepared, rejected = [], []
    for position, (message, keys) in enumerate(zip(messages, message_keys(messages), strict=True)):
        try:
            prepared += prepare_bands(state, checked_event(message, keys, matrix.campaigns), now=now)
        except RejectedRecordError as error:
            rejected.append(RejectedRecord(position, str(error)))
    state.apply(prepared)
    return tuple(rejected)


def checked_event(message: Record, keys: Sequence[int], campaigns: CampaignHistory) -> Record | None:
    """Convert a message or its label as `message_event` does; raises RejectedRecordError for a text without words."""
    problem = why_unscorable(message.get("text"))
    if problem:
        raise RejectedRecordError(problem)
    return message_event(message, keys, campaigns)


def prepare_bands(
    state: HistoryState, event: Record | None, *, now: datetime | None = None, stored: bool = False
) -> list[PreparedRecord]:
    """Read a message with its bands into a list of one record for a live state; an empty one for None."""
    if event is None:
        return []
    try:
        message = read_bands(event, state.views)
        if not stored and message.identifier not in state.seen:
            check_time_between(message.time, "occurred_at", state.horizon, state.latest(now or datetime.now(UTC)))
    except RejectedRecordError as error:
        raise message_error(str(error), event) from None
    return [message]


def message_error(reason: str, event: Record) -> RejectedRecordError:
    """Return the error for a message whose event was rejected; it names the field of the message."""
    field, _, expected = reason.partition(":")
    time = "labelled_at" if "labelled" in event else "sent_at"
    names = {"occurred_at": time, "sender_id": "account_id", "event_id": "message_id", "kind": "label"}
    return RejectedRecordError(f"{names.get(field, field)}:{expected}")
