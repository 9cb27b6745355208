"""Reading an input table from a file or a frame, with every cell checked.

Good rows come out in canonical types. Every other row is rejected with a reason: rows in = good + rejected.
A problem with the whole table (a missing column, an unreadable file, too few good rows) raises a `SchemaError`.
No error, note or reason holds the contents of a cell. A Parquet file can be read in chunks, in bounded memory, with the
same result as at once.

Examples
--------
>>> frame = pd.DataFrame({"message_id": [1, 2], "text": ["hello", " "], "sent_at": ["2024-05-01", None]})
>>> checked = read_table(frame, "messages")
>>> checked.good["message_id"].tolist()
['1']
>>> checked.rejected[["row", "column", "reason"]].values.tolist()
[[1, 'text', 'no text']]
>>> checked.notes
('sent_at has no time zone: taken as UTC',)
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.encoding import check_exists

from .cells import STRING, Cells, Mask
from .checks import SeenIdHashes, check, input_names, rejected_rows, require_columns
from .column_names import describe_columns, nearest_column, other_columns, rename_columns
from .conversion import convert
from .formats.files import (
    load_delimited,
    load_head,
    load_parquet,
    load_parquet_batch,
    open_parquet,
    reader_of,
    save,
    storable,
)
from .formats.loaded import LoadedTable, ReadOptions
from .schema import REPLACED, TABLES, TableSchema
from .source import InputTable, Source, as_input, local_file, origin_of
from .values.reading import Reading


def kept_columns(loaded: LoadedTable, names: Sequence[str], rejected: pd.Series, origin: str) -> pd.DataFrame:
    """Return columns of a table, by the names that it gives them, without its rejected rows."""
    frame, given = loaded.frame, list(loaded.frame.columns)
    for name in names:
        if given.count(name) != 1:
            near = nearest_column(name, map(str, given))
            hint = f" (did you mean {near!r}?)" if near is not None and near != name else ""
            problem = f"expected one column {name!r} to keep, {describe_columns(given, header=loaded.header)}{hint}"
            others = other_columns(given, header=loaded.header)
            raise SchemaError(origin, problem, "Keep columns by the names that they have in the input.", columns=others)
    is_good = np.ones(len(frame), np.bool_)
    is_good[rejected.to_numpy(np.int64)] = False
    return storable_frame(frame.loc[is_good, list(names)])


def storable_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that Parquet can hold: cells of mixed types, also those of several tables, become strings."""
    return pd.DataFrame({name: storable(frame[name]).to_pandas(integer_object_nulls=True) for name in frame})


@dataclass(frozen=True, eq=False)
class CheckedTable:
    """A table after its check: ``len(good) + len(rejected)`` is the number of input rows.

    Parameters
    ----------
    good : DataFrame
        The valid rows in canonical types, in their order, with a fresh index.
    rejected : DataFrame
        ``row`` (position in the input, from 0), ``column`` (empty if no single column is at fault), ``reason``, and the
        input columns; an input column with one of these three names becomes ``input_...``. Of several tables, the
        first column is ``table``, the name of the table with that row.
    notes : tuple of str
        Assumptions and changes, for the user.
    numbered : bool, default=False
        Whether the table had no ids, so that its rows are numbered. Such numbers do not identify rows of other tables.
    kept : DataFrame, default=None
        Columns of the valid rows as they were given, from `kept_columns`; None if none were to be kept.
    read_as : mapping of str to str, optional
        The encoding and the decimal signs that were found, as in `ReadOptions`.
    """

    good: pd.DataFrame
    rejected: pd.DataFrame
    notes: tuple[str, ...] = ()
    numbered: bool = False
    kept: pd.DataFrame | None = None
    read_as: Mapping[str, str] = field(default_factory=dict)


