"""Log entries of events and messages, and of what a state counts of labels: numbers and declared ids.

An entry is ``{part: [time, fields]}``, the time in microseconds since 1970. A message is stored as the keys of its
fingerprint bands (`fraudsieve.features.campaign`), from which its text cannot be restored. An event also has
the columns that only training reads, texts among them. A live state only reads entries, whether a record arrives or is
restored, so everything that is accepted can be restored. The calls of several threads are checked, stored and synced
together.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar, cast, get_args

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve._typing import JsonObject, Record
from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import window_seconds
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.records import RejectedRecord, required_time
from fraudsieve.features.history.timeline import CAMPAIGN, TIME_FIELDS, PreparedRecord, RecordType
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.record_fields import HistoryPart, RecordField
from fraudsieve.live.store.facts import RESTORE, Row
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.fields import FIELD_TYPES
from fraudsieve.models.given_history import GivenFields, checked_event, message_error, prepare_bands
from fraudsieve.tables.values.reading import is_missing, read_category, read_id, read_number, without_surrogates

from .labels import LABEL, RETRACTED, LabelRules, label_to_entry
from .store.score_rows import ScoreRow, StoredScore

LoggedPart: TypeAlias = RecordType | Literal["messages"]

OWN = "own columns"
"""The field of an event that holds the columns which only training reads; apart, since erasure looks for ids."""
COMMON_FIELDS = ("account_id", "event_id", "kind", *CAMPAIGN)
MESSAGE_FIELDS = ("sender_id", "recipient_id", "event_id")
PARTS: dict[str, LoggedPart] = {"messages": "messages", **{name: name for name in get_args(RecordType)}}


MIN_COLUMN_LENGTH = 32
"""Fewer entries of one type are read one by one, which is then faster."""


class PlausibleClock:
    """The system time, limited if it is ahead of both the events and the time since the clock was created."""

    def __init__(self) -> None:
        self._opened = time.time() - seconds_since_boot()

    def now(self, state: HistoryState) -> datetime:
        """Return the time with which a state recognises events in the future."""
        wall, newest = time.time(), state.watermark
        if newest != NEVER:
            plausible = newest / SECOND + window_seconds(state.lateness)
            wall = min(wall, max(self._opened + seconds_since_boot(), plausible))
        return datetime.fromtimestamp(wall, UTC)


def seconds_since_boot() -> float:
    """Return a monotonic clock, if possible one that includes the time in which the machine sleeps."""
    if not hasattr(time, "clock_gettime"):  # Windows
        return time.monotonic()
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def fold_rows(state: HistoryState, rows: Sequence[Row], origin: str) -> int:
    """Add rows to a state.

    Returns the number of repeated deliveries among them.
    """
    n_repeats = 0
    for run in _runs(rows, origin):
        try:
            n_repeats += _fold_run(state, run)
        except RejectedRecordError as error:
            raise StateError(origin, f"a row of the store is rejected: {error}", RESTORE) from None
        except (ValueError, AttributeError, TypeError):
            raise _unreadable(origin) from None
    return n_repeats


def _runs(rows: Sequence[Row], origin: str) -> Iterator[list[Any]]:
    """Decode rows, and yield those that follow each other and have the same type."""
    try:
        entries = json.loads(b"[" + b",".join([row[2] for row in rows]) + b"]")
    except (ValueError, RecursionError):
        raise _unreadable(origin) from None
    if len(entries) != len(rows):
        raise _unreadable(origin)
    for _, run in groupby(entries, _type_of):
        yield list(run)


def _type_of(entry: Any) -> str | None:
    """Return the type of an entry; messages and labels of messages have different ones."""
    if not isinstance(entry, dict) or len(entry) != 1:
        return None
    ((part, content),) = entry.items()
    if part == "messages" and isinstance(content, list) and content and isinstance(content[-1], dict):
        return CAMPAIGN[1] if CAMPAIGN[1] in content[-1] else CAMPAIGN[0]
    return str(part)


def _fold_run(state: HistoryState, run: list[Any]) -> int:
    part = next(iter(run[0]), None) if isinstance(run[0], dict) else None
    if len(run) >= MIN_COLUMN_LENGTH and part in PARTS:
        columns = _columns(part, [entry[part] for entry in run])
        prepared, rejected = state.prepare_columns(columns, PARTS[part], stored=True)
        if rejected:
            raise RejectedRecordError(rejected[0].reason)
        return state.apply(prepared)
    return state.apply([record for entry in run for record in read_entry(state, entry, stored=True)])


def _columns(part: str, contents: list[Any]) -> dict[str, Any]:
    """Return the contents of entries of one type as columns."""
    times = [time for time, _ in contents]
    if any(type(time) is not int for time in times):
        raise ValueError("expected times in microseconds")
    names = dict.fromkeys(name for _, fields in contents for name in fields)
    columns: dict[str, Any] = {name: [fields.get(name) for _, fields in contents] for name in names}
    time_field = "occurred_at" if part == "messages" else TIME_FIELDS[PARTS[part]]  # type: ignore[index]
    return columns | {time_field: np.array(times, np.int64).astype("datetime64[us]")}


def _unreadable(origin: str) -> StateError:
    return StateError(origin, "a row of the store cannot be read", RESTORE)


class LoggedFields(NamedTuple):
    """The fields of events that a log stores, except those that every log stores."""

    ids: frozenset[str]
    amounts: frozenset[str]

    def are_in(self, other: "LoggedFields") -> bool:
        """Return whether another log stores all of these fields."""
        return self.ids <= other.ids and self.amounts <= other.amounts

    def union(self, other: "LoggedFields") -> "LoggedFields":
        """Return these fields and those of another log."""
        return LoggedFields(self.ids | other.ids, self.amounts | other.amounts)


def logged_fields(state: HistoryState) -> LoggedFields:
    """Return the fields that a state uses."""
    names = {name for view in state.histories for name in (*view.entities, view.counterparty, *view.identifiers)}
    links = state.declared_network.links if state.declared_network else ()
    return LoggedFields(
        frozenset(names.union(links)), frozenset({"amount", *(view.amount for view in state.histories)})
    )


def own_columns(model: Model) -> tuple[RecordField, ...]:
    """Return the columns of events that a model uses beside their history: they are stored to train on.

    They do not affect the state, so that any model can continue the store.
    """
    return model.matrix.custom.fields if model.subject.is_event else ()


def keeps_records(model: Model) -> bool:
    """Return whether a history has all that training needs of the records that a model scores: those of events do."""
    return model.subject.is_event and "events" in model.matrix.history_parts


def knows_records(model: Model) -> bool:
    """Return whether a history knows the records that a model scores by their ids."""
    part: HistoryPart = "messages" if model.subject.has_text else "events"
    return part in model.matrix.history_parts


def not_kept(model: Model, *, has_records: bool) -> tuple[str, ...]:
    """Return what a training of such a model needs and a store does not keep, with or without scored records."""
    if model.subject.is_account:
        return ("the table of accounts",) if model.matrix.custom else ()
    if has_records or keeps_records(model):
        return ()
    return ("the texts of messages",) if model.subject.has_text else ("the events",)


def to_entry(event: Record, fields: LoggedFields, zone: str = "UTC", own: Sequence[RecordField] = ()) -> JsonObject:
    """Return the log entry of an event."""
    time = required_time(event.get("occurred_at"), "occurred_at", zone)
    values = _ids(event, (*COMMON_FIELDS, *sorted(fields.ids)))
    amounts = {name: read_number(event.get(name), name) for name in sorted(fields.amounts)}
    values |= {name: amount for name, amount in amounts.items() if amount == amount}
    others = {field.name: value for field in own if (value := scored_value(event, field)) is not None}
    return {"events": [time, values | ({OWN: others} if others else {})]}


def scored_value(record: Record, field: RecordField) -> Any:
    """Return the value of a field of a record, as it is scored; None if it is missing or of another type."""
    given = record.get(field.name)
    try:
        value = FIELD_TYPES[field.kind].check(given, field.name)
    except RejectedRecordError:
        return None
    if is_missing(value):
        return None
    if field.kind == "text":
        return without_surrogates(cast(str, value))
    if field.kind != "date":
        return value
    # A date stays as it was written: training reads it in the zone of the model.
    return given if isinstance(given, str) else f"{np.datetime64(cast(int, value), 'us')}Z"


def message_to_entry(message: Record, keys: Sequence[int], campaigns: CampaignHistory) -> JsonObject:
    """Return the log entry of a message, without its label."""
    event = checked_event({**message, "label": None}, keys, campaigns) or {}
    try:
        time = required_time(event.get("occurred_at"), "occurred_at", campaigns.time_zone)
        ids = _ids(event, MESSAGE_FIELDS)
    except RejectedRecordError as error:
        raise message_error(str(error), event) from None
    return {"messages": [time, {"campaign": [*keys], **ids}]}


def read_entry(
    state: HistoryState, entry: Any, *, now: datetime | None = None, stored: bool = False
) -> list[PreparedRecord]:
    """Read a log entry into a record for a state; none for a label, of which a state counts its effects."""
    kind = next(iter(entry)) if isinstance(entry, dict) and len(entry) == 1 else None
    if kind == LABEL:
        return []
    if kind == RETRACTED:
        time, inner = entry[RETRACTED]
        taken_back = {part: [time, fields] for part, fields in inner.items()}
        return [record._replace(is_retracted=True) for record in read_entry(state, taken_back, stored=True)]
    part, time, values = _parts_of(entry)
    if part == "messages":
        if [isinstance(values.get(name), list) and len(values[name]) > 0 for name in CAMPAIGN].count(True) != 1:
            raise ValueError("expected the bands of a message")
        return prepare_bands(state, {**values, "occurred_at": time}, now=now, stored=stored)
    prepared, rejected = state.prepare({**values, TIME_FIELDS[part]: time}, part, now=now, stored=stored)
    if rejected:
        raise RejectedRecordError(rejected[0].reason)
    return prepared


def _parts_of(entry: Any) -> tuple[LoggedPart, np.datetime64, JsonObject]:
    """Return part, time and fields of an entry."""
    name, content = next(iter(entry.items()), (None, None)) if isinstance(entry, dict) else (None, None)
    if name not in PARTS or len(entry) != 1 or not isinstance(content, list) or len(content) != 2:
        raise ValueError("expected a log entry")
    time, values = content
    if type(time) is not int or not -(2**62) < time < 2**62 or not isinstance(values, dict):
        raise ValueError("expected a time in microseconds and fields")
    return PARTS[name], np.datetime64(time, "us"), values


def _ids(record: Record, names: Sequence[str]) -> JsonObject:
    reads = {name: read_category if name == "kind" else read_id for name in names}
    ids = ((name, read(record.get(name), name)) for name, read in reads.items())
    return {name: text for name, text in ids if text is not None}


class Accepted(NamedTuple):
    """The outcome of a call that appended records.

    Attributes
    ----------
    rejected : tuple of RejectedRecord
        Rejected records with reasons. All others count, from now or since their first delivery.
    offset : int
        Offset of the state after the call. A state at this offset or a later one contains the records.
    unknown : tuple of int or None, default=()
        Positions of labels whose event, message or account is not known so far. They are kept: a label of an event or a
        message counts once that arrives, and one of an account from its time on. None if the history of the model has
        no such records, so that none is known.
    """

    rejected: tuple[RejectedRecord, ...]
    offset: int
    unknown: tuple[int, ...] | None = ()


class Delivery(NamedTuple):
    """The log entry of a record, and its place in the call: number of the argument, and position in it."""

    place: tuple[int, int]
    entry: JsonObject


class Call:
    """The deliveries of one call, and their outcome."""

    is_atomic: ClassVar[bool] = False
    """Whether nothing is added if a record is rejected, or differs from an earlier one."""

    def __init__(
        self,
        rules: LabelRules | None,
        fields: LoggedFields,
        now: datetime | None = None,
        own: Sequence[RecordField] = (),
    ) -> None:
        self.rules, self.fields, self.now, self.own = cast(LabelRules, rules), fields, now, own
        self.scores: Sequence[ScoreRow] = ()
        self.earlier: dict[int, StoredScore] = {}
        self.deliveries: list[Delivery] = []
        self.rejected: list[tuple[tuple[int, int], str]] = []
        self.differing: list[tuple[int, int]] = []
        self.unknown: list[tuple[int, int]] = []
        self.n_repeats = 0
        self.offset = 0
        self.error: BaseException | None = None

    def add(self, place: tuple[int, int], read: Callable[[], JsonObject | None]) -> None:
        """Deliver the log entry that a function returns, if any, unless it rejects the record."""
        try:
            entry = read()
        except RejectedRecordError as error:
            self.rejected.append((place, str(error)))
        else:
            self.deliveries += [] if entry is None else [Delivery(place, entry)]

    def read_given(self, argument: int, records: Sequence[Record], given: GivenFields) -> Iterator[tuple[int, Record]]:
        """Yield records with their positions, as fraudsieve reads them; reject those that cannot be read so."""
        for position, record in enumerate(records):
            try:
                yield position, given.read(record)
            except RejectedRecordError as error:
                self.rejected.append(((argument, position), str(error)))

    def add_events(self, events: Iterable[tuple[int, Record]], zone: str) -> None:
        """Deliver events at their positions."""
        for position, event in events:
            self.add((0, position), partial(to_entry, event, self.fields, zone, self.own))

    def add_labels(self, labels: Iterable[tuple[int, Record]], zone: str) -> None:
        """Deliver labels at their positions."""
        for position, label in labels:
            self.add((1, position), partial(label_to_entry, label, self.rules, zone))

    def add_messages(
        self, messages: Sequence[tuple[int, Record]], campaigns: CampaignHistory, keys: Sequence[Sequence[int]]
    ) -> None:
        """Deliver messages, and the labels in them; the keys of their bands are those of `message_keys`."""
        for (position, message), of_message in zip(messages, keys, strict=True):
            self.add((0, position), partial(message_to_entry, message, of_message, campaigns))
            self.add((0, position), partial(_label_entry, message, self.rules, campaigns.time_zone))

    def is_entity(self, name: str) -> bool:
        """Return whether a field of an event is an id by which its labels may count."""
        return name == "account_id" or name in self.fields.ids

    def outcome(self) -> Accepted:
        """Return the outcome for the caller, or raise the error."""
        if self.error is not None:
            raise self.error
        rejected = (RejectedRecord(place[1], reason) for place, reason in sorted(self.rejected))
        return Accepted(tuple(rejected), self.offset, tuple(position for _, position in sorted(self.unknown)))


CallType = TypeVar("CallType", bound=Call)


def call_of_scores(rows: Sequence[ScoreRow], fields: LoggedFields) -> Call:
    """Return a call that adds rows to the score log."""
    call = Call(None, fields)
    call.scores = rows
    return call


def _label_entry(message: Record, rules: LabelRules, zone: str) -> JsonObject | None:
    if read_category(message.get("label"), "label") is None:
        return None
    if read_id(message.get("message_id"), "message_id") is None:
        raise RejectedRecordError("message_id: expected an id, because the message has a label, the field is missing")
    return label_to_entry({**message, "subject_id": message["message_id"]}, rules, zone)


class _Group:
    """Calls that are handled together."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.is_done = False


