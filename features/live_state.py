"""The live runner: takes events as they come, late ones too, and answers at any moment.

It reads the same declaration as the batch runner and calls the same kernels, on the events of one entity. Sums are kept
with twice the digits of a float64, so that neither the order of arrival nor what was before a window shows: the two
agree to the last bit. NumPy and Numba alone.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.history.declaration import History, check_histories, history_columns
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.history.records import (
    RejectedRecord,
    as_records,
    entity_key,
    id_digest,
    parse_amount,
    parse_time,
)
from fraudsieve.features.history.store import read_state, write_state
from fraudsieve.features.history.timeline import PreparedRecord, Timeline, ViewState, bits_of, signed
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.live import NetworkState

from .history_declaration import HistoryDeclaration

__all__ = ["CAMPAIGN", "HistoryState", "RecordType"]

Record: TypeAlias = Mapping[str, Any]
Records: TypeAlias = Record | Sequence[Record]

SECOND = 1_000_000
CAMPAIGN = {"campaign", "labelled"}
"""Events that have one of these are messages, or labels of messages, and need no account."""
SWEPT = 2
"""With every event so many other entities are rid of what is too old."""
RecordType: TypeAlias = Literal["events", "labels", "account_labels"]
READERS = {"events": "_read_event", "labels": "_read_label", "account_labels": "_read_account_label"}


class HistoryState:
    """The history of accounts, live: events in, features out, with what is too old forgotten.

    Memory holds, of every view, the events of the longest window, of the declared lateness, and of one hour; of every
    entity ever seen it keeps when its first and its last event were, unless the view is not of accounts and no measure
    looks beyond its window. An event takes ``8 * (5 + identifiers)`` bytes in a view, and an entity about 400 bytes;
    `nbytes` says what the arrays take. Identifiers are kept as digests. A network keeps every pair of account and
    counterparty, whatever its age.

    A state is not safe to use from several threads at a time; a caller that has several locks it.

    Parameters
    ----------
    histories : History or sequence of History
        The declaration.
    network : Network, default=None
        What is computed of the network; None for nothing.
    lateness : str, default="1d"
        How much later than a later event an event may come. It is also how far back `features` can look.
    ahead : str, default="1h"
        How far in the future an event may lie: clocks differ. What lies further is refused.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns.
    watermark : int
        The time of the latest event, in microseconds since 1970.
    n_events : int
        Events and labels held now, over all views.

    Examples
    --------
    >>> state = HistoryState(History(("1h",), measures=("count", "sum", "since_last")))
    >>> state.update({"account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "pay", "amount": 5})
    ()
    >>> state.features({"account_id": "ann", "as_of": "2026-05-01T10:00:30Z"}).tolist()
    [[1.0, 5.0, 30.0]]
    """

    def __init__(
        self,
        histories: History | Sequence[History],
        *,
        network: Network | None = None,
        lateness: str = "1d",
        ahead: str = "1h",
    ) -> None:
        self.histories = check_histories(histories)
        self.lateness, self.ahead = lateness, ahead
        self.columns = history_columns(self.histories) + (network.columns if network else ())
        self.network = NetworkState(network) if network else None
        self.views = [ViewState(history) for history in self.histories]
        self.watermark = NEVER
        self.n_events = 0
        self._late, self._ahead = window_seconds(lateness) * SECOND, window_seconds(ahead) * SECOND

    @property
    def declaration(self) -> HistoryDeclaration:
        """The feature views and the network."""
        return HistoryDeclaration(self.histories, self.declared_network)

    @property
    def declared_network(self) -> Network | None:
        """The declaration of the network."""
        return self.network.network if self.network else None

    @property
    def oldest(self) -> int:
        """The oldest moment that can be asked about, in microseconds since 1970."""
        return NEVER if self.watermark == NEVER else self.watermark - self._late

    @property
    def n_entities(self) -> int:
        """Entities known, over all views."""
        return sum(len(view.timelines) for view in self.views)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        timelines = [line for view in self.views for part in (view.timelines, view.labels) for line in part.values()]
        return sum(line.block.nbytes for line in timelines)

    def update(
        self,
        events: Records = (),
        labels: Records = (),
        *,
        account_labels: Records = (),
        now: datetime | None = None,
    ) -> tuple[RejectedRecord, ...]:
        """Take events, and what became known of events.

        Events of one call may be in any order; they are late if they are so by what was known before it.

        Parameters
        ----------
        events : dict, or list or tuple of dict, default=()
            Each with ``account_id``, ``occurred_at`` and what the declaration names. An event whose ``event_id`` is
            there already, at the same time, counts once.
        labels : dict, or list or tuple of dict, default=()
            Each with the entity columns of an event, ``labelled_at`` and ``is_fraud``.
        account_labels : dict, or list or tuple of dict, default=()
            What became known of accounts, for the network: each with ``account_id``, ``labelled_at`` and ``is_fraud``.
        now : datetime, default=None
            The time by which the future is told; None for the clock's.

        Returns
        -------
        tuple of RejectedRecord
            What was set aside, and why: events first, then labels, then those of accounts.

        Raises
        ------
        TypeError
            If that is no record or list of records.
        """
        prepared: list[PreparedRecord] = []
        refused: list[RejectedRecord] = []
        parts: dict[RecordType, Records] = {"events": events, "labels": labels, "account_labels": account_labels}
        for part, records in parts.items():
            if not isinstance(records, tuple) or records:
                ready, wrong = self.prepare(records, part, now=now)
                prepared, refused = prepared + ready, refused + wrong
        self.apply(prepared)
        return tuple(refused)

    def prepare(
        self, records: Records, part: RecordType = "events", *, now: datetime | None = None, any_time: bool = False
    ) -> tuple[list[PreparedRecord], list[RejectedRecord]]:
        """Read and check records, and take none: `apply` does, once a caller has written them down.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            As for `update`.
        part : {"events", "labels", "account_labels"}, default="events"
            What they are.
        now : datetime, default=None
            As for `update`.
        any_time : bool, default=False
            Whether a record may be late or in the future, because it was checked when it came first.

        Returns
        -------
        prepared : list of PreparedRecord
            For `apply` of this state.
        refused : list of RejectedRecord
            What cannot be taken, and why.

        Raises
        ------
        TypeError
            If that is no record or list of records.
        """
        read = getattr(self, READERS[part])
        limit = parse_time(now or datetime.now(UTC), "now") + self._ahead
        bounds = (NEVER, -NEVER) if any_time else (self.oldest, limit)
        prepared, refused = [], []
        for position, record in enumerate(as_records(records)):
            try:
                prepared.append(read(position, record, *bounds))
            except RejectedRecordError as error:
                refused.append(RejectedRecord(position, str(error)))
        return prepared, refused

    def apply(self, prepared: Sequence[PreparedRecord]) -> None:
        """Take what `prepare` of this state returned.

        Parameters
        ----------
        prepared : sequence of PreparedRecord
            Records.
        """
        for record in prepared:
            for row in record.rows:
                self._add(*row)
            if self.network is not None:
                for link in record.links:
                    self.network.link(*link, record.time)
                if record.known is not None:
                    account, fraud = record.known
                    self.network.label(account, record.time, fraud)
            self.watermark = max(self.watermark, record.time)
        if self.watermark != NEVER:
            n = SWEPT * max(len(prepared), 1)
            self.n_events -= sum(view.sweep(self.oldest, n) for view in self.views)

    def _read_event(self, position: int, event: Record, oldest: int, limit: int) -> PreparedRecord:
        time, amount = _time(event, "occurred_at", oldest, limit), parse_amount(event.get("amount"))
        if entity_key(event, ("account_id",)) is None and CAMPAIGN.isdisjoint(event):
            raise RejectedRecordError("account_id: expected a string or a whole number, the field is missing")
        read = [(view, entity_key(event, view.history.entities), view.row(event, time, amount)) for view in self.views]
        rows = [(view, view.timelines, key, row) for view, key, row in read if key is not None]
        return PreparedRecord(position, time, rows, self.network.pairs(event) if self.network else [], None)

    def _read_account_label(self, position: int, label: Record, oldest: int, limit: int) -> PreparedRecord:
        time, account = _time(label, "labelled_at", oldest, limit), id_digest(label.get("account_id"), "account_id")
        fraud = _is_fraud(label)
        if not account:
            raise RejectedRecordError("account_id: expected a string or a whole number, the field is missing")
        return PreparedRecord(position, time, [], [], (account, fraud))

    def _read_label(self, position: int, label: Record, oldest: int, limit: int) -> PreparedRecord:
        time, fraud = _time(label, "labelled_at", oldest, limit), _is_fraud(label)
        row = [time, bits_of(float(fraud)), -1, signed(id_digest(label.get("event_id"), "event_id"))]
        keys = [(view, entity_key(label, view.history.entities)) for view in self.views if view.history.needs_labels]
        if keys and not any(key for _, key in keys):
            fields = sorted({name for view, _ in keys for name in view.history.entities})
            raise RejectedRecordError(f"{', '.join(fields)}: expected whom the label is about, all are missing")
        return PreparedRecord(position, time, [(view, view.labels, key, row) for view, key in keys if key], [], None)

    def _add(self, view: ViewState, timelines: dict[bytes, Timeline], key: bytes, row: list[int]) -> None:
        timeline = timelines.get(key)
        if timeline is None:
            if key not in view.timelines and key not in view.labels:
                view.round.append(key)
            timeline = timelines[key] = Timeline(len(row))
        before = timeline.size
        timeline.add(row)
        self.n_events += timeline.size - before

    def features(self, subjects: Records, histories: Sequence[History] | None = None) -> Array:
        """Compute the history of subjects, strictly before their moments.

        Parameters
        ----------
        subjects : dict, or list or tuple of dict
            Each with the subject columns, ``as_of`` and, where it has one, ``amount`` (None for one that is not known);
            without it the last event's amount is measured against the past.
        histories : sequence of History, default=None
            The views that are asked for, in the order of the state's; None for all, and the network.

        Returns
        -------
        ndarray of float64, shape (n_subjects, n_columns)
            What the batch runner would give.

        Raises
        ------
        ValueError
            If a moment is missing, or older than the state remembers.
        """
        return self.compute(subjects, histories)[0]

    def compute(self, subjects: Records, histories: Sequence[History] | None = None) -> tuple[Array, Array]:
        """Compute the history of subjects, and tell which of them have any.

        Parameters
        ----------
        subjects : dict, or list or tuple of dict
            As for `features`.
        histories : sequence of History, default=None
            As for `features`.

        Returns
        -------
        features : ndarray of float64, shape (n_subjects, n_columns)
            As from `features`.
        known : ndarray of bool, shape (n_subjects,)
            Whether there was an event of the account; without a view of accounts, of any entity.
        """
        records = as_records(subjects)
        tells = [view for view in self.views if view.history.entities == ("account_id",)] or self.views
        views = self.views if histories is None else [view for view in self.views if view.history in histories]
        n_columns = len(self.columns) if histories is None else sum(len(view.history.columns) for view in views)
        out, known = np.empty((len(records), n_columns)), np.zeros(len(records), np.bool_)
        for place, record in enumerate(records):
            moment = parse_time(record.get("as_of"), "as_of")
            if moment < self.oldest:
                raise RejectedRecordError("as_of: expected a moment that the state remembers, got an older one")
            amounts = np.full(2, parse_amount(record["amount"])) if "amount" in record else np.empty(0)
            start = 0
            for view in views:
                stop = start + len(view.history.columns)
                # Of two rows: so a column has the layout that it has in a batch, and kernels are compiled once.
                block = np.full((2, stop - start), np.nan)
                has_any = view.fill(record, moment, amounts, block)
                known[place] |= has_any and view in tells
                out[place, start:stop] = block[0]
                start = stop
            if self.network is not None and histories is None:
                out[place, start:] = self.network.columns_of(record, moment)
        return out, known

    def save(self, folder: str | Path) -> None:
        """Write the state into a folder, in one step over the one that is there.

        Parameters
        ----------
        folder : str or Path
            The folder; it is made when it is not there.
        """
        write_state(folder, *self.dump())

    def dump(self) -> tuple[dict[str, Any], list[dict[str, Array]]]:
        """Return all that is held, as `save` writes it; what comes later does not change it.

        Returns
        -------
        facts : dict
            In plain JSON types.
        parts : list of dict of str to ndarray
            For `write_state`.
        """
        facts = {
            "histories": [history.to_dict() for history in self.histories],
            "network": self.network.network.to_dict() if self.network else None,
            "lateness": self.lateness,
            "ahead": self.ahead,
            "watermark": None if self.watermark == NEVER else self.watermark,
        }
        parts = [view.dump() for view in self.views]
        return facts, parts + ([self.network.dump()] if self.network else [])

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a state that `save` wrote.

        Parameters
        ----------
        folder : str or Path
            The folder.

        Returns
        -------
        HistoryState
            Answers as the one that was saved.

        Raises
        ------
        StateError
            If a file is missing or changed, or of another version.
        """
        facts, views = read_state(folder)
        try:
            histories = [History.from_dict(declared) for declared in facts["histories"]]
            network = facts["network"] and Network.from_dict(facts["network"])
            state = cls(histories, network=network, lateness=facts["lateness"], ahead=facts["ahead"])
            state.watermark = NEVER if facts["watermark"] is None else int(facts["watermark"])
            if state.network is not None:
                state.network.fill_from(views.pop())
            for view, parts in zip(state.views, views, strict=True):
                state.n_events += view.fill_from(parts)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
            problem = f"the files do not make a state ({type(error).__name__})"
            raise StateError(str(folder), problem, "Build the state again from the events.") from None
        return state


def _is_fraud(label: Record) -> bool:
    fraud = label.get("is_fraud")
    if not isinstance(fraud, bool | int | float | np.bool_ | np.number) or fraud not in (0, 1):
        raise RejectedRecordError("is_fraud: expected True or False, got something else")
    return bool(fraud)


def _time(record: Record, field: str, oldest: int, limit: int) -> int:
    time = parse_time(record.get(field), field)
    if time > limit:
        raise RejectedRecordError(f"{field}: expected a time that is not in the future, got a later one")
    if time < oldest:
        raise RejectedRecordError(f"{field}: expected a time within the declared lateness, got an older one")
    return time
