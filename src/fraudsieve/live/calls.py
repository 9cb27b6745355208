"""Calls that append: those of several threads are checked, stored and synced together."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.reader import RecordType
from fraudsieve.features.history.records import RejectedRecord
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.scoring.given_history import message_bands

from .clock import PlausibleClock
from .records import LoggedFields, message_to_entry, read_entry, to_entry
from .store.score_rows import ScoreRow

__all__ = ["Accepted", "Call", "CallGroups", "Delivery", "decide_all"]


class Accepted(NamedTuple):
    """The outcome of a call that appended records.

    Attributes
    ----------
    rejected : tuple of RejectedRecord
        Rejected records with reasons. All others count, from now or since their first delivery.
    offset : int
        Offset of the state after the call. A state at this offset or a later one contains the records.
    """

    rejected: tuple[RejectedRecord, ...]
    offset: int


class Delivery(NamedTuple):
    """The log entry of a record, and its place in the call: number of the argument, and position in it."""

    place: tuple[int, int]
    entry: dict[str, Any]


class Call:
    """The deliveries of one call, and their outcome.

    Parameters
    ----------
    now : datetime or None
        As for `HistoryState.update`.
    fields : LoggedFields, default=None
        The fields that the entries store; None if they do not depend on the model.
    scores : sequence of ScoreRow, default=()
        Rows of the score log to store with them.
    """

    def __init__(
        self, now: datetime | None, fields: LoggedFields | None = None, scores: Sequence[ScoreRow] = ()
    ) -> None:
        self.now, self.fields, self.scores = now, fields, scores
        self.deliveries: list[Delivery] = []
        self.rejected: list[tuple[tuple[int, int], str]] = []
        self.n_repeats = 0
        self.offset = 0
        self.error: BaseException | None = None

    @classmethod
    def from_records(
        cls, parts: Mapping[RecordType, Sequence[Record]], fields: LoggedFields, zone: str, now: datetime | None
    ) -> "Call":
        """Return a call that delivers the log entries of records; those with wrong fields are rejected."""
        call = cls(now, fields)
        for number, (part, records) in enumerate(parts.items()):
            for position, record in enumerate(records):
                try:
                    call.deliveries.append(Delivery((number, position), to_entry(part, record, fields, zone)))
                except RejectedRecordError as error:
                    call.rejected.append(((number, position), str(error)))
        return call

    @classmethod
    def from_messages(
        cls, messages: Sequence[Record], campaigns: CampaignHistory | None, now: datetime | None
    ) -> "Call":
        """Return a call that delivers the log entries of messages; none for a model without campaigns."""
        call = cls(now)
        for position, message in enumerate(messages):
            try:
                bands = message_bands(campaigns, message) if campaigns is not None else []
                if campaigns is not None and bands:
                    call.deliveries.append(Delivery((0, position), message_to_entry(bands, campaigns.time_zone)))
            except RejectedRecordError as error:
                call.rejected.append(((0, position), str(error)))
        return call

    def outcome(self) -> Accepted:
        """Return the outcome for the caller, or raise the error."""
        if self.error is not None:
            raise self.error
        rejected = (RejectedRecord(place[1], reason) for place, reason in sorted(self.rejected))
        return Accepted(tuple(rejected), self.offset)


def decide_all(
    state: HistoryState, calls: Sequence[Call], clock: PlausibleClock
) -> list[tuple[dict[str, Any], PreparedRecord]]:
    """Decide which deliveries of calls count, based on a state that has all earlier rows.

    Records of a call are compared with the state before the call, so their order does not affect which are too late.

    Returns entry and record of each new delivery.
    """
    in_group: set[int] = set()
    new: list[tuple[dict[str, Any], PreparedRecord]] = []
    for call in calls:
        try:
            new += _decide(state, call, call.now or clock.now(state), in_group)
        except Exception as error:  # a call must not fail the others
            call.error = error
    return new


def _decide(
    state: HistoryState, call: Call, now: datetime, in_group: set[int]
) -> list[tuple[dict[str, Any], PreparedRecord]]:
    new, identifiers = [], set[int]()
    for place, entry in call.deliveries:
        try:
            prepared = read_entry(state, entry, now=now)
        except RejectedRecordError as error:
            call.rejected.append((place, str(error)))
            continue
        for record in prepared:
            if record.identifier in state.seen or record.identifier in in_group or record.identifier in identifiers:
                call.n_repeats += 1
            else:
                new.append((entry, record))
                identifiers |= {record.identifier} - {0}
    in_group |= identifiers
    return new


class _Group:
    """Calls that are handled together."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.is_done = False


class CallGroups:
    """Calls of several threads, handled in groups: while one group is handled, the next one is collected.

    Parameters
    ----------
    handle : callable
        Handles a sequence of calls, under `lock`.

    Attributes
    ----------
    lock : threading.Lock
        Held while a group is handled.

    Examples
    --------
    >>> groups = CallGroups(lambda calls: print(len(calls)))
    >>> groups.submit(Call(None))
    1
    """

    def __init__(self, handle: Callable[[Sequence[Call]], None]) -> None:
        self.lock = threading.Lock()
        self._handle, self._changed = handle, threading.Condition()
        self._gathering, self._is_handling = _Group(), False

    @property
    def n_waiting(self) -> int:
        """Number of calls that are waiting."""
        return len(self._gathering.calls)

    def submit(self, call: Call) -> None:
        """Handle a call, together with those of other threads; errors are in the calls."""
        with self._changed:
            group = self._gathering
            group.calls.append(call)
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
