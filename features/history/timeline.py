"""The contents of a live state: for each feature view, the events of every entity in order of time.

Needs only NumPy and Numba.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fraudsieve._microseconds import HOUR, SECOND
from fraudsieve._typing import Array, Record
from fraudsieve.features.history.kernels.bound import AMOUNT, IDS, KIND, SUBJECT, TIME, RowBound
from fraudsieve.features.history.kernels.digest_table import ABSENT
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.pool.timelines import TimelinePool
from fraudsieve.tables.values.reading import read_category, read_number

from .declaration import ONE_KIND, History
from .encoded import NO_AMOUNTS, NO_CODES, CutoffTimes, EncodedEvents, fill_history, fill_labels
from .measures import EVERY_EVENT, WITHOUT_WINDOW
from .records import entity_key, id_digest

_ONE = np.array([0, 1])
_FIRST_ROW = np.zeros(1, np.int32)
_NEVER = np.array([NEVER, NEVER])


class ViewState:
    """The live state of one feature view: the timelines of its entities, for events and for labels."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.identifiers = history.counted_ids
        self.kinds = {kind: position for position, kind in enumerate(history.kinds)}
        self.longest_window = history.lengths[history.longest] * SECOND
        # Accounts are kept without events, since a score says whether the account ever had one.
        drops = history.entities != ("account_id",) and not set(history.measures) & set(WITHOUT_WINDOW)
        self.drops_entities = drops
        # Labels can be taken back, also those of messages, which are events. They are ordered by what they label.
        bound, kept = RowBound.of(history.max_events, history.order_key), EVERY_EVENT
        if "held" in history.measures:
            bound = bound._replace(subject=IDS, max_kept=kept if history.entities == ("labelled",) else bound.max_kept)
        of_labels = bound._replace(subject=SUBJECT, classes=AMOUNT, max_kept=kept)
        self.events = TimelinePool(IDS + len(self.identifiers), bound, drops_entities=drops)
        self.labels = TimelinePool(IDS, of_labels, drops_entities=drops, keeps_frauds="since_fraud" in history.measures)
        # The row of an entity without history is computed once: most campaigns are new.
        self.empty_row: Array | None = None

    @property
    def pools(self) -> dict[str, TimelinePool]:
        """The timelines by name."""
        return {"events": self.events, "labels": self.labels}

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self.events.nbytes + self.labels.nbytes

    @property
    def n_rows(self) -> int:
        """Number of events and labels."""
        return self.events.n_rows + self.labels.n_rows

    def dump(self) -> dict[str, Array]:
        """Return a copy of the timelines as arrays."""
        return {f"{name}.{part}": array for name, pool in self.pools.items() for part, array in pool.dump().items()}

    def restore(self, arrays: Mapping[str, Array]) -> int:
        """Restore the timelines from the arrays of `dump`, and return the number of events and labels."""
        n_rows = 0
        for name, pool in self.pools.items():
            start = len(name) + 1
            n_rows += pool.restore({key[start:]: array for key, array in arrays.items() if key.startswith(f"{name}.")})
        return n_rows

    def row(self, event: Record, time: int, row_id: int) -> list[int]:
        """Return an event as a row to add to its timeline; the id is 0 for a label of a message."""
        ids = [signed(id_digest(event.get(name), name)) for name in self.identifiers]
        kind = read_category(event.get("kind"), "kind")
        amount = read_number(event.get(self.history.amount), self.history.amount)
        amount = amount if self.history.reads_amounts else np.nan
        return [time, signed(row_id), bits_of(amount), self.kinds.get(kind or ONE_KIND, -1), *ids]

    def sweep(self, horizon: int, n: int) -> int:
        """Drop the old events of the next n entities, and return the number of events dropped.

        No cutoff time from the horizon on needs these events.
        """
        oldest = self.oldest_needed(horizon)
        return self.events.sweep(oldest, horizon, n) + self.labels.sweep(oldest, horizon, n)

    def oldest_needed(self, horizon: int) -> int:
        """Return the time of the oldest event that a cutoff time from the horizon on needs."""
        return horizon - self.longest_window - HOUR

    def fill(self, subject: Record, cutoff: int, out: Array) -> bool:
        """Compute the columns of a subject into the first row; return whether it has history."""
        name = self.history.amount
        amounts = np.full(2, read_number(subject[name], name)) if name in subject else NO_AMOUNTS
        key = entity_key(subject, self.history.subjects)
        slot = self.events.find(key) if key is not None else ABSENT
        label_slot = self.labels.find(key) if key is not None and len(self.labels) else ABSENT
        is_empty = slot == label_slot == ABSENT
        if is_empty and self.empty_row is not None:
            out[0] = self.empty_row
            self._mark_unnamed(key, out)
            return False
        cutoffs = CutoffTimes(_ONE, np.array([cutoff]), _FIRST_ROW, amounts)
        has_history = self._fill_events(slot, cutoffs, out)
        if self.history.needs_labels:
            self._fill_labels(label_slot, cutoffs, out)
        if is_empty:
            self.empty_row = out[0].copy()
            self._mark_unnamed(key, out)
        return has_history

    def _mark_unnamed(self, key: bytes | None, out: Array) -> None:
        """An entity that the subject does not name is neither known nor new."""
        if key is None and "is_new" in self.history.measures:
            out[0, self.history.indices(("is_new",), "")[0]] = np.nan

    def _fill_events(self, slot: int, cutoffs: CutoffTimes, out: Array) -> bool:
        """Compute the columns of events; return whether the entity has history."""
        cutoff = int(cutoffs.times[0])
        events = self._encode(slot, cutoff)
        fill_history(self.history, events, cutoffs, out)
        last = int(events.times[-1] if events.times.size else events.lasts[0])
        # Only recent events count, so that it does not depend on when old ones are dropped.
        return last != NEVER and (not self.drops_entities or last >= cutoff - self.longest_window)

    def _encode(self, slot: int, cutoff: int) -> EncodedEvents:
        """Return the events that windows of an entity may have as the batch runner encodes them."""
        none = np.empty((0, self.events.width), np.int64), _NEVER
        rows, ends = none if slot == ABSENT else self.events.rows_before(slot, cutoff)
        columns = np.ascontiguousarray(rows.T)
        codes, n_codes = {}, {}
        for name, keys in zip(self.identifiers, columns[IDS:], strict=False):
            codes[name], n_codes[name] = code_numbers(keys.view(np.uint64), keys != 0)
        kinds = columns[KIND].astype(np.int32) if self.kinds else NO_CODES
        starts, amounts = np.array([0, len(rows)]), columns[AMOUNT].view(np.float64)
        return EncodedEvents(starts, columns[TIME], amounts, codes, n_codes, kinds, ends[:1], ends[1:])

    def _fill_labels(self, slot: int, cutoffs: CutoffTimes, out: Array) -> None:
        rows = np.empty((0, IDS), np.int64) if slot == ABSENT else self.labels.rows_of(slot)
        rows, n = rows[: np.searchsorted(rows[:, TIME], cutoffs.times[0])], 2 * self.history.max_events
        since_fraud = self.history.indices(("since_fraud",), "")[0]
        while True:
            columns = np.ascontiguousarray(rows[-n:].T)
            codes = {"event_id": code_numbers(columns[SUBJECT].view(np.uint64), columns[SUBJECT] != 0)[0]}
            amounts = columns[AMOUNT].view(np.float64)
            fill_labels(self.history, EncodedEvents(_ONE * amounts.size, columns[TIME], amounts, codes), cutoffs, out)
            if n >= len(rows) or since_fraud < 0 or out[0, since_fraud] == out[0, since_fraud]:
                return
            n *= 4  # windows have all that they may have, but the last fraud label may be older


class PreparedRecord(NamedTuple):
    """A record that was parsed and checked for a state, and that its `apply` does not reject."""

    time: int
    rows: list[tuple[TimelinePool, bytes, list[int]]]
    # Pairs of the network: column, account and value.
    links: list[tuple[str, int, int]]
    account_label: tuple[int, bool] | None
    # From `delivery_id`: a record whose identifier was applied before is a repeated delivery; 0 for none.
    identifier: int
    # Number of rows per view.
    n_events: int = 1
    # Whether rows and label were added before and are removed.
    is_retracted: bool = False
    # Whether it is a label, which does not move the clock of events.
    is_label: bool = False


def bits_of(number: float) -> int:
    """Return the bits of a float64 as an integer."""
    return int(np.float64(number).view(np.int64))


def signed(number: int) -> int:
    """Return the signed integer with the same 64 bits."""
    return number - (1 << 64) if number >> 63 else number
