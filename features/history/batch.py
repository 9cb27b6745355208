"""The batch runner: a table of events and a table of moments in, the history of every row out.

Reading and coding columns is what costs; it is done once whatever the windows, and, where every event is itself the
subject, once for both tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from .measures import AT_HAND, OF_AMOUNTS, OF_COUNTERPARTIES, OF_LABELS

__all__ = ["SourceTable", "TableLike", "code_ids", "encode_events", "history_features"]

TableLike: TypeAlias = pa.Table | pd.DataFrame | Mapping[str, Any]

READ_IT = "Read the table with read_table."
_MOST_ROWS = 2**31 - 2
_FURTHEST = 2**62


@dataclass(frozen=True, eq=False)
class SourceTable:
    """A table, by its columns, and what to call it in an error.

    Parameters
    ----------
    name : str
        What an error calls it.
    columns : pyarrow Table, DataFrame or mapping of str to array
        The table.
    """

    name: str
    columns: TableLike

    def __getitem__(self, column: str) -> Any:
        if column not in self:
            raise SchemaError(self.name, f"column {column!r} is missing", "Give it, or declare nothing that needs it.")
        cells = self.columns[column]
        if isinstance(cells, pd.Series) and isinstance(cells.dtype, pd.DatetimeTZDtype):
            cells = cells.dt.tz_convert(None)
        try:
            array = cells if isinstance(cells, pa.ChunkedArray | pa.Array) else pa.array(cells, from_pandas=True)
        except (pa.ArrowException, OverflowError):  # their texts hold cells
            raise ColumnTypeError(self.name, f"{column!r} holds values of several types", READ_IT) from None
        if isinstance(array, pa.ChunkedArray):
            array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()  # which copies
        return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array

    def words(self, column: str) -> Any:
        """Return words as strings: as `ids`, and whole numbers that pandas made fractions of beside a gap."""
        array = self[column]
        if pa.types.is_floating(array.type):
            whole = array.cast(pa.int64(), safe=False)
            if not pc.all(pc.equal(whole.cast(pa.float64()), array), min_count=0).as_py():
                raise ColumnTypeError(
                    self.name, f"{column!r} holds strings or whole numbers; got {array.type}", READ_IT
                )
            return whole.cast(pa.string())
        return self.ids(column)

    def ids(self, column: str) -> Any:
        """Return ids as strings; whole numbers are spelled out."""
        array = self[column]
        if pa.types.is_integer(array.type) or pa.types.is_null(array.type):
            array = array.cast(pa.string())
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            raise ColumnTypeError(self.name, f"{column!r} holds strings or whole numbers; got {array.type}", READ_IT)
        return array

    def __contains__(self, column: str) -> bool:
        return column in (self.columns.column_names if isinstance(self.columns, pa.Table) else list(self.columns))

    def moments(self, column: str) -> Array:
        """Return microseconds since 1970; a time without a zone is taken as UTC."""
        array = self[column]
        if not pa.types.is_timestamp(array.type):
            raise ColumnTypeError(self.name, f"{column!r} holds timestamps; got {array.type}", READ_IT)
        if array.null_count:
            raise SchemaError(self.name, f"{column!r} is missing in {array.null_count} rows", "Set them aside.")
        times = np.asarray(array.cast(pa.timestamp("us"), safe=False).cast(pa.int64()))
        if times.size and not -_FURTHEST < times.min() <= times.max() < _FURTHEST:
            raise SchemaError(self.name, f"{column!r} holds times out of all range", READ_IT)
        return times

    def amounts(self, column: str = "amount") -> Array:
        """Return numbers as float64; NaN where there is none."""
        array = self[column]
        kinds = pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null
        if not any(is_kind(array.type) for is_kind in kinds):
            raise ColumnTypeError(self.name, f"{column!r} holds numbers; got {array.type}", READ_IT)
        if pa.types.is_boolean(array.type):
            array = array.cast(pa.uint8())
        amounts = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        wrong = int((np.abs(amounts) > MAX_AMOUNT).sum())
        if wrong:
            problem = f"{column!r} is beyond {MAX_AMOUNT:.0e} or infinite in {wrong} rows"
            raise SchemaError(self.name, problem, "Set them aside.")
        return np.asarray(amounts)


def history_features(
    events: TableLike,
    subjects: TableLike | None = None,
    history: History | Sequence[History] | None = None,
    *,
    labels: TableLike | None = None,
) -> Array:
    """Compute the history of every subject, strictly before its moment.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        The events, in any order: the entity columns, ``occurred_at`` (timestamps; without a zone UTC), and what the
        measures need: ``amount``, the counterparty column, ``kind``. Ids are strings or whole numbers, taken as they
        are; `read_table` takes blanks around them off, and sets aside what comes twice.
    subjects : pyarrow Table, DataFrame or mapping of str to array, default=None
        The subject columns, ``as_of`` and, where subjects have one, ``amount``, in any order. None: every event is a
        subject, as of its own time.
    history : History or sequence of History, default=None
        The declaration, of one view or of several; None stands for ``History()``.
    labels : pyarrow Table, DataFrame or mapping of str to array, default=None
        What became known of events: their entity columns, ``labelled_at``, and ``is_fraud`` (1 or 0, True or False).
        With their ``occurred_at`` no label counts before its event, whatever ``labelled_at`` says.

    Returns
    -------
    ndarray of float64, shape (n_subjects, n_columns)
        A row a subject, in their order, and a column for each of ``history.columns``, one view after the other. A
        subject without an id has no history.

    Raises
    ------
    TypeError, ValueError
        If a column is missing or of the wrong type, a time is missing, or an amount is beyond 1e15.

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
    source = SourceTable("events", events)
    asked = source if subjects is None else SourceTable("subjects", subjects)
    of_labels = None if labels is None else SourceTable("labels", labels)
    n_subjects = len(asked["occurred_at" if subjects is None else "as_of"])
    parts = [np.full((n_subjects, len(view.columns)), np.nan) for view in views]
    for view, part in zip(views, parts, strict=True):
        _fill_view(view, source, asked, of_labels, part)
    return parts[0] if len(parts) == 1 else np.hstack(parts)


