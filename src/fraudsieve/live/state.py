"""`LiveState`: the history of accounts and campaigns in a service, which survives restarts and crashes.

A record is checked, stored, added to the state, and then acknowledged. Several processes can share a store: each
follows the rows that the others append. It needs NumPy, Numba and the standard library; PostgreSQL needs psycopg.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from fraudsieve._microseconds import DAY
from fraudsieve._typing import Records
from fraudsieve.exceptions import StateError
from fraudsieve.features.campaign.over_time import message_keys
from fraudsieve.features.history.records import as_records
from fraudsieve.features.history.timeline import zone_of
from fraudsieve.features.live_state import HistoryState
from fraudsieve.live.store.event_store import open_store
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.observers import ScoreRecorder

from .labels import LabelRules, MemoryRows, Subjects
from .records import (
    Accepted,
    Call,
    CallGroups,
    CallType,
    LoggedFields,
    PlausibleClock,
    call_of_scores,
    knows_records,
    logged_fields,
    own_columns,
)
from .session import Replica, StoreSession, reach
from .store.score_rows import ScoreRow, StoredScore

INTERVAL = 0.02
"""Seconds between two checks of a store."""
PAUSE = 1.0
"""Seconds to wait after a failure."""


class Follower:
    """A thread that calls a function every 20 ms, and once per second while it fails."""

    def __init__(self, catch_up: Callable[[], None], origin: str) -> None:
        self.error: StateError | None = None
        self.completed = time.monotonic()
        self._origin = origin
        self._catch_up, self._closing = catch_up, threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live-state-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._closing.wait(PAUSE if self.error else INTERVAL):
            try:
                self._catch_up()
                if self.error is not None:
                    logger.warning("the live state follows its store again")
                self.error = None
            except Exception as raised:  # whatever fails, the thread keeps running and tries again
                error = raised if isinstance(raised, StateError) else self._unexpected(raised)
                if self.error is None:
                    logger.error("the live state cannot follow its store: %s", error.problem)
                self.error = error
            self.completed = time.monotonic()

    def _unexpected(self, raised: Exception) -> StateError:
        """Return an error that names only the type, because the text can quote a record."""
        problem = f"its rows cannot be added to the live state ({type(raised).__name__})"
        return StateError(self._origin, problem, "It is tried again every second; free memory if it is short.")


class LiveSize(NamedTuple):
    """The size of a live state.

    Attributes
    ----------
    events : int
        Events and labels, over all views.
    entities : int
        Accounts, campaigns and other entities, over all views.
    at_bound : int
        Those of them with as many events or labels as a window may have, or more.
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
    at_bound: int
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


logger = logging.getLogger("fraudsieve.live")

LABEL_DAYS = 180
"""How long a record can wait for its label, by default."""