def read_table(
    source: "Source", table: TableSchema | str, *, require: Iterable[str] = (), keep: Sequence[str] = ()
) -> CheckedTable:
    """Read a table, and check it.

    Parameters
    ----------
    source : path, frame or InputTable
        A file, a frame, or any other source of `InputTable`.
    table : TableSchema or str
        The expected table, or its name.
    require : iterable of str, default=()
        Further columns that must exist; some of their values may be missing.
    keep : sequence of str, default=()
        Columns to return as they were given too, by the names that they have in the table.

    Returns
    -------
    CheckedTable
        Good rows, rejected rows and notes.

    Raises
    ------
    SchemaError
        If the table cannot be read, a column is missing or ambiguous, or too many rows are rejected: more than the
        ``max_rejected`` of its options, or all of them.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": [7.0, None], "label": ["spam", "spam"]})
    >>> read_table(labels, "labels").good
      subject_id label
    0          7  spam
    """
    parts = [_read(part, _table(table), _names(require), keep) for part in as_input(source).parts]
    check_ids([part.checked.good for part in parts], as_input(source).options.kinds)
    return parts[0].checked if len(parts) == 1 else _combine(parts, _table(table))


def check_ids(tables: Sequence[pd.DataFrame], kinds: Mapping[str, str]) -> None:
    """Raise SchemaError if tables that have kinds by their names use one id for events of several kinds."""
    if any(kinds.values()):
        events = pd.concat([table.reindex(columns=["event_id", "kind"]) for table in tables]).dropna().drop_duplicates()
        if repeated := int(events["event_id"].duplicated().sum()):
            problem = f"{repeated:,} values of event_id are ids of events of several kinds"
            raise SchemaError("events", problem, "Put the kind before the ids of one table, or leave its ids out.")


class _Part(NamedTuple):
    """One of several tables: its name, its rows as they were read, and the same, checked."""

    origin: str
    loaded: LoadedTable
    checked: CheckedTable


def _read(part: InputTable, table: TableSchema, require: tuple[str, ...], keep: Sequence[str]) -> _Part:
    origin = origin_of(part)
    loaded = rename_columns(part.loaded, table, part.options, origin, part.stem)
    checked = check(loaded, table, origin=origin, require=require, options=part.options)
    kept = kept_columns(part.loaded, keep, checked[1]["row"], origin) if keep else None
    return _Part(origin, loaded, CheckedTable(*checked[:3], _is_numbered(loaded, table), kept, checked[3]))


def _combine(parts: Sequence[_Part], table: TableSchema) -> CheckedTable:
    """Return the rows of all tables; those that a later table has too become rejected ones."""
    tables = [part.checked for part in parts]
    is_numbered = any(checked.numbered for checked in tables)
    good = pd.concat(_of_one_type(parts), ignore_index=True)
    if is_numbered:  # the numbers begin anew in each table, and name no row of another
        good[table.numbered] = pd.Series(range(len(good))).astype(STRING)
    keys = [] if is_numbered or not set(table.unique) <= set(good.columns) else list(table.unique)
    is_replaced = np.zeros(len(good), np.bool_)
    if keys:
        is_replaced = good.duplicated(keys, keep="last").to_numpy() & good[keys].notna().all(axis=1).to_numpy()
    masks = np.split(is_replaced, np.cumsum([len(checked.good) for checked in tables])[:-1])
    rejected = [_with_replaced(part, mask) for part, mask in zip(parts, masks, strict=True)]
    n_replaced = int(is_replaced.sum())
    notes = [note for checked in tables for note in checked.notes]
    notes += [tr("{n:,} rows are {reason}", n=n_replaced, reason=tr(REPLACED))] if n_replaced else []
    all_rejected, all_notes = pd.concat(rejected, ignore_index=True), tuple(dict.fromkeys(notes))
    good, kept = _without(good, is_replaced), _kept(tables, is_replaced)
    read_as = dict(pair for checked in tables for pair in checked.read_as.items())
    return CheckedTable(good, all_rejected, all_notes, is_numbered, kept, read_as)


def _kept(tables: Sequence[CheckedTable], is_replaced: Mask) -> pd.DataFrame | None:
    kept = [checked.kept for checked in tables if checked.kept is not None]
    return storable_frame(_without(pd.concat(kept, ignore_index=True), is_replaced)) if kept else None


def _without(rows: pd.DataFrame, is_replaced: Mask) -> pd.DataFrame:
    return rows[~is_replaced].reset_index(drop=True)


