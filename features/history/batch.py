"""The batch runner: feature views from a table of events and a table of cutoff times.

Most of the time goes into reading and encoding columns. That is done once for all windows and, if the events are
themselves the subjects, once for both tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fraudsieve._typing import Array
from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.features.history.kernels.ids import code_numbers, code_strings
from fraudsieve.features.history.kernels.sorting import in_order, sort_events
from fraudsieve.features.tables.limits import MAX_AMOUNT

from .declaration import History, check_histories
from .encoded import CutoffTimes, EncodedEvents, fill_history, fill_labels
from .measures import AMOUNT_MEASURES, COUNTERPARTY_MEASURES, CURRENT_AMOUNT_MEASURES, LABEL_MEASURES

__all__ = ["SourceTable", "TableLike", "code_ids", "encode_events", "history_features"]

TableLike: TypeAlias = pa.Table | pd.DataFrame | Mapping[str, Any]

READ_IT = "Read the table with read_table."
REMOVE_ROWS = "Remove these rows, or read the table with read_table."
_MAX_ROWS = 2**31 - 2
_MAX_TIME = 2**62


@dataclass(frozen=True, eq=False)
class SourceTable:
    """A table whose columns are checked when they are read; errors name it.

    Parameters
    ----------
    name : str
        Its name.
    columns : pyarrow Table, DataFrame or mapping of str to array
        The table.
    kept : ndarray of bool, default=None
        The rows to read; None for all.
    """

    name: str
    columns: TableLike
    kept: Array | None = None

    def __getitem__(self, column: str) -> Any:
        if column not in self:
            fix = "Add the column, or remove the measures that need it."
            raise SchemaError(self.name, f"column {column!r} is missing", fix)
        cells = self.columns[column]
        if isinstance(cells, pd.Series) and isinstance(cells.dtype, pd.DatetimeTZDtype):
            cells = cells.dt.tz_convert(None)
        try:
            array = cells if isinstance(cells, pa.ChunkedArray | pa.Array) else pa.array(cells, from_pandas=True)
        except (pa.ArrowException, OverflowError):  # their messages contain cell values
            raise ColumnTypeError(self.name, f"{column!r} has values of several types", READ_IT) from None
        if isinstance(array, pa.ChunkedArray):
            # combine_chunks copies
            array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
        array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        return array if self.kept is None else array.filter(pa.array(self.kept))

    def without_repeats(self, column: str = "event_id", *, time: str | None = None) -> "SourceTable":
        """Return the table with only the first of the rows that share an id, as in a live state.

        Parameters
        ----------
        column : str, default="event_id"
            The column of ids. Rows without an id are kept, and all rows if there is no such column.
        time : str, default=None
            A column of times, if rows with the same id and another time are kept too.

        Returns
        -------
        SourceTable
        """
        if column not in self:
            return self
        ids = self.strings(column)
        is_blank = pc.equal(ids, "")
        codes, n_codes = _codes(pc.if_else(is_blank, None, ids) if pc.any(is_blank).as_py() else ids)
        if time is not None:
            times, _ = code_numbers(self.times(time).view(np.uint64))
            pairs = codes.astype(np.int64) * (len(times) + 1) + times
            codes, n_codes = code_numbers(pairs.astype(np.uint64), codes >= 0)
        if n_codes == np.count_nonzero(codes >= 0):
            return self
        newest = np.maximum.accumulate(codes)  # codes are in the order of first appearance
        return replace(self, kept=(codes < 0) | (codes > np.concatenate([[-1], newest[:-1]])))

    def strings(self, column: str) -> Any:
        """Return a column as strings, also if pandas stored whole numbers with gaps as floats."""
        array = self[column]
        if pa.types.is_floating(array.type):
            whole = array.cast(pa.int64(), safe=False)
            if not pc.all(pc.equal(whole.cast(pa.float64()), array), min_count=0).as_py():
                raise self._wrong_type(column, "strings or whole numbers", array)
            return whole.cast(pa.string())
        return self.ids(column)

    def ids(self, column: str) -> Any:
        """Return ids as strings; whole numbers are converted."""
        array = self[column]
        if pa.types.is_integer(array.type) or pa.types.is_null(array.type):
            array = array.cast(pa.string())
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            raise self._wrong_type(column, "strings or whole numbers", array)
        return array

    def _wrong_type(self, column: str, expected: str, array: Any) -> ColumnTypeError:
        return ColumnTypeError(self.name, f"{column!r}: expected {expected}, got {array.type}", READ_IT)

    def __contains__(self, column: str) -> bool:
        return column in (self.columns.column_names if isinstance(self.columns, pa.Table) else list(self.columns))

    def times(self, column: str) -> Array:
        """Return times as microseconds since 1970; a time without a zone is UTC."""
        array = self[column]
        if not pa.types.is_timestamp(array.type):
            raise self._wrong_type(column, "timestamps", array)
        if array.null_count:
            raise SchemaError(self.name, f"{column!r} is missing in {array.null_count} rows", REMOVE_ROWS)
        times = np.asarray(array.cast(pa.timestamp("us"), safe=False).cast(pa.int64()))
        if times.size and not -_MAX_TIME < times.min() <= times.max() < _MAX_TIME:
            raise SchemaError(self.name, f"{column!r} has times out of range", READ_IT)
        return times

    def amounts(self, column: str) -> Array:
        """Return numbers as float64; NaN if missing."""
        array = self[column]
        numeric = pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null
        if not any(is_type(array.type) for is_type in numeric):
            raise self._wrong_type(column, "numbers", array)
        if pa.types.is_boolean(array.type):
            array = array.cast(pa.uint8())
        amounts = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        n_invalid = int((np.abs(amounts) > MAX_AMOUNT).sum())
        if n_invalid:
            problem = f"{column!r} is beyond {MAX_AMOUNT:.0e} or infinite in {n_invalid} rows"
            raise SchemaError(self.name, problem, REMOVE_ROWS)
        return np.asarray(amounts)


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
        columns that the measures need: ``amount``, the counterparty column, ``kind``. Ids are strings or whole
        numbers and are used unchanged; `read_table` strips blanks. If there is a column ``event_id``, only the first
        row of each id counts, as in `HistoryState`.
    subjects : pyarrow Table, DataFrame or mapping of str to array, default=None
        The subject columns, ``as_of`` and, if subjects have one, ``amount``, in any order. If None, every event is a
        subject with its own time as cutoff time.
    history : History or sequence of History, default=None
        The declaration of one or several feature views; None is ``History()``.
    labels : pyarrow Table, DataFrame or mapping of str to array, default=None
        Labels of events: their entity columns, ``labelled_at``, and ``is_fraud`` (1 or 0, True or False). If there is
        a column ``occurred_at``, no label counts before its event, whatever its ``labelled_at``. If there is a column
        ``event_id``, labels with the same id and time count once.

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
    event_table, subject_table = _tables(events, subjects)
    label_table = None if labels is None else SourceTable("labels", labels).without_repeats(time="labelled_at")
    n_subjects = len(subject_table["occurred_at" if subject_table is event_table else "as_of"])
    blocks = [np.full((n_subjects, len(view.columns)), np.nan) for view in views]
    for view, block in zip(views, blocks, strict=True):
        _fill_view(view, event_table, subject_table, label_table, block)
    return blocks[0] if len(blocks) == 1 else np.hstack(blocks)


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


def _fill_view(
    view: History, events: SourceTable, subjects: SourceTable, labels: SourceTable | None, out: Array
) -> None:
    fill_history(view, *_encode(view, events, subjects), out)
    if view.needs_labels:
        if labels is None:
            measures = ", ".join(name for name in view.measures if name in LABEL_MEASURES)
            raise SchemaError("labels", f"{measures} need labels of events, and none were given", "Pass labels.")
        fill_labels(view, *_encode(view, labels, subjects, are_labels=True), out)


def encode_events(
    events: TableLike, history: History, subjects: TableLike | None = None
) -> tuple[EncodedEvents, CutoffTimes]:
    """Encode and sort the columns of both tables that a declaration needs.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        As for `history_features`.
    history : History
        The declaration.
    subjects : pyarrow Table, DataFrame or mapping of str to array, default=None
        As for `history_features`.

    Returns
    -------
    events : EncodedEvents
        The events.
    cutoffs : CutoffTimes
        The cutoff times; ``rows`` are the rows of the subjects.

    Examples
    --------
    >>> events = {"account_id": [7, 5, 7], "occurred_at": np.array([30, 20, 10], "M8[s]")}
    >>> encoded, cutoffs = encode_events(events, History(measures=("count",)))
    >>> encoded.starts.tolist(), encoded.times.tolist(), cutoffs.rows.tolist()
    ([0, 2, 3], [10000000, 30000000, 20000000], [2, 0, 1])
    """
    return _encode(history, *_tables(events, subjects))


def _encode(
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
        columns = [_concatenate(ids, subjects.ids(name)) for ids, name in zip(columns, history.subjects, strict=True)]
    codes, n_entities = _codes(columns[0])
    missing = codes < 0 if columns[0].null_count else None
    for ids in columns[1:]:
        column_codes, n_column_codes = _codes(ids)
        missing = (codes < 0) | (column_codes < 0)
        keys = (codes.astype(np.int64) * n_column_codes + column_codes).astype(np.uint64)
        codes, n_entities = code_numbers(keys, ~missing)
    if missing is not None:
        codes[:n_events][missing[:n_events]] = n_entities
        codes[n_events:][missing[n_events:]] = n_entities + 1
        n_entities += 2
    return codes, n_entities


def code_ids(columns: Sequence[Any]) -> Array:
    """Encode the ids of several columns as integers, with equal codes for equal ids.

    Parameters
    ----------
    columns : sequence of pyarrow Array
        Columns of strings.

    Returns
    -------
    ndarray of int32, shape (n_rows,)
        Codes of the concatenated columns; -1 if an id is missing.

    Examples
    --------
    >>> code_ids([pa.array(["ann", "bob"]), pa.array(["bob", None])]).tolist()
    [0, 1, 1, -1]
    """
    return _codes(pa.concat_arrays([ids.cast(pa.large_string()) for ids in columns]))[0]


def _concatenate(ids: Any, other_ids: Any) -> Any:
    return pa.concat_arrays([ids.cast(pa.large_string()), other_ids.cast(pa.large_string())])


def _codes(ids: Any) -> tuple[Array, int]:
    """Encode strings as integers; -1 if missing."""
    width = np.int64 if pa.types.is_large_string(ids.type) else np.int32
    _, offsets, data = ids.buffers()
    ends = np.zeros(1, width) if not len(ids) else np.frombuffer(offsets, width)[ids.offset :][: len(ids) + 1]
    letters = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    valid = ids.is_valid().to_numpy(zero_copy_only=False) if ids.null_count else None
    return code_strings(ends, letters, valid)


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
            codes, columns["n_codes"][name] = _codes(source.ids(name))
            columns["codes"][name] = in_order(codes, order)
    if history.kinds:
        columns["kinds"] = in_order(_kind_indices(source.strings("kind"), history.kinds), order)
    return EncodedEvents(starts, times, **columns)


def _labels(source: SourceTable, _: History, starts: Array, order: Array, times: Array) -> EncodedEvents:
    return EncodedEvents(starts, times, in_order(source.amounts("is_fraud"), order))


def _kind_indices(cells: Any, kinds: tuple[str, ...]) -> Array:
    """Return the index of each event's kind among the declared kinds; -1 for another kind."""
    indices = pc.index_in(cells.cast(pa.large_string()), value_set=pa.array(kinds, pa.large_string()))
    return np.asarray(pc.fill_null(indices, -1))
