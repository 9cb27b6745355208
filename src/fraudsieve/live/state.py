"""`LiveState`: the history of accounts and campaigns in a service, which survives restarts and crashes.

A record is checked, stored, added to the state, and then acknowledged. Several processes can share a store: each
follows the rows that the others append. It needs NumPy, Numba and the standard library; PostgreSQL needs psycopg.
"""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from fraudsieve._typing import Records
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.reader import RecordType, zone_of
from fraudsieve.features.history.records import as_records
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.observers import ScoreRecorder

from .calls import Accepted, Call, CallGroups
from .clock import PlausibleClock
from .follower import Follower
from .records import LoggedFields, logged_fields
from .replica import Replica
from .session import StoreSession
from .store.addresses import open_store
from .store.score_rows import ScoreRow

__all__ = ["LiveSize", "LiveState", "Scored"]

logger = logging.getLogger("fraudsieve.live")


class LiveSize(NamedTuple):
    """The size of a live state.

    Attributes
    ----------
    events : int
        Events and labels, over all views.
    entities : int
        Accounts, campaigns and other entities, over all views.
    ids : int
        Ids that are kept, so that repeated deliveries count once.
    repeats : int
        Repeated deliveries since the state was opened.
    state_bytes : int
        Bytes of the arrays in memory.
    store_bytes : int
        Bytes of the store on disk; 0 without a store.
    rows_since_snapshot : int
        Rows that a restart would read; 0 without a store.
    """

    events: int
    entities: int
    ids: int
    repeats: int
    state_bytes: int
    store_bytes: int
    rows_since_snapshot: int


class Scored(NamedTuple):
    """Scores, and the offset of the state that they were computed from.

    Attributes
    ----------
    scores : dict or list of dict
        As from `Scorer.score`.
    offset : int
        At the same offset, the same model gives equal scores for the same records in every process.
    """

    scores: Any
    offset: int


