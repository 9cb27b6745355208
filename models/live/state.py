"""`LiveState`: what a service knows of accounts and campaigns, kept through restarts and kills.

What comes is checked, then logged (`event_log`), then counted, then acknowledged. A folder holds the log and a snapshot
(`live_snapshot`); opening it reads the snapshot and what was logged since. NumPy, Numba and the standard library.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.history.records import RejectedRecord, as_records, is_missing, parse_id
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.live_state import HistoryState, RecordType
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.inputs import prepare_message

from .handover import continued, declared
from .log import RESTORE, SEGMENT_BYTES, EventLog, Fsync
from .records import delivery_id, logged, logged_fields, logged_message, restored
from .seen_ids import SeenIds
from .snapshot import drop_snapshots, read_snapshot, write_snapshot

__all__ = ["LiveSize", "LiveState"]

Record: TypeAlias = Mapping[str, Any]
Records: TypeAlias = Record | Sequence[Record]

SECOND = 1_000_000


class LiveSize(NamedTuple):
    """How much a live state holds.

    Attributes
    ----------
    events : int
        Events and labels, over all views.
    entities : int
        Accounts, campaigns and other entities, over all views.
    ids : int
        Ids that are remembered, to count once what comes again.
    repeats : int
        What came again since the state was opened.
    state_bytes : int
        Bytes of the arrays in memory.
    log_bytes : int
        Bytes of the log on disk; 0 without a folder.
    """

    events: int
    entities: int
    ids: int
    repeats: int
    state_bytes: int
    log_bytes: int


class _Item(NamedTuple):
    """What one delivery comes to: its id (0 for none), what is logged of it, and what the state takes."""

    identifier: int
    entry: dict[str, Any]
    prepared: list[PreparedRecord]


class LiveState:
    """The history that a model needs, live, safe to share between threads and, with a folder, kept on disk.

    An event (by ``event_id``) or a message (by ``message_id``) that comes again counts once, whatever it holds then;
    what has no id counts each time. Ids are remembered until the newest event is the longest window and the lateness
    later: as `SeenIds` does it, in about 90 bytes each. A label that comes again with the same id and time counts once.

    What lies in the future is refused, by an hour of tolerance, and does not move the state. The clock of the
    machine is not believed either where it leaps: an event that is later than the newest one by more than the lateness
    must also be possible by the time that has passed since the state was opened. After a clock was put right by so
    much, open the state again.

    The log keeps ids as they are, amounts and times of the fields that the model looks at, and no text. It grows until
    `checkpoint` is called; a service calls it now and then, by `size`.

    Parameters
    ----------
    scorer : Scorer
        The model.
    folder : str or Path, default=None
        Where it is kept; None for memory alone. One process at a time can have it open.
    lateness : str, default="1d"
        As for `HistoryState`.
    fsync : {"always", "interval", "never"}, default="always"
        As for `EventLog`.
    interval : float, default=0.1
        As for `EventLog`, in seconds.
    segment_bytes : int, default=67108864
        As for `EventLog`.

    Attributes
    ----------
    scorer : Scorer
        The model.
    state : HistoryState
        What is known. Several threads use it through `score` alone.
    cut : int
        Bytes of the log that a kill had left half written, and that were cut off; they were never acknowledged.

    Raises
    ------
    StateError
        When the folder cannot be written, is in use, is damaged, or was written for a model that looks at other things.
        A model that looks at less can go on with it; so can one that looks at fields that were logged, as long as there
        was no checkpoint.

    Examples
    --------
    ::

        with LiveState(Scorer.load("fraudsieve-model"), "live") as live:
            live.update({"event_id": "e1", "account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "pay"})
            live.score({"account_id": "ann", "as_of": "2026-05-01T11:00:00Z"})
            live.checkpoint()
    """

    def __init__(
        self,
        scorer: Scorer,
        folder: str | Path | None = None,
        *,
        lateness: str = "1d",
        fsync: Fsync = "always",
        interval: float = 0.1,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.scorer = scorer
        self.state = scorer.new_state(lateness=lateness)
        self.cut = self._repeats = 0
        self._seen = SeenIds(_horizon(self.state))
        self._fields = logged_fields(self.state)
        self._opened = time.time() - _passed()
        self._lock, self._checkpoint = threading.RLock(), threading.Lock()
        self._log: EventLog | None = None
        if folder is not None:
            self._log = EventLog(folder, fsync=fsync, interval=interval, segment_bytes=segment_bytes)
        if self._log is not None:
            self.cut = self._log.cut
            try:
                self._restore(self._log)
            except BaseException:
                self._log.close()
                raise

    @property
    def size(self) -> LiveSize:
        """How much is held."""
        with self._lock:
            held = self.state.n_events, self.state.n_entities, len(self._seen), self._repeats, self.state.nbytes
        return LiveSize(*held, self._log.nbytes if self._log is not None else 0)

    def update(
        self,
        events: Records = (),
        labels: Records = (),
        *,
        account_labels: Records = (),
        now: datetime | None = None,
    ) -> tuple[RejectedRecord, ...]:
        """Take events, and what became known of events and accounts; return once that is durable.

        Parameters
        ----------
        events, labels, account_labels : dict, or list or tuple of dict, default=()
            As for `HistoryState.update`.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        tuple of RejectedRecord
            What was set aside, and why: events first, then labels, then those of accounts. All else is counted, now or
            when it came first.

        Raises
        ------
        StateError
            When it cannot be logged: nothing of this call was counted, and all of it can be sent again.
        TypeError
            If that is no record or list of records.
        """
        parts: dict[RecordType, Records] = {"events": events, "labels": labels, "account_labels": account_labels}
        items: list[_Item] = []
        refused: list[RejectedRecord] = []
        with self._lock:
            now = now or self._now()
            for part, records in parts.items():
                for position, record in enumerate(as_records(records)):
                    try:
                        items += self._items_of(part, record, now)
                    except RejectedRecordError as error:
                        refused.append(RejectedRecord(position, str(error)))
        self._commit(items)
        return tuple(refused)

    def observe(self, messages: Records, *, now: datetime | None = None) -> tuple[RejectedRecord, ...]:
        """Take messages, for the campaigns that later ones belong to; return once that is durable.

        Parameters
        ----------
        messages : dict, or list or tuple of dict
            As for `Scorer.observe`.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        tuple of RejectedRecord
            What was set aside, and why. Nothing is done for a model that does not look at campaigns.

        Raises
        ------
        StateError
            As for `update`.
        TypeError
            If that is no record or list of records.
        """
        items: list[_Item] = []
        refused: list[RejectedRecord] = []
        with self._lock:
            now = now or self._now()
            for position, message in enumerate(as_records(messages)):
                try:
                    items += self._items_of_message(message, now)
                except RejectedRecordError as error:
                    refused.append(RejectedRecord(position, str(error)))
        self._commit(items)
        return tuple(refused)

    def score(self, records: Records, *, reasons: bool | int = False, reasons_of: str | None = None) -> Any:
        """Score records with what is known now.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            As for `Scorer.score`.
        reasons : bool or int, default=False
            As for `Scorer.score`.
        reasons_of : str, default=None
            As for `Scorer.score`.

        Returns
        -------
        dict or list of dict
            As from `Scorer.score`.
        """
        with self._lock:
            return self.scorer.score(records, history=self.state, reasons=reasons, reasons_of=reasons_of)

    def checkpoint(self) -> None:
        """Write a snapshot, and delete what it covers of the log. Nothing is done without a folder.

        Events and scores wait while the state is copied in memory, and go on while the copy is written.

        Raises
        ------
        StateError
            When it cannot be written. Nothing is lost then: the log is still there.
        """
        if self._log is not None:
            with self._checkpoint:
                if not self._log.is_empty:
                    self._save(self._log)

    def close(self) -> None:
        """Close the log. What was acknowledged is on disk; no checkpoint is made."""
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _now(self) -> datetime:
        """Return the clock's time, held back where it leaps ahead of both the events and the time that has passed."""
        wall, newest = time.time(), self.state.watermark
        if newest != NEVER:
            believed = newest / SECOND + window_seconds(self.state.lateness)
            wall = min(wall, max(self._opened + _passed(), believed))
        return datetime.fromtimestamp(wall, UTC)

    def _items_of(self, part: RecordType, record: Record, now: datetime) -> Iterator[_Item]:
        """Yield what a record comes to, nothing for one that was there; raise RejectedRecordError."""
        identifier = delivery_id(part, record)
        if identifier in self._seen:
            self._repeats += 1
            return
        prepared, refused = self.state.prepare(record, part, now=now)
        if refused:
            raise RejectedRecordError(refused[0].reason)
        yield _Item(identifier, logged(part, record, prepared[0].time, self._fields), prepared)

    def _items_of_message(self, message: Record, now: datetime) -> Iterator[_Item]:
        campaigns = self.scorer.model.matrix.campaigns
        if campaigns is None:
            return
        identifier = _message_id(message)
        if identifier in self._seen:
            self._repeats += 1
            return
        events, prepared = prepare_message(campaigns, self.state, message, now=now)
        if prepared:
            yield _Item(identifier, logged_message(events, prepared[0].time), prepared)

    def _commit(self, items: list[_Item]) -> None:
        if self._log is None:
            self._take(items)
        elif items:
            self._log.append([item.entry for item in items], then=lambda: self._take(items))

    def _take(self, items: list[_Item]) -> None:
        with self._lock:
            for identifier, _, prepared in items:
                if identifier in self._seen:  # it came twice at the same time, and both were logged
                    self._repeats += 1
                    continue
                self.state.apply(prepared)
                self._seen.add(identifier, self.state.watermark)

    def _restore(self, log: EventLog) -> None:
        found = read_snapshot(log.folder)
        if found is None:
            if not log.is_empty:
                raise StateError(str(log.folder), "the snapshot that the log goes on from is missing", RESTORE)
            write_snapshot(log.folder, log.first, self.state.dump(), self._seen.dump())
            return
        number, held, ids = found
        log.drop_before(number)
        drop_snapshots(log.folder, number)
        if log.first != number:
            raise StateError(str(log.folder), "the part of the log that follows the snapshot is missing", RESTORE)
        is_other = declared(held) != declared(self.state)
        self.state = continued(held, self.state, log.folder)
        self._seen.fill_from(ids)
        for entry in log.replay():
            self._take([self._item_again(entry, log.folder)])
        self._repeats = 0
        if is_other:
            self._save(log)

    def _item_again(self, entry: dict[str, Any], folder: Path) -> _Item:
        try:
            part, records = restored(entry)
            as_part: RecordType = "events" if part == "messages" else part
            prepared, refused = self.state.prepare(records, as_part, any_time=True)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problem = f"a record of the log cannot be read ({type(error).__name__})"
            raise StateError(str(folder), problem, RESTORE) from None
        if refused:
            raise StateError(str(folder), f"a record of the log cannot be used: {refused[0].reason}", RESTORE)
        return _Item(delivery_id(part, records[0]), entry, prepared)

    def _save(self, log: EventLog) -> None:
        copies: list[Any] = []

        def copy() -> None:
            with self._lock:
                copies.extend((self.state.dump(), self._seen.dump()))

        number = log.rotate(then=copy)
        write_snapshot(log.folder, number, *copies)
        log.drop_before(number)
        drop_snapshots(log.folder, number)


def _passed() -> float:
    """Return the seconds of a clock that nobody sets, and that runs on while the machine sleeps where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _message_id(message: Record) -> int:
    if not is_missing(message.get("label")):
        return 0
    parse_id(message.get("message_id"), "message_id")  # an error names the field as it came
    return delivery_id("messages", {"event_id": message.get("message_id")})


def _horizon(state: HistoryState) -> int:
    windows = [view.lengths[view.longest] for view in state.histories]
    return (max(windows, default=0) + window_seconds(state.lateness)) * SECOND
