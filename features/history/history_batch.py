"""The batch runner: feature views from a table of events and a table of cutoff times.

Most of the time goes into reading and encoding columns. That is done once for all windows and, if the events are
themselves the subjects, once for both tables.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.kernels.bound import DIGEST, count_bounded, sort_ties
from fraudsieve.features.history.kernels.sorting import in_order, sort_events
from fraudsieve.features.large_matrix import release

from .columns.reader import NO_LINKS, ColumnType, read_columns
from .columns.table import Columns, ColumnTable, code_ids, combine_codes, kind_numbers
from .declaration import (
    AMOUNT_MEASURES,
    COUNTERPARTY_MEASURES,
    CURRENT_AMOUNT_MEASURES,
    EVERY_EVENT,
    LABEL_MEASURES,
    History,
    check_histories,
)
from .timeline import CutoffTimes, EncodedEvents, ViewState, fill_history, fill_labels

_MAX_ROWS = 2**31 - 2


BLOCK_NUMBERS: Final = 1 << 19
"""Numbers of a block, unless a single entity has more."""
NARROW: Final = 16
"""Columns up to which the rows are filled in where they are: copying would cost more than it saves."""
Fill: TypeAlias = Callable[[History, EncodedEvents, CutoffTimes, Array], None]


def fill_blocks(
    fill: Fill, history: History, events: EncodedEvents, cutoffs: CutoffTimes, out: Array, *, is_empty: bool = True
) -> None:
    """Compute columns of a feature view for all subjects."""
    if out.shape[1] <= NARROW and out.flags.c_contiguous:
        if is_empty:
            out[:] = np.nan
        fill(history, events, cutoffs, out)
        return
    rows, buffer = cutoffs.rows, np.empty((0, out.shape[1]))
    for first_entity, stop_entity in _entity_ranges(cutoffs.starts, max(BLOCK_NUMBERS // out.shape[1], 1)):
        first, stop = cutoffs.starts[first_entity], cutoffs.starts[stop_entity]
        block_rows = rows[first:stop]
        buffer = buffer if len(buffer) >= len(block_rows) else np.empty((len(block_rows), out.shape[1]))
        block = buffer[: len(block_rows)]
        block[:] = np.nan if is_empty else out[block_rows]
        fill(history, *_select(events, cutoffs, first_entity, stop_entity), block)
        out[block_rows] = block


def _entity_ranges(starts: Array, n_rows: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of entities with about `n_rows` rows, and at least one entity."""
    first, n_entities = 0, len(starts) - 1
    while first < n_entities and starts[first] < starts[-1]:
        stop = int(np.searchsorted(starts, starts[first] + n_rows, side="right")) - 1
        stop = min(max(stop, first + 1), n_entities)
        if starts[stop] > starts[first]:
            yield first, stop
        first = stop


def _select(
    events: EncodedEvents, cutoffs: CutoffTimes, first_entity: int, stop_entity: int
) -> tuple[EncodedEvents, CutoffTimes]:
    """Return the events and the cutoff times of a range of entities; their rows are numbered from 0."""
    entities = slice(first_entity, stop_entity + 1)
    first, stop = events.starts[first_entity], events.starts[stop_entity]
    first_row, stop_row = cutoffs.starts[first_entity], cutoffs.starts[stop_entity]
    block_events = EncodedEvents(
        events.starts[entities] - first,
        events.times[first:stop],
        events.amounts[first:stop],
        {name: codes[first:stop] for name, codes in events.codes.items()},
        events.n_codes,
        events.kinds[first:stop],
        events.firsts[first_entity:stop_entity],
        events.lasts[first_entity:stop_entity],
    )
    amounts = cutoffs.amounts[cutoffs.rows[first_row:stop_row]] if cutoffs.amounts.size else cutoffs.amounts
    rows = np.arange(stop_row - first_row, dtype=np.int32)
    return block_events, CutoffTimes(
        cutoffs.starts[entities] - first_row, cutoffs.times[first_row:stop_row], rows, amounts
    )


