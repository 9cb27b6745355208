"""`LiveState`: the history of accounts and campaigns behind a service, kept through restarts and crashes.

A record is checked, then logged, then added to the state, then acknowledged. A folder holds the log (see `log`) and a
snapshot (see `snapshot`); opening it reads the snapshot and the records that were logged since. It needs NumPy, Numba
and the standard library.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.history.reader import RecordType
from fraudsieve.features.history.records import RejectedRecord, as_records
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.inputs import message_bands

from .handover import continue_state, declaration
from .log import SEGMENT_BYTES, EventLog, Fsync
from .records import logged_fields, message_to_entry, read_entry, to_entry
from .segments import RESTORE, LogCut
from .snapshot import Dump, drop_snapshots, has_snapshot, read_snapshot, write_snapshot

__all__ = ["LiveSize", "LiveState"]

Record: TypeAlias = Mapping[str, Any]
Records: TypeAlias = Record | Sequence[Record]

SECOND = 1_000_000


class LiveSize(NamedTuple):
    """Size of a live state.

    Attributes
    ----------
    events : int
        Events and labels, over all views.
    entities : int
        Accounts, campaigns and other entities, over all views.
    ids : int
        Ids that are remembered, to count repeated deliveries once.
    repeats : int
        Repeated deliveries since the state was opened.
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


class _Delivery(NamedTuple):
    """A checked record: its log entry, and the prepared record for the state."""

    entry: dict[str, Any]
    prepared: PreparedRecord