def _fill_view(
    view: History, source: SourceTable, asked: SourceTable, of_labels: SourceTable | None, out: Array
) -> None:
    fill_history(view, *_coded(view, source, asked), out)
    if view.needs_labels:
        if of_labels is None:
            needed = ", ".join(name for name in view.measures if name in OF_LABELS)
            raise SchemaError("labels", f"{needed} are taken of labels of events, and there are none", "Give labels.")
        fill_labels(view, *_coded(view, of_labels, asked, of_events=False), out)


def encode_events(
    events: TableLike, history: History, subjects: TableLike | None = None
) -> tuple[EncodedEvents, CutoffTimes]:
    """Code and sort both tables, as far as a declaration needs them.

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
    log : EncodedEvents
        The events.
    moments : CutoffTimes
        The subjects, whose rows are those of their table.

    Examples
    --------
    >>> events = {"account_id": [7, 5, 7], "occurred_at": np.array([30, 20, 10], "M8[s]")}
    >>> log, moments = encode_events(events, History(measures=("count",)))
    >>> log.starts.tolist(), log.times.tolist(), moments.rows.tolist()
    ([0, 2, 3], [10000000, 30000000, 20000000], [2, 0, 1])
    """
    source = SourceTable("events", events)
    return _coded(history, source, source if subjects is None else SourceTable("subjects", subjects))


def _coded(
    history: History, source: SourceTable, asked: SourceTable, *, of_events: bool = True
) -> tuple[EncodedEvents, CutoffTimes]:
    """Code and sort a table of events, or of labels, and that of the subjects, which may be the same."""
    itself = asked.name == "events"
    times = source.moments("occurred_at" if of_events else "labelled_at")
    if not of_events and "occurred_at" in source:
        times = np.maximum(times, source.moments("occurred_at"))  # nothing is known of an event before it happens
    moments = times if itself and of_events else asked.moments("occurred_at" if itself else "as_of")
    if max(times.size, moments.size) > _MOST_ROWS:
        raise ValueError(f"A call takes at most {_MOST_ROWS:,} rows; split the table by entity.")
    whole = not any(source.ids(name).null_count for name in history.entities)
    same = itself and of_events and whole and history.subjects == history.entities
    codes, n_entities = _entity_codes(history, source, None if same else asked)
    starts, order, ordered = sort_events(codes[: times.size], times, n_entities)
    log = _log(source, history, starts, order, ordered) if of_events else _labels(source, starts, order, ordered)
    amounts = asked.amounts() if set(history.measures) & AT_HAND and "amount" in asked else np.empty(0)
    if same:
        return log, CutoffTimes(starts, ordered, order, amounts)
    asked_starts, rows, asked_times = sort_events(codes[times.size :], moments, n_entities)
    return log, CutoffTimes(asked_starts, asked_times, rows, amounts)