def history_features(
    events: Columns,
    subjects: Columns | None = None,
    history: History | Sequence[History] | None = None,
    *,
    labels: Columns | None = None,
) -> Array:
    """Compute the feature views of subjects, strictly before their cutoff times.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        The events, in any order: the entity columns, ``occurred_at`` (timestamps; UTC if without a zone), and the
        columns that the measures need: ``amount``, the counterparty column, ``kind`` (where it is missing, "event").
        All values are read as in a `HistoryState`. If there is a column ``event_id``, only the first row of each id
        counts, as there.
    subjects : pyarrow Table, DataFrame or mapping of str to array, default=None
        The subject columns, ``as_of`` and, if subjects have one, ``amount``, in any order. If None, every event is a
        subject with its own time as cutoff time.
    history : History or sequence of History, default=None
        The declaration of one or several feature views; None is ``History()``.
    labels : pyarrow Table, DataFrame or mapping of str to array, default=None
        Labels of events: their entity columns, ``labelled_at``, and ``is_fraud`` (1 or 0, True or False). If there is
        a column ``occurred_at``, no label counts before its event, whatever its ``labelled_at``. If there is a column
        ``event_id``, each label counts until the next one with its id; of those at one time, fraud counts.

    Returns
    -------
    ndarray of float64, shape (n_subjects, n_columns)
        One row per subject, in their order, and one column for each of ``history.columns``, view by view. A subject
        without an id has no history.

    Raises
    ------
    TypeError, ValueError
        If a column is missing or has the wrong type, a time is missing, or an amount is beyond 1e15.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({
    ...     "account_id": ["ann", "bob", "ann", "ann"],
    ...     "occurred_at": pd.to_datetime([f"2024-05-01 {time}" for time in ("10:00", "10:10", "10:40", "23:00")]),
    ...     "amount": [5.0, 7.0, None, 1.0],
    ... })
    >>> history = History(windows=("1h",), measures=("count", "sum", "max", "since_last"))
    >>> subjects = {"account_id": ["ann", "eve"], "as_of": pd.to_datetime(["2024-05-01 11:00"] * 2)}
    >>> history_features(events, subjects, history).tolist()
    [[2.0, 5.0, 5.0, 1200.0], [0.0, 0.0, nan, nan]]
    >>> history_features(events, history=history)[:, 0].tolist()
    [0.0, 0.0, 1.0, 0.0]
    """
    views = check_histories(History() if history is None else history)
    tables = HistoryTables.read(events, subjects, labels)
    widths = [len(view.columns) for view in views]
    out = np.empty((tables.subjects.n_rows, sum(widths)))
    fill_history_features(tables, views, np.split(out, np.cumsum(widths)[:-1], axis=1))
    return out


def count_beyond_bound(events: Columns, view: History) -> int:
    """Return how many entities have more events in a window of a view than count; windows end with an event."""
    table = ColumnTable(events, name="events")
    counted = replace(view, subject="", kinds=(), measures=("count",), max_events=EVERY_EVENT)
    encoded, cutoffs = encode(counted, table, table)
    bounds = encoded.starts, encoded.times, cutoffs.starts, cutoffs.times
    return count_bounded(*bounds, view.max_events, int(view.widths.max()))


class HistoryTables(NamedTuple):
    """The tables that `history_features` takes, with the rows that count."""

    events: ColumnTable
    subjects: ColumnTable
    labels: ColumnTable | None

    @classmethod
    def read(cls, events: Columns, subjects: Columns | None, labels: Columns | None) -> "HistoryTables":
        """Drop repeated events and labels."""
        every = ColumnTable(events, name="events")
        # Without subjects, every event is one, also a repeated one.
        subject_table = every if subjects is None else ColumnTable(subjects, name="subjects")
        label_table = None if labels is None else ColumnTable(labels, name="labels").without_repeats(are_labels=True)
        return cls(every.without_repeats(), subject_table, label_table)


def fill_history_features(tables: HistoryTables, views: Sequence[History], parts: Sequence[Array]) -> None:
    """Fill the columns of feature views, view by view, which may be the first parts of a larger matrix."""
    for view, part in zip(views, parts, strict=False):
        _fill_view(view, tables, part)
        release(part)


def _fill_view(view: History, tables: HistoryTables, out: Array) -> None:
    fill_blocks(fill_history, view, *encode(view, tables.events, tables.subjects), out)
    if "is_new" in view.measures:
        is_named = np.logical_and.reduce([tables.subjects.ids(name).is_present for name in view.subjects])
        out[~is_named, view.indices(("is_new",), "")[0]] = np.nan
    if view.needs_labels:
        if tables.labels is None:
            measures = ", ".join(name for name in view.measures if name in LABEL_MEASURES)
            raise SchemaError("labels", f"{measures} need labels of events, and none were given", "Pass labels.")
        encoded = encode(view, tables.labels, tables.subjects, are_labels=True)
        fill_blocks(fill_labels, view, *encoded, out, is_empty=False)


