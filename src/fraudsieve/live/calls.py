"""Calls that append: those of several threads are checked, stored and synced together."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.records import RejectedRecord
from fraudsieve.features.record_fields import RecordField
from fraudsieve.models.given_fields import GivenFields
from fraudsieve.tables.values.reading import read_category, read_id

from .labels import LabelRules, label_to_entry
from .records import LoggedFields, message_to_entry, to_entry
from .store.score_rows import ScoreRow, StoredScore


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
    entry: dict[str, Any]


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

    def add(self, place: tuple[int, int], read: Callable[[], dict[str, Any] | None]) -> None:
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


def _label_entry(message: Record, rules: LabelRules, zone: str) -> dict[str, Any] | None:
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
