"""The batch runner: feature views from a table of events and a table of cutoff times.

Most of the time goes into reading and encoding columns. That is done once for all windows and, if the events are
themselves the subjects, once for both tables.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.sorting import in_order, sort_events

from .declaration import ONE_KIND, History, check_histories
from .encoded import CutoffTimes, EncodedEvents, fill_history, fill_labels
from .measures import AMOUNT_MEASURES, COUNTERPARTY_MEASURES, CURRENT_AMOUNT_MEASURES, LABEL_MEASURES
from .row_blocks import fill_blocks
from .source_table import SourceTable, TableLike, code_column, join_ids

__all__ = ["HistoryTables", "encode", "fill_history_features", "history_features"]

_MAX_ROWS = 2**31 - 2


def history_features(
    events: TableLike,
    subjects: TableLike | None = None,
    history: History | Sequence[History] | None = None,
    *,
    labels: TableLike | None = None,
) -> Array:
    """Compute the feature views of subjects, strictly before their cutoff times.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        The events, in any order: the entity columns, ``occurred_at`` (timestamps; UTC if without a zone), and the
        columns that the measures need: ``amount``, the counterparty column, ``kind`` (where it is missing, "event").
        Ids are strings or whole numbers and are used unchanged; `read_table` strips blanks. If there is a column
        ``event_id``, only the first row of each id counts, as in `HistoryState`.
    subjects : pyarrow Table, DataFrame or mapping of str to array, default=None
        The subject columns, ``as_of`` and, if subjects have one, ``amount``, in any order. If None, every event is a
        subject with its own time as cutoff time.
    history : History or sequence of History, default=None
        The declaration of one or several feature views; None is ``History()``.
    labels : pyarrow Table, DataFrame or mapping of str to array, default=None
        Labels of events: their entity columns, ``labelled_at``, and ``is_fraud`` (1 or 0, True or False). If there is
        a column ``occurred_at``, no label counts before its event, whatever its ``labelled_at``. If there is a column
        ``event_id``, labels with the same id, time and ``is_fraud`` count once; contradicting ones all count.

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
    out = np.empty((tables.n_subjects, sum(len(view.columns) for view in views)))
    fill_history_features(tables, views, out)
    return out


class HistoryTables(NamedTuple):
    """The tables that `history_features` takes, with the rows that count."""

    events: SourceTable
    subjects: SourceTable
    labels: SourceTable | None
    n_subjects: int

    @classmethod
    def read(cls, events: TableLike, subjects: TableLike | None, labels: TableLike | None) -> "HistoryTables":
        """Drop repeated events and labels, and count the subjects."""
        event_table, subject_table = _tables(events, subjects)
        label_table = None if labels is None else SourceTable("labels", labels).without_repeats(are_labels=True)
        n_subjects = len(subject_table["occurred_at" if subject_table is event_table else "as_of"])
        return cls(event_table, subject_table, label_table, n_subjects)


def fill_history_features(tables: HistoryTables, views: Sequence[History], out: Array) -> None:
    """Fill the columns of feature views, view by view, which may be the first columns of a larger matrix."""
    first = 0
    for view in views:
        _fill_view(view, tables, out[:, first : first + len(view.columns)])
        first += len(view.columns)


def _tables(events: TableLike, subjects: TableLike | None) -> tuple[SourceTable, SourceTable]:
    """Return the events that count, and the subjects; without subjects, every event is one, also a repeated one."""
    every = SourceTable("events", events)
    counting = every.without_repeats()
    if subjects is not None:
        return counting, SourceTable("subjects", subjects)
    if counting is every:
        return every, every
    names = events.column_names if isinstance(events, pa.Table) else list(events)
    return counting, SourceTable("subjects", {name: events[name] for name in names} | {"as_of": every["occurred_at"]})


def _fill_view(view: History, tables: HistoryTables, out: Array) -> None:
    fill_blocks(fill_history, view, *encode(view, tables.events, tables.subjects), out)
    if view.needs_labels:
        if tables.labels is None:
            measures = ", ".join(name for name in view.measures if name in LABEL_MEASURES)
            raise SchemaError("labels", f"{measures} need labels of events, and none were given", "Pass labels.")
        encoded = encode(view, tables.labels, tables.subjects, are_labels=True)
        fill_blocks(fill_labels, view, *encoded, out, is_empty=False)