def _with_replaced(part: _Part, is_replaced: Mask) -> pd.DataFrame:
    """Return the rejected rows of one of several tables, with the name of the table."""
    rejected = part.checked.rejected
    positions = np.setdiff1d(np.arange(len(part.loaded.frame)), rejected["row"])[is_replaced]
    causes = np.full((len(positions), 2), ["", REPLACED], object)
    rows = pd.concat([rejected, rejected_rows(part.loaded.frame, positions, causes)]).sort_values("row", kind="stable")
    rows = rows.set_axis(input_names(list(rows.columns), ("table",)), axis=1)
    rows.insert(0, "table", pd.Series(part.origin, rows.index, dtype=STRING))
    return rows


def _of_one_type(parts: Sequence[_Part]) -> list[pd.DataFrame]:
    """Return the good rows; a column that has words in one table and numbers in another has words in all."""
    frames = [part.checked.good for part in parts]
    names = {str(name) for frame in frames for name in frame}
    has_words = {name for name in names if any(frame.dtypes.get(name) == STRING for frame in frames)}
    return [
        part.checked.good.assign(**{name: _words(part, name) for name in has_words.intersection(part.checked.good)})
        for part in parts
    ]


def _words(part: _Part, name: str) -> Cells:
    cells = part.checked.good[name]
    if cells.dtype == STRING:
        return cells
    as_read = part.loaded.frame[name].drop(part.checked.rejected["row"])
    converted = convert(as_read.reset_index(drop=True), "category", Reading(printed=part.loaded.printed))
    if converted.faults:
        fix = "Correct the column, or leave it out."
        raise SchemaError(part.origin, f"{name!r} has values of another type than in the other tables", fix)
    return converted.column


def check_header(source: Source, table: str, *, require: Iterable[str] = ()) -> None:
    """Raise the error of `read_table` for a missing file or column, without reading the rows.

    The columns of Parquet and text files are checked, but not of a text file that is packed or not in UTF-8.
    """
    for part in as_input(source).parts:
        if (head := _head_of(part)) is not None:
            is_text = not os.fspath(part.source).lower().endswith(".parquet")
            header = LoadedTable(head, header=is_text)
            header = rename_columns(header, TABLES[table], part.options, origin_of(part), part.stem)
            require_columns(header, TABLES[table], origin_of(part), _names(require))


def column_names(source: Source) -> tuple[str, ...]:
    """Return the names of the columns of a table as they are in it; the rows are read only where they must be."""
    names: list[str] = []
    for part in as_input(source).parts:
        head = _head_of(part)
        names += map(str, (part.loaded.frame if head is None else head).columns)
    return tuple(dict.fromkeys(names))


def _head_of(part: InputTable) -> pd.DataFrame | None:
    """Return the columns of a file, of text with its first rows; None if they are read with all rows only."""
    file, origin = local_file(part), origin_of(part)
    if file is None:
        return None
    reader = reader_of(file, origin)
    check_exists(file, origin)
    if reader is load_parquet:
        with open_parquet(file, origin) as opened:
            names = [name for name in opened.schema_arrow.names if not name.startswith("__index_level_")]
            return pd.DataFrame(columns=names, dtype=object)
    is_packed = file.name.lower().endswith((".gz", ".zip"))
    return load_head(file, part.options, origin) if reader is load_delimited and not is_packed else None


def check_table(
    frame: pd.DataFrame, table: TableSchema | str, *, origin: str = "frame", require: Iterable[str] = ()
) -> CheckedTable:
    """Check a frame against a table, however many of its rows are rejected.

    Parameters
    ----------
    frame : DataFrame
        Rows of any types; not modified.
    table : TableSchema or str
        The expected table, or its name.
    origin : str, default "frame"
        Name of the frame in errors.
    require : iterable of str, default=()
        Further columns that must exist.

    Returns
    -------
    CheckedTable
        Good rows, rejected rows and notes.

    Raises
    ------
    SchemaError
        If a column is missing or ambiguous, or every row is rejected.

    Examples
    --------
    >>> check_table(pd.DataFrame({"message_id": ["a"], "Text": ["hi"]}), "messages")
    Traceback (most recent call last):
    ...
    fraudsieve.exceptions.SchemaError: frame: column 'text' is missing from messages; ...
    """
    loaded, expected = LoadedTable(frame), _table(table)
    options = ReadOptions(max_rejected=1)
    checked = check(loaded, expected, origin=origin, require=_names(require), options=options)
    return CheckedTable(*checked[:3], numbered=_is_numbered(loaded, expected))