class LiveState:
    """The live history that a model needs. Threads can share it and, with a store, processes can too.

    Repeated deliveries of an event, a message or a label count once, as in `HistoryState`; messages by ``message_id``.

    Records more than an hour in the future are rejected. The state also guards against jumps of the system clock. An
    event that is later than the newest one by more than the lateness must be plausible, given the time since the state
    was opened. After a larger correction of the clock, open the state again.

    The store contains ids (unhashed), amounts and times of the fields that its models use, and labels. For a model of
    events, it also contains the own columns of events that the model uses. It contains no text of a message, unless the
    score log of a service keeps records.

    Parameters
    ----------
    scorer : Scorer
        The model.
    address : str or Path, default=None
        The store: a file such as ``live.db``, for SQLite, or ``postgresql://user:password@host/database``. None keeps
        the history in memory only.
    lateness : str, default="1d"
        As for `HistoryState`.
    label_days : float, default=180
        How many days an event can wait for its label. The store keeps events for that time and the longest window, to
        train on. Without a store, labels find the events of the longest window.
    follow : bool, default=True
        Whether a thread follows the rows that other processes append. If False, `catch_up` and each update add them.

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
        self,
        scorer: Scorer,
        address: str | Path | None = None,
        *,
        lateness: str = "1d",
        label_days: float = LABEL_DAYS,
        follow: bool = True,
    ) -> None:
        self.scorer = scorer
        self._lateness, self._clock = lateness, PlausibleClock()
        self._replica, label_span = Replica(scorer.new_state(lateness=lateness)), round(label_days * DAY)
        self._rows, self._subjects = MemoryRows(reach(self._replica.state) or label_span), Subjects()
        self._groups = CallGroups(self._handle)
        self._checkpoint = threading.Lock()
        self._session: StoreSession | None = None
        self._follower: Follower | None = None
        self._is_closed = False
        if address is not None:
            self._session = StoreSession(open_store(address), self._replica, self._new_state, label_span)
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
    def is_writable(self) -> bool:
        """Whether the last rows could be stored. `check_room` finds out whether others can since."""
        return self._session is None or self._session.is_writable

    @property
    def follower_age(self) -> float | None:
        """Seconds since the thread that follows the store last finished a check of it; None without such a thread."""
        return None if self._follower is None else time.monotonic() - self._follower.completed

    @property
    def size(self) -> LiveSize:
        """Size in memory and on disk. It does not wait for updates or scores."""
        held, session = self.state, self._session
        sizes = held.n_events, held.n_entities, held.n_at_bound, len(held.seen), self._replica.n_repeats, held.nbytes
        return LiveSize(*sizes, *(session.store_bytes, self.offset - session.snapshot_offset) if session else (0, 0))

    def update(self, events: Records = (), labels: Records = (), *, now: datetime | None = None) -> Accepted:
        """Add events and labels; return once they are durable.

        Parameters
        ----------
        events : dict, or list or tuple of dict, default=()
            As for `HistoryState.update`.
        labels : dict, or list or tuple of dict, default=()
            Labels of the records that the model scores: ``subject_id``, ``label`` and ``labelled_at``, and optionally
            ``source``, ``confidence`` and ``inclusion_probability``. They are read as in training. A label may be of
            any age, and may come before its event or message, with which it counts. Of several labels of an event or a
            message, one counts, by the rules of a table of labels.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        Accepted
            Rejected records with reasons: events first, then labels. All others count, from now or since their first
            delivery. ``unknown`` has the positions of labels without an event or a message so far; None if the model
            has no history of the records that it scores.

        Raises
        ------
        StateError
            If they cannot be stored. Then nothing of this call was added, and all of it can be sent again.
        TypeError
            If an argument is not a record or a list of records.
        """
        zone, given = zone_of(self._replica.state.views), self.scorer.model.given

        def fill(call: Call) -> None:
            call.add_events(call.read_given(0, as_records(events), given["events"]), zone)
            call.add_labels(call.read_given(1, as_records(labels), given["labels"]), zone)

        accepted = self._submit(fill, now)
        return accepted if knows_records(self.scorer.model) else accepted._replace(unknown=None)

    def observe(self, messages: Records, *, now: datetime | None = None) -> Accepted:
        """Add messages, so that later ones are matched to campaigns; return once they are durable.

        Parameters
        ----------
        messages : dict, or list or tuple of dict
            Messages with ``text`` and ``sent_at``, and, if known, ``message_id``, ``account_id`` and ``recipient_id``.
            A message that has a ``label`` and ``labelled_at`` is also a label of it, as in a table of messages.
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
        campaigns = self.scorer.model.matrix.campaigns

        def fill(call: Call) -> None:
            sent = [*call.read_given(0, as_records(messages), self.scorer.model.given["messages"])]
            if campaigns is not None:
                call.add_messages(sent, campaigns, message_keys([message for _, message in sent]))

        return self._submit(fill, now)

    def log_scores(self, rows: Sequence[ScoreRow]) -> dict[int, StoredScore]:
        """Add rows to the score log of the store; return once they are durable. Raises StateError, as `update` does.

        A record that was added with its score is logged once. Returns the logged scores of the others, by position.
        """
        (call,) = self.submit(lambda fields: [call_of_scores(rows, fields)])
        call.outcome()
        return call.earlier

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
        reasons, reasons_of, language
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
        return self.score_at(
            records,
            reasons=reasons,
            reasons_of=reasons_of,
            language=language,
            after=after,
            wait_seconds=wait_seconds,
        ).scores

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
            scores = self.scorer.score(
                records,
                history=self.state,
                evidence=batch,
                reasons=reasons,
                reasons_of=reasons_of,
                language=language,
            )
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

    def check_room(self) -> None:
        """Find out whether a store that could not be written can be written again; raises StateError if not."""
        if self._session is not None and not self._session.is_writable:
            with self._groups.lock:
                self._session.store.check_room()
                self._session.is_writable = True

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

    def _new_state(self) -> HistoryState:
        return self.scorer.new_state(lateness=self._lateness)

    def _submit(self, fill: Callable[[Call], None], now: datetime | None) -> Accepted:
        """Submit a call that a function fills with deliveries."""

        def make(fields: LoggedFields) -> list[Call]:
            call = Call(LabelRules(self.scorer.model), fields, now, own_columns(self.scorer.model))
            fill(call)
            return [call]

        return self.submit(make)[0].outcome()

    def submit(self, make: Callable[[LoggedFields], Sequence[CallType]]) -> Sequence[CallType]:
        """Handle calls that a function makes for the fields that rows store; each has its own outcome."""

        def fields() -> LoggedFields:
            return logged_fields(self._replica.state) if self._session is None else self._session.fields

        return self._groups.submit_for(fields, make)

    def _handle(self, calls: Sequence[Call]) -> None:
        if self._session is not None:
            self._session.append(calls, self._clock)
        else:
            self._replica.append(calls, self._clock, self._rows, self._subjects)

    def _follow(self) -> None:
        """Catch up, unless a thread is appending: it catches up itself."""
        if self._session is not None and self._groups.lock.acquire(blocking=False):
            try:
                self._session.follow()
            finally:
                self._groups.lock.release()