def encode(
    history: History, source: SourceTable, subjects: SourceTable, *, are_labels: bool = False
) -> tuple[EncodedEvents, CutoffTimes]:
    """Encode and sort a table of events or labels, and the table of subjects, which may be the table of events."""
    are_subjects = subjects.name == "events"
    times = source.times("labelled_at" if are_labels else "occurred_at")
    if are_labels and "occurred_at" in source:
        times = np.maximum(times, source.times("occurred_at"))  # labels do not count before their events
    has_cutoffs = are_subjects and not are_labels
    cutoffs = times if has_cutoffs else subjects.times("occurred_at" if are_subjects else "as_of")
    if max(times.size, cutoffs.size) > _MAX_ROWS:
        raise ValueError(f"Expected at most {_MAX_ROWS:,} rows per call, got more. Split the table by entity.")
    is_complete = not any(source.ids(name).null_count for name in history.entities)
    shares_order = has_cutoffs and is_complete and history.subjects == history.entities
    codes, n_entities = _entity_codes(history, source, None if shares_order else subjects)
    starts, order, sorted_times = sort_events(codes[: times.size], times, n_entities)
    build = _labels if are_labels else _events
    encoded = build(source, history, starts, order, sorted_times)
    needs_amounts = set(history.measures) & CURRENT_AMOUNT_MEASURES and history.amount in subjects
    amounts = subjects.amounts(history.amount) if needs_amounts else np.empty(0)
    if shares_order:
        return encoded, CutoffTimes(starts, sorted_times, order, amounts)
    cutoff_starts, rows, sorted_cutoffs = sort_events(codes[times.size :], cutoffs, n_entities)
    return encoded, CutoffTimes(cutoff_starts, sorted_cutoffs, rows, amounts)


def _entity_codes(history: History, source: SourceTable, subjects: SourceTable | None) -> tuple[Array, int]:
    """Encode the entities of events and then of subjects; a missing entity of either never matches the other."""
    columns = [source.ids(name) for name in history.entities]
    n_events = len(columns[0])
    if subjects is not None:
        columns = [join_ids(ids, subjects.ids(name)) for ids, name in zip(columns, history.subjects, strict=True)]
    codes, n_entities = code_column(columns[0])
    missing = codes < 0 if columns[0].null_count else None
    for ids in columns[1:]:
        column_codes, n_column_codes = code_column(ids)
        missing = (codes < 0) | (column_codes < 0)
        keys = (codes.astype(np.int64) * n_column_codes + column_codes).astype(np.uint64)
        codes, n_entities = code_numbers(keys, ~missing)
    if missing is not None:
        codes[:n_events][missing[:n_events]] = n_entities
        codes[n_events:][missing[n_events:]] = n_entities + 1
        n_entities += 2
    return codes, n_entities


def _check_columns(source: SourceTable, history: History) -> None:
    """Check that the events have the columns of the declared measures, and name the measures otherwise."""
    needed_by = dict.fromkeys((history.counterparty, *history.identifiers), COUNTERPARTY_MEASURES)
    for column, measures in {history.amount: AMOUNT_MEASURES, **needed_by}.items():
        needing = [measure for measure in history.measures if measure in measures]
        if needing and column not in source:
            fix = f"Add the column, or remove what is computed from it: {', '.join(needing)}."
            raise SchemaError(source.name, f"column {column!r} is missing", fix)


def _events(source: SourceTable, history: History, starts: Array, order: Array, times: Array) -> EncodedEvents:
    _check_columns(source, history)
    measures = set(history.measures)
    columns: dict[str, Any] = {"codes": {}, "n_codes": {}}
    if measures & set(AMOUNT_MEASURES):
        columns["amounts"] = in_order(source.amounts(history.amount), order)
    if measures & set(COUNTERPARTY_MEASURES):
        for name in (history.counterparty, *history.identifiers):
            codes, columns["n_codes"][name] = code_column(source.ids(name))
            columns["codes"][name] = in_order(codes, order)
    if history.kinds:
        columns["kinds"] = in_order(_kind_indices(source, history.kinds), order)
    return EncodedEvents(starts, times, **columns)


def _labels(source: SourceTable, _: History, starts: Array, order: Array, times: Array) -> EncodedEvents:
    return EncodedEvents(starts, times, in_order(source.amounts("is_fraud"), order))


def _kind_indices(source: SourceTable, kinds: tuple[str, ...]) -> Array:
    """Return the index of each event's kind among the declared kinds; -1 for another kind."""
    if "kind" not in source:
        return np.full(len(source["occurred_at"]), kinds.index(ONE_KIND) if ONE_KIND in kinds else -1, np.int32)
    named = pc.fill_null(source.ids("kind", "category").cast(pa.large_string()), ONE_KIND)
    indices = pc.index_in(named, value_set=pa.array(kinds, pa.large_string()))
    return np.asarray(pc.fill_null(indices, -1))