def _is_numbered(loaded: LoadedTable, table: TableSchema) -> bool:
    """Return whether a table that passed the check got numbers as ids."""
    return table.numbered is not None and table.numbered not in loaded.frame.columns


def write_rejected(rejected: CheckedTable | pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write rejected rows as Parquet; columns of mixed types become strings.

    Parameters
    ----------
    rejected : CheckedTable or DataFrame
        A checked table, or its rejected rows.
    path : str or path
        The file to write; an existing file is replaced.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> checked = check_table(pd.DataFrame({"message_id": [1, 2], "text": ["hi", 3]}), "messages")
    >>> pd.read_parquet(write_rejected(checked, Path(tempfile.mkdtemp(), "rejected.parquet")))
       row column                         reason  message_id text
    0    1   text  expected a string, got int           2    3
    """
    return save(rejected.rejected if isinstance(rejected, CheckedTable) else rejected, path)


def _table(table: TableSchema | str) -> TableSchema:
    if isinstance(table, TableSchema):
        return table
    if table not in TABLES:
        raise ValueError(f"Expected table as one of {', '.join(TABLES)}, got an unknown name.")
    return TABLES[table]


def _names(require: Iterable[str]) -> tuple[str, ...]:
    return (require,) if isinstance(require, str) else tuple(require)


CHUNK_ROWS: Final = 65_536
"""Maximum rows per chunk; a chunk does not cross row groups."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive rows of a file, checked."""

    # The position of its first row in the file.
    start: int
    rows: int
    # The good rows (possibly none) and the rejected ones; `row` counts from the start of the file.
    checked: CheckedTable


class ChunkReader:
    """Read a table in chunks."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        table: str,
        options: ReadOptions | None = None,
        *,
        keep: Sequence[str] = (),
    ) -> None:
        self.options, self.keep = options or ReadOptions(), keep
        self.path, self.origin, self.table = Path(path), os.fspath(path), TABLES[table]
        self.seen = SeenIdHashes()
        self.names: Mapping[str, str] = {}
        with open_parquet(self.path, self.origin) as file:
            self.n_rows = file.metadata.num_rows
        if not self.n_rows:
            raise SchemaError(self.origin, "there are no rows", f"Give {table} with at least one row.")

    def __iter__(self) -> Iterator[Chunk]:
        """Read all chunks; ids of a chunk count as duplicates in later chunks."""
        start = 0
        with open_parquet(self.path, self.origin) as file:
            for group in range(file.num_row_groups):
                for batch in _batches(file, group, self.origin):
                    if len(batch):
                        yield self._check(batch, start)
                    start += len(batch)

    def _check(self, batch: pa.Table, start: int) -> Chunk:
        as_given = load_parquet_batch(batch, self.origin)
        loaded = rename_columns(as_given, self.table, self.options, self.origin, self.path.name.partition(".")[0])
        self.names = loaded.given
        good, rejected, notes, _ = check(
            loaded, self.table, origin=self.origin, require=(), seen=self.seen, options=self.options, start=start
        )
        kept = kept_columns(as_given, self.keep, rejected["row"], self.origin) if self.keep else None
        rejected["row"] += start
        return Chunk(start, len(batch), CheckedTable(good, rejected, notes, kept=kept))


def _batches(file: pyarrow.parquet.ParquetFile, group: int, origin: str) -> Iterator[pa.Table]:
    try:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, row_groups=[group]):
            yield pa.Table.from_batches([batch])
        return
    except (OSError, ValueError, pa.ArrowException) as error:
        problem = f"row group {group} cannot be read ({type(error).__name__})"
    raise SchemaError(origin, problem, "The file may be damaged or cut short: write it again.")