def _entity_codes(history: History, source: SourceTable, asked: SourceTable | None) -> tuple[Array, int]:
    """Number the entities of events and then of subjects; those without one get a number that no other row has."""
    columns = [source.ids(name) for name in history.entities]
    n_events = len(columns[0])
    if asked is not None:
        columns = [_joined(ids, asked.ids(name)) for ids, name in zip(columns, history.subjects, strict=True)]
    codes, n_entities = _codes(columns[0])
    missing = codes < 0 if columns[0].null_count else None
    for ids in columns[1:]:
        more, n_more = _codes(ids)
        lacking = (codes < 0) | (more < 0)
        keys = (codes.astype(np.int64) * n_more + more).astype(np.uint64)
        codes, n_entities = code_numbers(keys, ~lacking)
        missing = lacking
    if missing is not None:
        codes[:n_events][missing[:n_events]] = n_entities
        codes[n_events:][missing[n_events:]] = n_entities + 1
        n_entities += 2
    return codes, n_entities


def code_ids(columns: Sequence[Any]) -> Array:
    """Number the ids of several columns alike.

    Parameters
    ----------
    columns : sequence of pyarrow Array
        Strings.

    Returns
    -------
    ndarray of int32, shape (n_rows,)
        One column after the other; -1 where there is no id.

    Examples
    --------
    >>> code_ids([pa.array(["ann", "bob"]), pa.array(["bob", None])]).tolist()
    [0, 1, 1, -1]
    """
    return _codes(pa.concat_arrays([ids.cast(pa.large_string()) for ids in columns]))[0]


def _joined(ids: Any, more: Any) -> Any:
    return pa.concat_arrays([ids.cast(pa.large_string()), more.cast(pa.large_string())])


def _codes(ids: Any) -> tuple[Array, int]:
    """Number strings, -1 where there is none."""
    width = np.int64 if pa.types.is_large_string(ids.type) else np.int32
    _, offsets, data = ids.buffers()
    ends = np.zeros(1, width) if not len(ids) else np.frombuffer(offsets, width)[ids.offset :][: len(ids) + 1]
    letters = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    valid = ids.is_valid().to_numpy(zero_copy_only=False) if ids.null_count else None
    return code_strings(ends, letters, valid)


def _log(source: SourceTable, history: History, starts: Array, order: Array, times: Array) -> EncodedEvents:
    asked = set(history.measures)
    parts: dict[str, Any] = {"codes": {}, "n_codes": {}}
    if asked & set(OF_AMOUNTS):
        parts["amounts"] = in_order(source.amounts(), order)
    if asked & set(OF_COUNTERPARTIES):
        for name in (history.counterparty, *history.identifiers):
            codes, parts["n_codes"][name] = _codes(source.ids(name))
            parts["codes"][name] = in_order(codes, order)
    if history.kinds:
        parts["kinds"] = in_order(_kinds(source.words("kind"), history.kinds), order)
    return EncodedEvents(starts, times, **parts)


def _labels(source: SourceTable, starts: Array, order: Array, times: Array) -> EncodedEvents:
    return EncodedEvents(starts, times, in_order(source.amounts("is_fraud"), order))


def _kinds(cells: Any, kinds: tuple[str, ...]) -> Array:
    """Find the place of every kind among those declared; -1 for another."""
    places = pc.index_in(cells.cast(pa.large_string()), value_set=pa.array(kinds, pa.large_string()))
    return np.asarray(pc.fill_null(places, -1))
