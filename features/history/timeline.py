"""The contents of a live state: for each feature view, the events of every entity in order of time.

Needs only NumPy and Numba.

Events encoded as arrays, and the feature views computed on them at any cutoff times.

The batch runner and the live runner both call `fill_history` and `fill_labels`. Needs only NumPy and Numba.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from fraudsieve._microseconds import HOUR, SECOND
from fraudsieve._typing import Array, Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.kernels.bound import (
    AMOUNT,
    IDS,
    KIND,
    SUBJECT,
    TIME,
    RowBound,
    count_bounded,
    fill_floors,
)
from fraudsieve.features.history.kernels.categories import (
    CODE_MEASURES,
    code_numbers,
    codes_in_windows,
    hours_in_windows,
    pairs_in_windows,
)
from fraudsieve.features.history.kernels.digest_table import ABSENT, HASH_KEY
from fraudsieve.features.history.kernels.labels import labels_in_windows
from fraudsieve.features.history.kernels.recency import (
    DERIVED,
    END_MEASURES,
    NEVER,
    fill_derived,
    fill_ends,
    fill_latest,
)
from fraudsieve.features.history.kernels.windows import (
    SPREAD_MEASURES,
    WINDOW_MEASURES,
    Bounds,
    Codes,
    spread_in_windows,
    totals_in_windows,
)
from fraudsieve.features.history.pool_timelines import TimelinePool
from fraudsieve.tables.values.moments import to_local
from fraudsieve.tables.values.reading import EXPECTED, read_category, read_is_fraud, read_number

from .declaration import (
    AMOUNT_MEASURES,
    CLOCK_MEASURES,
    COUNTERPARTY_MEASURES,
    CURRENT_AMOUNT_MEASURES,
    EVERY_EVENT,
    IDENTIFIER_MEASURES,
    LAST_AGES,
    LAST_AMOUNTS,
    LATEST_MEASURES,
    ONE_KIND,
    WITHOUT_WINDOW,
    History,
)
from .records import RecordIds, label_kind, required_time

NO_AMOUNTS = np.empty(0)
NO_CODES = np.empty(0, np.int32)
NO_FLOORS = np.empty(0, np.int64)
NO_ENDS = np.full(3, -1)


@dataclass(frozen=True, eq=False)
class EncodedEvents:
    """Events sorted by entity and time, one array per column."""

    # Shape (n_entities + 1,). Entity `e` has the events from `starts[e]` up to `starts[e + 1]`.
    starts: Array
    # Shape (n_events,). Microseconds since 1970, UTC; ascending within an entity.
    times: Array
    # Shape (n_events,). Amounts; NaN if missing.
    amounts: Array = field(default_factory=lambda: NO_AMOUNTS)
    # Shape (n_events,). Counterparties and other identifiers as codes from 0, by column; -1 if missing.
    codes: dict[str, Array] = field(default_factory=dict)
    # Number of distinct codes, by column.
    n_codes: dict[str, int] = field(default_factory=dict)
    # Shape (n_events,). Indices into the declared kinds; any other number for another kind.
    kinds: Array = field(default_factory=lambda: np.empty(0, np.int32))
    # Shape (n_entities,). Times of the first and the last event before these, which a live state dropped or left out;
    # `NEVER` without any.
    firsts: Array = field(default_factory=lambda: np.empty(0, np.int64))
    lasts: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def coded(self, name: str) -> Codes:
        """Return the codes of a column and their number; an empty array and 0 without the column."""
        return self.codes.get(name, NO_CODES), self.n_codes.get(name, 0)

    def where(self, mask: Array, floors: Array) -> tuple["EncodedEvents", Array]:
        """Return the events that a mask selects, without their kinds, and the floors among them."""
        before = np.concatenate(([0], np.cumsum(mask)))
        amounts = self.amounts[mask] if self.amounts.size else self.amounts
        codes = {name: values[mask] for name, values in self.codes.items()}
        return EncodedEvents(before[self.starts], self.times[mask], amounts, codes, self.n_codes), before[floors]


@dataclass(frozen=True, eq=False)
class CutoffTimes:
    """Cutoff times of subjects, sorted by entity and time."""

    # Shape (n_entities + 1,). As in `EncodedEvents`, for the same entities.
    starts: Array
    # Shape (n_subjects,). Microseconds since 1970, UTC; ascending within an entity.
    times: Array
    # Shape (n_subjects,). Row of the output that each cutoff time belongs to.
    rows: Array
    # Shape (n_subjects,). Amounts of the subjects, in the order of the output. If empty, the amount of the last event
    # is used.
    amounts: Array = field(default_factory=lambda: NO_AMOUNTS)


def fill_history(history: History, events: EncodedEvents, cutoffs: CutoffTimes, out: Array) -> None:
    """Compute every column of a feature view, except those of labels.

    To be `is_new` is missing, and not true, for a subject that does not name the entity: callers know.
    """
    _check_columns(history, events)
    floors = _floors(history, events, cutoffs)
    _fill_events(history, events, cutoffs, floors, "", out)
    for index, kind in enumerate(history.kinds):
        # The events of every kind are bounded together, so that a live state can drop them together.
        of_kind, floors_of_kind = events.where(events.kinds == index, floors)
        _fill_events(history, of_kind, cutoffs, floors_of_kind, kind, out)
    if "is_new" in history.measures:
        is_new, since_first = history.indices(("is_new", "since_first"), "")
        out[:, is_new] = np.isnan(out[:, since_first])
    if "held" in history.measures:
        kinds = events.kinds if history.kinds else np.zeros(events.times.size, np.int32)
        columns = np.hstack([history.indices_by_window(("held",), "", kind) for kind in (*history.kinds, "")])
        counted = kinds, events.codes[history.counterparty], columns, NO_ENDS
        labels_in_windows(_bounds(events, cutoffs, floors), history.widths, *counted, out)


def _floors(history: History, events: EncodedEvents, cutoffs: CutoffTimes) -> Array:
    bounds = events.starts, events.times, cutoffs.starts, cutoffs.times, history.max_events
    if not count_bounded(*bounds, history.lengths[history.longest] * SECOND):
        return NO_FLOORS
    floors = np.empty(cutoffs.times.size, np.int64)
    fill_floors(*bounds, floors)
    return floors


def _check_columns(history: History, events: EncodedEvents) -> None:
    # Compiled kernels do not check array bounds.
    n = events.times.size
    columns = [(f"codes of {name}", events.coded(name)[0], COUNTERPARTY_MEASURES) for name in history.counted_ids]
    if history.kinds:
        columns.append(("kinds", events.kinds, history.kinds))
    if history.reads_amounts:
        columns.append(("amounts", events.amounts, AMOUNT_MEASURES))
    for name, values, users in columns:
        if values.size != n:
            used = sorted({*history.measures, *history.kinds}.intersection(users))
            raise ValueError(f"{', '.join(used)}: expected {n} {name}, got {values.size}.")


def _fill_events(
    history: History, events: EncodedEvents, cutoffs: CutoffTimes, floors: Array, kind: str, out: Array
) -> None:
    bounds = _bounds(events, cutoffs, floors)
    measures, windows = history.measures_of(kind), (bounds, history.widths)
    amounts, counterparties, indices = events.amounts, events.coded(history.counterparty), history.indices_by_window
    # A clock is only read where a measure needs it.
    local = to_local(events.times, history.time_zone) if measures & set(CLOCK_MEASURES) else events.times
    totals_in_windows(*windows, amounts, counterparties, history.night, local, indices(WINDOW_MEASURES, "", kind), out)
    spread_in_windows(*windows, amounts, indices(SPREAD_MEASURES, "", kind), out)
    if measures & {"entropy", "new"}:  # totals_in_windows counts distinct counterparties
        codes_in_windows(*windows, *counterparties, indices(("", "entropy", "", "new"), "", kind), out)
    if measures & set(IDENTIFIER_MEASURES):
        for name in history.identifiers:
            codes_in_windows(*windows, *events.coded(name), indices(CODE_MEASURES, name, kind), out)
    if "repeats" in measures:
        columns = indices(("", "", "repeats", ""), "", kind)
        pairs_in_windows(*windows, counterparties[0], amounts, HASH_KEY, columns, out)
    if "hour_entropy" in measures:
        hours_in_windows(*windows, local, indices(("", "hour_entropy", "", ""), "", kind), out)
    if measures & set(LATEST_MEASURES) and not kind:
        latest = history.indices(LAST_AMOUNTS, ""), history.indices(("", *LAST_AGES[1:]), "")
        width = history.lengths[history.longest] * SECOND
        fill_latest(bounds, amounts, width, *latest, out)
    _fill_ends(history, events, cutoffs, bounds, kind, out)


def _bounds(events: EncodedEvents, cutoffs: CutoffTimes, floors: Array) -> Bounds:
    return events.starts, events.times, cutoffs.starts, cutoffs.times, floors, cutoffs.rows


def _fill_ends(
    history: History, events: EncodedEvents, cutoffs: CutoffTimes, bounds: Bounds, kind: str, out: Array
) -> None:
    """Fill in the columns without a window, and those computed from other columns."""
    measures, has_own_amounts = history.measures_of(kind), cutoffs.amounts.size > 0
    needs_last = bool(measures & CURRENT_AMOUNT_MEASURES) and not has_own_amounts
    last_amounts = np.empty(len(out) if needs_last else 0)
    if measures & set(END_MEASURES) or needs_last:
        # A live state drops the events of a kind after the longest window, and keeps no times for them.
        max_age = float(history.lengths[history.longest]) if kind else np.inf
        amounts, indices = events.amounts if needs_last else NO_AMOUNTS, history.indices(END_MEASURES, "", "", kind)
        ends = events.firsts, events.lasts
        fill_ends(bounds, *ends, amounts, max_age, indices, out, last_amounts)
    if measures & {*CURRENT_AMOUNT_MEASURES, "trend", "peak"}:
        amounts = cutoffs.amounts if has_own_amounts else last_amounts
        fill_derived(amounts, history.widths, history.indices_by_window(DERIVED, "", kind), out)


def fill_labels(history: History, labels: EncodedEvents, cutoffs: CutoffTimes, out: Array) -> None:
    """Compute the columns of a feature view that are measures of labels."""
    rate, weight = history.prior
    bounds, classes = _bounds(labels, cutoffs, _floors(history, labels, cutoffs)), labels.amounts.astype(np.int32)
    columns = history.indices_by_window(("", "frauds", "known"))
    ends = history.indices(("since_fraud", "since_clean", "fraud_run"), "")
    labels_in_windows(bounds, history.widths, classes, labels.coded("event_id")[0], columns, ends, out)
    for known, frauds, fraud_rate in history.indices_by_window(("known", "frauds", "fraud_rate")).tolist():
        if fraud_rate >= 0:
            out[:, fraud_rate] = (out[:, frauds] + weight * rate) / (out[:, known] + weight)


NO_KEY = bytes(16)
"""No digest of an entity."""
_NEVER = np.array([NEVER, NEVER])
_ONE, _FIRST_ROW = np.array([0, 1]), np.zeros(1, np.int32)
AT_ONCE = 64
"""Subjects that are looked up at once: the events of their windows, of which each may have thousands, are copied."""


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

    def row(self, read: RecordIds, time: int, row_id: int) -> list[int]:
        """Return an event as a row to add to its timeline; the id is 0 for a label of a message."""
        event, ids = read.record, [signed(read.digest(name)) for name in self.identifiers]
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

    def rows_of(
        self, keys: Sequence[bytes | None], amounts: Sequence[float | None], cutoffs: Array
    ) -> tuple[Array, Array]:
        """Return the columns of entities at cutoff times, and which of them have history.

        A key is None for a subject that does not name the entity. Without an amount of its own, a subject has that of
        its last event.
        """
        wanted = np.frombuffer(b"".join([key or NO_KEY for key in keys]), np.uint64).reshape(-1, 2)
        slots, label_slots = self.events.entities.find(wanted), self.labels.entities.find(wanted)
        if len(keys) == 1 and (slots[0] != ABSENT or label_slots[0] != ABSENT):  # the usual one, without masks
            own = NO_AMOUNTS if amounts[0] is None else np.array(amounts)
            return self._compute(slots, label_slots, cutoffs, own)
        rows, has_history = np.empty((len(keys), len(self.history.columns))), np.zeros(len(keys), np.bool_)
        is_empty = (slots == ABSENT) & (label_slots == ABSENT)
        if is_empty.any():
            rows[is_empty] = self._empty_row
        if "is_new" in self.history.measures:  # an entity without a name is neither known nor new
            rows[[key is None for key in keys], self.history.indices(("is_new",), "")[0]] = np.nan
        has_amount = np.array([amount is not None for amount in amounts], np.bool_)
        own = np.array([np.nan if amount is None else amount for amount in amounts], np.float64)
        for part, of_part in ((~is_empty & has_amount, own), (~is_empty & ~has_amount, NO_AMOUNTS)):
            places = np.flatnonzero(part)
            for some in (places[start : start + AT_ONCE] for start in range(0, len(places), AT_ONCE)):
                amounts_of_some = of_part[some] if of_part.size else of_part
                found = self._compute(slots[some], label_slots[some], cutoffs[some], amounts_of_some)
                rows[some], has_history[some] = found
        return rows, has_history

    @cached_property
    def _empty_row(self) -> Array:
        """The columns of an entity without events: computed once, since most campaigns are new."""
        none = np.full(1, ABSENT)
        rows, _ = self._compute(none, none, np.zeros(1, np.int64), NO_AMOUNTS)
        return np.asarray(rows[0])

    @cached_property
    def _unlabelled(self) -> Array:
        """The columns of labels of an entity without any, and NaN for the others, shape (1, n_columns)."""
        out = np.full((2, len(self.history.columns)), np.nan)
        if self.history.needs_labels:
            none = EncodedEvents(np.zeros(2, np.int64), np.empty(0, np.int64), codes={"event_id": NO_CODES})
            fill_labels(self.history, none, CutoffTimes(_ONE, np.zeros(1, np.int64), _FIRST_ROW), out)
        return out[:1]

    def _compute(self, slots: Array, label_slots: Array, times: Array, amounts: Array) -> tuple[Array, Array]:
        n = len(slots)
        # Two rows give columns the same memory layout as in a batch, so each kernel is compiled only once.
        out = np.repeat(self._unlabelled, max(n, 2), axis=0)
        events = self._encode(slots, times)
        if n == 1:
            cutoffs = CutoffTimes(_ONE, times, _FIRST_ROW, np.full(2, amounts[0]) if amounts.size else amounts)
            last = events.times[-1:] if events.times.size else events.lasts
        else:
            cutoffs = CutoffTimes(np.arange(n + 1), times, np.arange(n, dtype=np.int32), amounts)
            last, has_rows = events.lasts.copy(), events.starts[1:] > events.starts[:-1]
            last[has_rows] = events.times[events.starts[1:][has_rows] - 1]
        fill_history(self.history, events, cutoffs, out)
        if len(self.labels):
            self._fill_labels(label_slots, times, out)
        # Only recent events count, so that it does not depend on when old ones are dropped.
        has_history = (last != NEVER) & (not self.drops_entities or last >= times - self.longest_window)
        return out[:n], has_history

    def _encode(self, slots: Array, times: Array) -> EncodedEvents:
        """Return the events that windows of entities may have as the batch runner encodes them."""
        none = np.empty((0, self.events.width), np.int64), _NEVER
        found = [
            none if slot == ABSENT else self.events.rows_before(slot, time)
            for slot, time in zip(slots.tolist(), times.tolist(), strict=True)
        ]
        rows, ends = [rows for rows, _ in found], np.array([ends for _, ends in found])
        columns = np.ascontiguousarray((rows[0] if len(rows) == 1 else np.concatenate(rows)).T)
        codes, n_codes = {}, {}
        for name, keys in zip(self.identifiers, columns[IDS:], strict=False):
            codes[name], n_codes[name] = code_numbers(keys.view(np.uint64), keys != 0)
        kinds = columns[KIND].astype(np.int32) if self.kinds else NO_CODES
        amounts, (firsts, lasts) = columns[AMOUNT].view(np.float64), np.ascontiguousarray(ends.T)
        return EncodedEvents(_starts(rows), columns[TIME], amounts, codes, n_codes, kinds, firsts, lasts)

    def _fill_labels(self, slots: Array, times: Array, out: Array) -> None:
        n, all_rows = 2 * self.history.max_events, dict[int, Array]()
        for place in np.flatnonzero(slots != ABSENT).tolist():
            found = self.labels.rows_of(slots[place])
            all_rows[place] = found[: np.searchsorted(found[:, TIME], times[place])]
        since_fraud, left = self.history.indices(("since_fraud",), "")[0], list(all_rows)
        while left:
            rows = [all_rows[place][-n:] for place in left]
            columns = np.ascontiguousarray(np.concatenate(rows).T)
            codes = {"event_id": code_numbers(columns[SUBJECT].view(np.uint64), columns[SUBJECT] != 0)[0]}
            labels = EncodedEvents(_starts(rows), columns[TIME], columns[AMOUNT].view(np.float64), codes)
            cutoffs = CutoffTimes(np.arange(len(left) + 1), times[left], np.array(left, np.int32))
            fill_labels(self.history, labels, cutoffs, out)
            if since_fraud < 0:
                return
            # Windows have all that they may have, but the last fraud label may be older.
            left = [place for place in left if len(all_rows[place]) > n and np.isnan(out[place, since_fraud])]
            n *= 4


def _starts(parts: Sequence[Array]) -> Array:
    return np.array([0, *accumulate(map(len, parts))])


class PreparedRecord(NamedTuple):
    """A record that was parsed and checked for a state, and that its `apply` does not reject."""

    time: int
    rows: list[tuple[TimelinePool, bytes, list[int]]]
    # Pairs of the network: column, account and value.
    links: list[tuple[str, int, int]]
    account_label: tuple[int, bool] | None
    # From `RecordIds.delivery`: a record whose identifier was applied before is a repeated delivery; 0 for none.
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


RecordType: TypeAlias = Literal["events", "labels", "account_labels"]
Pairs: TypeAlias = Callable[[RecordIds], list[tuple[str, int, int]]]

CAMPAIGN = ("campaign", "labelled")
"""Events with one of these ids are bands of messages or of labels of messages, and do not need an account."""
TIME_FIELDS: dict[RecordType, str] = {
    "events": "occurred_at",
    "labels": "labelled_at",
    "account_labels": "labelled_at",
}
NO_ACCOUNT = f"account_id: {EXPECTED['id']}, the field is missing"


def read_record(
    record: Record, record_type: RecordType, views: Sequence[ViewState], pairs: Pairs | None
) -> PreparedRecord:
    """Read a record without checking its time."""
    time = required_time(record.get(TIME_FIELDS[record_type]), TIME_FIELDS[record_type], zone_of(views))
    if record_type == "events":
        return _read_event(record, time, views, pairs)
    if record_type == "labels":
        return _read_label(record, time, views)
    account = RecordIds(record).digest("account_id")
    is_fraud = read_is_fraud(record.get("is_fraud"), "is_fraud")
    if not account:
        raise RejectedRecordError(NO_ACCOUNT)
    return PreparedRecord(time, [], [], (account, is_fraud), 0, is_label=True)


def zone_of(views: Sequence[ViewState]) -> str:
    """Return the time zone of records for some views, which is that of the first."""
    return views[0].history.time_zone if views else "UTC"


def _read_event(event: Record, time: int, views: Sequence[ViewState], pairs: Pairs | None) -> PreparedRecord:
    read_number(event.get("amount"), "amount")  # checked for every state, so that all models accept the same events
    ids = RecordIds(event)
    sent, labelled = (ids.text(name) for name in CAMPAIGN)
    is_label, is_band = labelled is not None, (sent, labelled) != (None, None)
    if not is_band and ids.text("account_id") is None:
        raise RejectedRecordError(NO_ACCOUNT)
    keys = [(view, ids.entity(view.history.entities)) for view in views]
    identifier = ids.delivery("event")
    row_id = 0 if is_label else identifier
    rows = [(view.events, key, view.row(ids, time, row_id)) for view, key in keys if key is not None]
    # The bands of a message share its id, and all of them count.
    links = pairs(ids) if pairs else []
    return PreparedRecord(time, rows, links, None, 0 if is_band else identifier, is_label=is_label)


def _read_label(label: Record, time: int, views: Sequence[ViewState]) -> PreparedRecord:
    is_fraud = read_is_fraud(label.get("is_fraud"), "is_fraud")
    # What a live state counts of a label has no event_id, by which it would be a repeat once it is counted again.
    name = "event_id" if "event_id" in label else "subject_id"
    ids = RecordIds(label)
    row = [time, 0, bits_of(float(is_fraud)), signed(ids.digest(name))]
    keys = [(view, ids.entity(view.history.entities)) for view in views if view.history.needs_labels]
    rows = [(view.labels, key, row) for view, key in keys if key is not None]
    return PreparedRecord(time, rows, [], None, ids.delivery(label_kind(is_fraud), time), is_label=True)


def check_labelled_entity(label: Record, histories: Sequence[History]) -> None:
    """Raise RejectedRecordError if a label has no entity of a view, also if no view counts labels."""
    counting = [history.entities for history in histories if history.needs_labels]
    entities = {*counting} or {history.entities for history in histories} or {("account_id",)}
    ids = RecordIds(label)
    if not any(ids.entity(names) for names in sorted(entities)):
        fields = sorted({name for names in entities for name in names})
        raise RejectedRecordError(f"{', '.join(fields)}: expected the labelled entity, all fields are missing")


def read_bands(message: Record, views: Sequence[ViewState]) -> PreparedRecord:
    """Read a message, or its label, with the list of its bands as one record, without checking its time.

    A message counts once per id, a label of a message once per id, time and class. Its bands differ in their keys
    alone.
    """
    name = CAMPAIGN["labelled" in message]
    band = {**message, name: message[name][0]}
    first = read_record(band, "events", views, None)
    kind = read_category(message.get("kind"), "kind") or ONE_KIND
    identifier = RecordIds(message).delivery(*((label_kind(kind), first.time) if first.is_label else ("message",)))
    entities = {view.events: view.history.entities for view in views}
    bands = [{**band, name: key} for key in message[name][1:]]
    keyed = ((pool, ids.entity(entities[pool]), row) for ids in map(RecordIds, bands) for pool, _, row in first.rows)
    rows = [*first.rows, *((pool, key, row) for pool, key, row in keyed if key is not None)]
    return first._replace(rows=rows, identifier=identifier, n_events=len(message[name]))