class LiveState:
    """The live history that a model needs; threads can share it and, with a folder, it is stored on disk.

    Repeated deliveries of an event, a message or a label count once, as in `HistoryState`; messages by ``message_id``.

    Records more than an hour in the future are rejected. Jumps of the system clock are limited too. An event that
    is later than the newest one by more than the lateness must also be possible given the time since the state was
    opened. After a larger correction of the clock, open the state again.

    The log stores ids as they are, amounts and times, only of fields that the model uses, and no text. It grows until
    `checkpoint` is called; the service calls it when `size` is large.

    Parameters
    ----------
    scorer : Scorer
        The model.
    folder : str or Path, default=None
        Where it is stored; None to keep it in memory only. One process at a time can open it.
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
        The history. Threads must use it through `score` only.
    cut : LogCut or None
        The bytes and records of an incomplete write that were cut off the log when it was opened, and when; None if
        there were none. They were not acknowledged, unless `fsync` is not ``"always"``.

    Raises
    ------
    StateError
        If the folder cannot be written, is in use, is damaged, or was written for a model with other history
        features. A model that uses a subset of them can continue it. So can a model that uses only logged fields, if
        there was no checkpoint.

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
        self.cut: LogCut | None = None
        self._repeats = 0
        self._fields = logged_fields(self.state)
        self._opened = time.time() - _seconds_since_boot()
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
        """Size in memory and on disk. It does not wait for updates or scores."""
        sizes = self.state.n_events, self.state.n_entities, len(self.state.seen), self._repeats, self.state.nbytes
        return LiveSize(*sizes, self._log.nbytes if self._log is not None else 0)

    def update(
        self,
        events: Records = (),
        labels: Records = (),
        *,
        account_labels: Records = (),
        now: datetime | None = None,
    ) -> tuple[RejectedRecord, ...]:
        """Add events and labels of events and accounts; return once they are durable.

        Parameters
        ----------
        events, labels, account_labels : dict, or list or tuple of dict, default=()
            As for `HistoryState.update`.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        tuple of RejectedRecord
            Rejected records and reasons: of events first, then of labels, then of account labels. All others count, now
            or since their first delivery.

        Raises
        ------
        StateError
            If it cannot be logged: nothing of this call was added, and all of it can be sent again.
        TypeError
            If an argument is not a record or a list of records.
        """
        parts: dict[RecordType, Records] = {"events": events, "labels": labels, "account_labels": account_labels}
        items: list[_Delivery] = []
        rejected: list[RejectedRecord] = []
        now = now or self._now()
        for part, records in parts.items():
            for position, record in enumerate(as_records(records)):
                try:
                    items += self._deliveries(part, record, now)
                except RejectedRecordError as error:
                    rejected.append(RejectedRecord(position, str(error)))
        self._commit(items)
        return tuple(rejected)

    def observe(self, messages: Records, *, now: datetime | None = None) -> tuple[RejectedRecord, ...]:
        """Add messages, so that later ones are matched to campaigns; return once they are durable.

        Parameters
        ----------
        messages : dict, or list or tuple of dict
            As for `Scorer.observe`.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        tuple of RejectedRecord
            Rejected messages and reasons. Does nothing for a model that does not use campaigns.

        Raises
        ------
        StateError
            As for `update`.
        TypeError
            If an argument is not a record or a list of records.
        """
        items: list[_Delivery] = []
        rejected: list[RejectedRecord] = []
        now = now or self._now()
        for position, message in enumerate(as_records(messages)):
            try:
                items += self._message_deliveries(message, now)
            except RejectedRecordError as error:
                rejected.append(RejectedRecord(position, str(error)))
        self._commit(items)
        return tuple(rejected)

    def score(
        self, records: Records, *, reasons: bool | int = False, reasons_of: str | None = None, language: str = "en"
    ) -> Any:
        """Score records with the current history.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            As for `Scorer.score`.
        reasons : bool or int, default=False
            As for `Scorer.score`.
        reasons_of : str, default=None
            As for `Scorer.score`.
        language : {"en", "zh"}, default="en"
            As for `Scorer.score`.

        Returns
        -------
        dict or list of dict
            As from `Scorer.score`.
        """
        with self._lock:
            explain: dict[str, Any] = {"reasons": reasons, "reasons_of": reasons_of, "language": language}
            return self.scorer.score(records, history=self.state, **explain)

    def checkpoint(self) -> None:
        """Write a snapshot and delete the segments of the log that it covers. Does nothing without a folder.

        Updates and scores wait while the state is copied in memory, and continue while the copy is written.

        Raises
        ------
        StateError
            If it cannot be written. Nothing is lost, because the log is kept.
        """
        if self._log is not None:
            with self._checkpoint:
                if not self._log.is_empty:
                    self._save(self._log)

    def close(self) -> None:
        """Close the log. Acknowledged records are on disk; no checkpoint is made."""
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _now(self) -> datetime:
        """Return the system time, limited if it is ahead of both the events and the time since opening."""
        wall, newest = time.time(), self.state.watermark
        if newest != NEVER:
            plausible = newest / SECOND + window_seconds(self.state.lateness)
            wall = min(wall, max(self._opened + _seconds_since_boot(), plausible))
        return datetime.fromtimestamp(wall, UTC)

    def _deliveries(self, part: RecordType, record: Record, now: datetime) -> list[_Delivery]:
        """Return the delivery of a record, nothing for a repeated one; raise RejectedRecordError."""
        return self._new(to_entry(part, record, self._fields), now)

    def _message_deliveries(self, message: Record, now: datetime) -> list[_Delivery]:
        campaigns = self.scorer.model.matrix.campaigns
        bands = message_bands(campaigns, message) if campaigns is not None else []
        return self._new(message_to_entry(bands), now) if bands else []

    def _new(self, entry: dict[str, Any], now: datetime) -> list[_Delivery]:
        """Read a log entry as if it were restored, so that what is accepted can be restored."""
        with self._lock:  # one record at a time, so that scores need not wait for all records of a call
            prepared = read_entry(self.state, entry, now=now)
            new = [_Delivery(entry, one) for one in prepared if one.identifier not in self.state.seen]
            self._repeats += len(prepared) - len(new)
        return new

    def _commit(self, items: list[_Delivery]) -> None:
        if self._log is None:
            self._apply(items)
        elif items:
            self._log.append([item.entry for item in items], then=lambda: self._apply(items))

    def _apply(self, items: list[_Delivery]) -> None:
        """Add records; of those that two threads delivered at the same time, and logged twice, only the first."""
        with self._lock:
            for item in items:
                self._repeats += self.state.apply([item.prepared])

    def _restore(self, log: EventLog) -> None:
        snapshot = read_snapshot(log.folder)
        if snapshot is None:
            if not log.is_empty:
                raise StateError(str(log.folder), "the snapshot that the log continues is missing", RESTORE)
            write_snapshot(log.folder, log.first, self.state.dump())
            return
        number, held = snapshot
        log.drop_before(number)
        drop_snapshots(log.folder, number)
        if log.first != number:
            raise StateError(str(log.folder), "the part of the log that follows the snapshot is missing", RESTORE)
        is_changed = declaration(held) != declaration(self.state)
        self.state = continue_state(held, self.state, log.folder)
        for entry in log.replay():
            self._replay(entry, log.folder)
        if is_changed:
            self._save(log)

    def _replay(self, entry: Any, folder: Path) -> None:
        try:
            self.state.apply(read_entry(self.state, entry, stored=True))
        except RejectedRecordError as error:
            raise StateError(str(folder), f"a record of the log is rejected: {error}", RESTORE) from None
        except ValueError:
            raise StateError(str(folder), "a record of the log cannot be read", RESTORE) from None

    def _save(self, log: EventLog) -> None:
        copies: list[Dump] = []

        def copy() -> None:
            with self._lock:
                copies.append(self.state.dump())

        # A failed snapshot leaves an empty segment, which the next one uses.
        number = log.rotate(then=copy, unless_empty=not has_snapshot(log.folder, log.last))
        write_snapshot(log.folder, number, copies[0])
        log.drop_before(number)
        drop_snapshots(log.folder, number)


def _seconds_since_boot() -> float:
    """Return a monotonic clock, if possible one that includes the time in which the machine sleeps."""
    if not hasattr(time, "clock_gettime"):  # Windows
        return time.monotonic()
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
