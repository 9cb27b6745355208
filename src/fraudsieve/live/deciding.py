"""Which deliveries of calls count: decided by the state before the call, and by the rows of the subjects of labels."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from fraudsieve._microseconds import SECOND
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.declaration import window_seconds
from fraudsieve.features.history.kernels.digest_table import ABSENT
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.records import check_time_between, entity_key
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.live_state import HistoryState

from .calls import Call
from .labels import LABEL, Entry, Subjects, Verdict, changes, effects_of, label_key
from .records import PlausibleClock, read_entry
from .store.event_store import encode_entry

ACCOUNT = ("account_id",)
TOO_LATE = "expected a time within the declared lateness of the newest record of the request, got an older one"


class Decided(NamedTuple):
    """An entry to append, and the record to add to the state; None for one of which the state counts nothing."""

    entry: Entry
    record: PreparedRecord | None


def decide_all(state: HistoryState, calls: Sequence[Call], clock: PlausibleClock, subjects: Subjects) -> list[Decided]:
    """Decide which deliveries of calls count, based on a state that has all earlier rows.

    Records of a call are compared with the state before the call, so their order does not affect which are too late.

    Returns the entries to append: the new deliveries, and what the state counts of labels.
    """
    subjects.load(delivery.entry for call in calls for delivery in call.deliveries)
    new: list[Decided] = []
    for call in calls:
        try:
            new += _Decider(state, call, subjects, call.now or clock.now(state)).decide()
        except Exception as error:  # a call must not fail the others
            call.error = error
    return new


class _Decider:
    """The decisions about one call."""

    def __init__(self, state: HistoryState, call: Call, subjects: Subjects, now: datetime) -> None:
        self._state, self._call, self._subjects, self._now = state, call, subjects, now
        self._new: list[Decided] = []
        self._oldest = _oldest_beside_the_newest(state, call) if call.is_atomic else NEVER

    def decide(self) -> list[Decided]:
        try:
            for place, entry in self._call.deliveries:
                try:
                    if LABEL in entry:
                        self._add_label(place, entry)
                    else:
                        self._add_record(place, entry)
                except RejectedRecordError as error:
                    self._call.rejected.append((place, str(error)))
        except Exception:
            self._drop_new()
            raise
        if self._call.is_atomic and (self._call.rejected or self._call.differing):
            self._drop_new()
            return []
        return self._new

    def _drop_new(self) -> None:
        self._subjects.drop(decided.entry for decided in reversed(self._new))

    def _append(self, entry: Entry, record: PreparedRecord | None) -> None:
        self._new.append(Decided(entry, record))
        self._subjects.add(entry)

    def _add_record(self, place: tuple[int, int], entry: Entry) -> None:
        ((part, (time, fields)),) = entry.items()
        kind, identifier = part[:-1], fields.get("event_id")
        earlier = None if identifier is None else self._subjects.record(kind, identifier)
        if earlier is not None:
            self._call.n_repeats += 1  # also of one that would be too late by now
            self._call.differing += [] if encode_entry(earlier) == encode_entry(entry) else [place]
            return
        if time < self._oldest:
            raise RejectedRecordError(TOO_LATE)
        for record in read_entry(self._state, entry, now=self._now):
            if record.identifier in self._state.seen:  # its row may be deleted
                self._call.n_repeats += 1
                continue
            self._append(entry, record)
            if identifier is not None:
                waiting = self._subjects.labels(kind, identifier, self._call.rules).verdicts
                self._change([], self._effects(waiting, identifier, entry))

    def _add_label(self, place: tuple[int, int], entry: Entry) -> None:
        time, fields = entry[LABEL]
        check_time_between(time, "labelled_at", NEVER, self._state.latest(self._now))
        kind, subject = fields["of"], fields["subject_id"]
        record = None if kind == "account" else self._subjects.record(kind, subject)
        if record is None and not (kind == "account" and _has_account(self._state, subject)):
            self._call.unknown.append(place)
        changed = self._subjects.labels(kind, subject, self._call.rules).add(label_key(entry))
        if changed is None:
            self._call.n_repeats += 1
            return
        self._append(entry, None)
        self._change(*(self._effects(verdicts, subject, record) for verdicts in changed))

    def _effects(self, verdicts: Sequence[Verdict], subject: str, record: Entry | None) -> list[Entry]:
        return effects_of(verdicts, subject, record, self._call.rules, self._call.is_entity)

    def _change(self, before: Sequence[Entry], after: Sequence[Entry]) -> None:
        for entry in changes(before, after):
            for record in read_entry(self._state, entry, stored=True):
                self._append(entry, record)


def _oldest_beside_the_newest(state: HistoryState, call: Call) -> int:
    """Return the time of the oldest record that can still be scored once the newest one of a call is in the state."""
    times = [entry[part][0] for _, entry in call.deliveries for part in entry if part != LABEL]
    return max(times, default=0) - window_seconds(state.lateness) * SECOND


def _has_account(state: HistoryState, account: str) -> bool:
    """Return whether an account had an event; also if the state has no view of accounts."""
    views = [view for view in state.views if view.history.entities == ACCOUNT]
    key = entity_key({"account_id": account}, ACCOUNT)
    return not views or (key is not None and any(view.events.find(key) != ABSENT for view in views))