def encode(
    history: History, source: ColumnTable, subjects: ColumnTable, *, are_labels: bool = False
) -> tuple[EncodedEvents, CutoffTimes]:
    """Encode and sort a table of events or labels, and the table of subjects, which may be the table of events."""
    times, _ = source.times("labelled_at" if are_labels else "occurred_at")
    if are_labels and "occurred_at" in source:
        times = np.maximum(times, source.times("occurred_at")[0])  # labels do not count before their events
    cutoffs, _ = subjects.times("occurred_at" if subjects.name == "events" else "as_of")
    if max(times.size, cutoffs.size) > _MAX_ROWS:
        raise ValueError(f"Expected at most {_MAX_ROWS:,} rows per call, got more. Split the table by entity.")
    is_complete = all(source.ids(name).is_present.all() for name in history.entities)
    shares_order = source is subjects and is_complete and history.subjects == history.entities
    codes, n_entities = _entity_codes(history, source, None if shares_order else subjects)
    starts, order, sorted_times = sort_events(codes[: times.size], times, n_entities)
    cutoff_starts, rows, sorted_cutoffs = (
        (starts, order, sorted_times) if shares_order else sort_events(codes[times.size :], cutoffs, n_entities)
    )
    bounds = starts, sorted_times, cutoff_starts, sorted_cutoffs
    if count_bounded(*bounds, history.max_events, int(history.widths.max())):
        # Windows may have some of the events of a time, and lack others.
        is_large = (np.diff(starts) > history.max_events) & (np.diff(cutoff_starts) > 0)
        digests_of = partial(_digests, history, source, "labels" if are_labels else "events")
        sort_ties(starts, sorted_times, order, is_large, digests_of)
    build = _labels if are_labels else _events
    encoded = build(source, history, starts, order, sorted_times)
    needs_amounts = set(history.measures) & CURRENT_AMOUNT_MEASURES and history.amount in subjects
    amounts = subjects.amounts(history.amount)[0] if needs_amounts else np.empty(0)
    return encoded, CutoffTimes(cutoff_starts, sorted_cutoffs, rows, amounts)


def _entity_codes(history: History, source: ColumnTable, subjects: ColumnTable | None) -> tuple[Array, int]:
    """Encode the entities of events and then of subjects; a missing entity of either never matches the other."""
    columns = [[source.ids(name)] for name in history.entities]
    if subjects is not None:
        columns = [[*ids, subjects.ids(name)] for ids, name in zip(columns, history.subjects, strict=True)]
    coded = [(np.concatenate(codes), n_codes) for codes, n_codes in map(code_ids, columns)]
    codes, n_entities = coded[0]
    for others, n_others in coded[1:]:
        codes, n_entities = combine_codes(codes, others, n_others)
    missing = codes < 0
    if missing.any():
        codes[missing] = n_entities + (np.flatnonzero(missing) >= source.n_rows)
        n_entities += 2
    return codes, n_entities


def _digests(history: History, source: ColumnTable, column_type: ColumnType, rows: Array) -> Array:
    """Return the digests that order rows of one time, as a live state has them."""
    read = read_columns(source.select(rows), column_type, [ViewState(history)], NO_LINKS)
    (part,) = read.prepared(np.ones(len(rows), np.bool_)).rows
    part.pool.bound.fill_digests(part.rows)
    return part.rows[:, DIGEST]


def _check_columns(source: ColumnTable, history: History) -> None:
    """Check that the events have the columns of the declared measures, and name the measures otherwise."""
    needed_by = dict.fromkeys((history.counterparty, *history.identifiers), COUNTERPARTY_MEASURES)
    for column, measures in {history.amount: AMOUNT_MEASURES, **needed_by}.items():
        needing = [measure for measure in history.measures if measure in measures]
        if needing and column not in source:
            fix = f"Add the column, or remove what is computed from it: {', '.join(needing)}."
            raise SchemaError(source.name, f"column {column!r} is missing", fix)


def _events(source: ColumnTable, history: History, starts: Array, order: Array, times: Array) -> EncodedEvents:
    _check_columns(source, history)
    columns: dict[str, Any] = {"codes": {}, "n_codes": {}}
    if history.reads_amounts:
        columns["amounts"] = in_order(source.amounts(history.amount)[0], order)
    for name in history.counted_ids:
        columns["n_codes"][name] = source.ids(name).n_codes
        columns["codes"][name] = in_order(source.ids(name).codes, order)
    if history.kinds:
        numbers = {kind: number for number, kind in enumerate(history.kinds)}
        columns["kinds"] = in_order(kind_numbers(source, numbers), order)
    return EncodedEvents(starts, times, **columns)


def _labels(source: ColumnTable, _: History, starts: Array, order: Array, times: Array) -> EncodedEvents:
    codes = {"event_id": in_order(source.ids("event_id").codes, order)} if "event_id" in source else {}
    return EncodedEvents(starts, times, in_order(source.frauds("is_fraud")[0].astype(np.float64), order), codes)