class LiveState:
    """The live history that a model needs. Threads can share it and, with a store, processes can too.

    Repeated deliveries of an event, a message or a label count once, as in `HistoryState`; messages by ``message_id``.

    Records more than an hour in the future are rejected. The state also guards against jumps of the system clock. An
    event that is later than the newest one by more than the lateness must be plausible, given the time since the state
    was opened. After a larger correction of the clock, open the state again.

    The store contains ids (unhashed), amounts and times of the fields that its models use, and no text. The score log
    of a service adds scores and, if it keeps records, their texts.

    Parameters
    ----------
    scorer : Scorer
        The model.
    address : str or Path, default=None
        The store: a file such as ``live.db``, for SQLite, or ``postgresql://user:password@host/database``. None keeps
        the history in memory only.
    lateness : str, default="1d"
        As for `HistoryState`.
    follow : bool, default=True
        Whether a thread follows the rows that other processes append. If False, `catch_up` and each update add them.

    Attributes
    ----------
    scorer : Scorer
        The model.

    Raises
    ------
    StateError
        If the store cannot be opened, is damaged, or was written for a model with other history features. A model that
        uses a subset of them can continue it. So can a model that uses only stored fields, if no rows that it needs
        were deleted.

    Examples
    --------
    ::

        with LiveState(Scorer.load("fraudsieve-model"), "live.db") as live:
            live.update({"event_id": "e1", "account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "pay"})
            live.score({"account_id": "ann", "as_of": "2026-05-01T11:00:00Z"})
    """

    def __init__(
        self, scorer: Scorer, address: str | Path | None = None, *, lateness: str = "1d", follow: bool = True
    ) -> None:
        self.scorer = scorer
        self._lateness, self._clock = lateness, PlausibleClock()
        self._replica = Replica(scorer.new_state(lateness=lateness))
        self._groups = CallGroups(self._handle)
        self._checkpoint = threading.Lock()
        self._session: StoreSession | None = None
        self._follower: Follower | None = None
        self._is_closed = False
        if address is not None:
            self._session = StoreSession(open_store(address), self._replica, self._new_state)
            self._follower = Follower(self._follow, self._session.store.origin) if follow else None

    @property
    def state(self) -> HistoryState:
        """The history. Threads must use it through `score` only."""
        return self._replica.state

    @property
    def offset(self) -> int:
        """The offset of the newest row that the state has."""
        return self._replica.position.offset

    @property
    def store(self) -> str:
        """The kind of store: "memory", "sqlite" or "postgresql"."""
        return "memory" if self._session is None else self._session.store.kind

    @property
    def error(self) -> StateError | None:
        """The reason why the state cannot follow its store; None if it can. Scores then use the state in memory."""
        return None if self._follower is None else self._follower.error

    @property
    def follower_age(self) -> float | None:
        """Seconds since the thread that follows the store last finished a check of it; None without such a thread."""
        return None if self._follower is None else time.monotonic() - self._follower.completed

    @property
    def size(self) -> LiveSize:
        """Size in memory and on disk. It does not wait for updates or scores."""
        state, session = self.state, self._session
        sizes = state.n_events, state.n_entities, len(state.seen), self._replica.n_repeats, state.nbytes
        if session is None:
            return LiveSize(*sizes, 0, 0)
        return LiveSize(*sizes, session.store_bytes, self.offset - session.snapshot_offset)

    def update(
        self,
        events: Records = (),
        labels: Records = (),
        *,
        account_labels: Records = (),
        now: datetime | None = None,
    ) -> Accepted:
        """Add events and labels of events and accounts; return once they are durable.

        Parameters
        ----------
        events, labels, account_labels : dict, or list or tuple of dict, default=()
            As for `HistoryState.update`.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        Accepted
            Rejected records with reasons: events first, then labels, then account labels. All others count, from now or
            since their first delivery.

        Raises
        ------
        StateError
            If they cannot be stored. Then nothing of this call was added, and all of it can be sent again.
        TypeError
            If an argument is not a record or a list of records.
        """
        given: dict[RecordType, Records] = {"events": events, "labels": labels, "account_labels": account_labels}
        parts = {part: as_records(records) for part, records in given.items()}
        while True:
            fields = self._fields
            try:
                return self._submit(Call.from_records(parts, fields, zone_of(self._replica.state.views), now))
            except StateError:
                if fields == self._fields:
                    raise
                # Another model was opened on the empty store, and every row stores its fields too: send it again.

    def observe(self, messages: Records, *, now: datetime | None = None) -> Accepted:
        """Add messages, so that later ones are matched to campaigns; return once they are durable.

        Parameters
        ----------
        messages : dict, or list or tuple of dict
            As for `Scorer.observe`.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        Accepted
            Rejected messages with reasons. Nothing happens if the model does not use campaigns.

        Raises
        ------
        StateError
            As for `update`.
        TypeError
            If an argument is not a record or a list of records.
        """
        return self._submit(Call.from_messages(as_records(messages), self.scorer.model.matrix.campaigns, now))

    def log_scores(self, rows: Sequence[ScoreRow]) -> None:
        """Add rows to the score log of the store; return once they are durable. Raises StateError, as `update` does."""
        self._submit(Call(None, scores=rows))

    def score(
        self,
        records: Records,
        *,
        reasons: bool | int = False,
        reasons_of: str | None = None,
        language: str = "en",
        after: int | None = None,
        wait_seconds: float = 1.0,
    ) -> Any:
        """Score records with the current history.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            As for `Scorer.score`.
        reasons, reasons_of
            As for `Scorer.score`.
        language : {"en", "zh"}, default="en"
            As for `Scorer.score`.
        after, wait_seconds
            As for `score_at`.

        Returns
        -------
        dict or list of dict
            As from `Scorer.score`.

        Raises
        ------
        StateBehindError
            As for `score_at`.
        """
        explain: dict[str, Any] = {"reasons": reasons, "reasons_of": reasons_of, "language": language}
        return self.score_at(records, **explain, after=after, wait_seconds=wait_seconds).scores

    def score_at(
        self,
        records: Records,
        *,
        reasons: bool | int = False,
        reasons_of: str | None = None,
        language: str = "en",
        evidence: ScoreRecorder | None = None,
        after: int | None = None,
        wait_seconds: float = 1.0,
        scorer: Scorer | None = None,
    ) -> Scored:
        """Score records with the current history, and return its offset.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            As for `Scorer.score`.
        reasons, reasons_of, language, evidence
            As for `Scorer.score`. The evidence names the store, its offset and the digest at that offset.
        after : int, default=None
            An offset that the history must have, such as `Accepted.offset` from another process; None for any.
        wait_seconds : float, default=1.0
            How long to wait for it.
        scorer : Scorer, default=None
            Another model that declares the same history; None for that of the state.

        Returns
        -------
        Scored

        Raises
        ------
        StateBehindError
            If the history does not have the offset in time.
        """
        if after is not None and after > self.offset:
            origin = "memory" if self._session is None else self._session.store.origin
            self._replica.wait_for(after, wait_seconds, self.catch_up, origin)
        batch = None if evidence is None else evidence.batch()
        with self._replica.lock:
            explain: dict[str, Any] = {"reasons": reasons, "reasons_of": reasons_of, "language": language}
            scores = (scorer or self.scorer).score(records, history=self.state, evidence=batch, **explain)
            offset, source = self.offset, None if self._session is None else self._session.describe_position()
        if batch is not None:
            # Not under the lock: it waits for the disk.
            answers = batch.commit(scores if isinstance(scores, list) else [scores], source)
            scores = answers if isinstance(scores, list) else answers[0]
        return Scored(scores, offset)

    def catch_up(self) -> int:
        """Add the rows that other processes appended, and return the offset.

        Raises
        ------
        StateError
            If the store cannot be read, or is damaged.
        """
        if self._session is not None:
            with self._groups.lock:
                self._session.catch_up()
        return self.offset

    def checkpoint(self) -> None:
        """Write a snapshot, so that a restart is fast, and delete rows that no model needs any more.

        Updates and scores wait while the state is copied in memory, and continue while the copy is written. Does
        nothing if there is a snapshot of the newest row, or without a store.

        Raises
        ------
        StateError
            If it cannot be written. Nothing is lost, because the rows are kept.
        """
        if self._session is not None:
            with self._checkpoint:
                self._session.checkpoint()

    def close(self) -> None:
        """Write a snapshot if there are rows without one, and close the store. A second call does nothing."""
        if self._session is None or self._is_closed:
            return
        self._is_closed = True
        if self._follower is not None:
            self._follower.close()
        try:
            self.catch_up()
            self.checkpoint()
        except StateError as error:
            logger.error("no snapshot was left when the live state was closed: %s", error.problem)
        with self._groups.lock:
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def _fields(self) -> LoggedFields:
        return logged_fields(self._replica.state) if self._session is None else self._session.fields

    def _new_state(self) -> HistoryState:
        return self.scorer.new_state(lateness=self._lateness)

    def _submit(self, call: Call) -> Accepted:
        self._groups.submit(call)
        return call.outcome()

    def _handle(self, calls: Sequence[Call]) -> None:
        (self._session or self._replica).append(calls, self._clock)

    def _follow(self) -> None:
        """Catch up, unless a thread is appending: it catches up itself."""
        if self._session is not None and self._groups.lock.acquire(blocking=False):
            try:
                self._session.follow()
            finally:
                self._groups.lock.release()