class CallGroups:
    """Calls of several threads, handled in groups: while one group is handled, the next one is collected."""

    def __init__(self, handle: Callable[[Sequence[Call]], None]) -> None:
        self.lock = threading.Lock()
        self._handle, self._changed = handle, threading.Condition()
        self._gathering, self._is_handling = _Group(), False

    @property
    def n_waiting(self) -> int:
        """Number of calls that are waiting."""
        return len(self._gathering.calls)

    def submit_for(
        self, fields: Callable[[], LoggedFields], make: Callable[[LoggedFields], Sequence[CallType]]
    ) -> Sequence[CallType]:
        """Handle calls that a function makes for the fields that rows store, and return them."""
        while True:
            given = fields()
            calls = make(given)
            self.submit(*calls)
            # If another model was opened on the empty store, every row stores its fields too: send it again.
            if given == fields() or not any(isinstance(call.error, StateError) for call in calls):
                return calls

    def submit(self, *calls: Call) -> None:
        """Handle calls, together with those of other threads; errors are in the calls."""
        with self._changed:
            group = self._gathering
            group.calls += calls
            self._changed.wait_for(lambda: group.is_done or not self._is_handling)
            if group.is_done:  # by another thread
                return
            self._gathering, self._is_handling = _Group(), True
        try:
            with self.lock:
                self._handle(group.calls)
        except BaseException as error:
            for one in group.calls:
                one.error = error
        finally:
            with self._changed:
                group.is_done, self._is_handling = True, False
                self._changed.notify_all()
