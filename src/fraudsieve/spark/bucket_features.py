"""Features of a bucket, computed by Spark's workers with the same kernels as one machine.

The workers write Parquet files themselves: Java would write a table of hundreds of columns cell by cell, which takes
far longer than computing it.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

from fraudsieve._typing import Array
from fraudsieve.features.history.columns.table import combine_codes
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.history.kernels.categories import code_numbers

Finish: TypeAlias = Callable[[pa.Table], pa.Table]

TIME, IS_LABEL, FRAUD, SUBJECT, KIND, EVENT_ID = "time", "is_label", "fraud", "subject", "kind", "event_id"
"""Columns of the table of events and labels; ids are named ``id_<n>`` and amounts ``amount_<n>``, as in `ViewGroup`."""
CHUNK = 8192
"""Rows that are returned to Spark at a time; they are copied meanwhile."""
FILE = "file"
"""The column of the names of the files that were written."""
SCHEMA = "org.apache.spark.sql.parquet.row.metadata"
"""The key under which Spark keeps the types of its columns in a file, for types that Parquet does not have."""
PART_ROWS = 1 << 15
"""Rows of a row group; with 300 columns they take 75 MB."""


@dataclass(frozen=True)
class WritePart:
    """Write rows to a file of its own in a folder, and return its name.

    A task may run twice. So every call writes a file with another name, and only names that are returned count.
    """

    files: FileSystem
    folder: str
    # The types of the columns, as JSON of Spark.
    schema: str

    def __call__(self, tables: Iterator[pa.Table]) -> pa.Table:
        """Write tables of one schema as row groups; nothing if none has a row."""
        filled = (table for table in tables if len(table))
        first = next(filled, None)
        if first is None:
            return pa.table({FILE: pa.array([], pa.string())})
        name = f"part-{uuid.uuid4().hex}.parquet"
        schema = first.schema.with_metadata({SCHEMA: self.schema})
        with pq.ParquetWriter(f"{self.folder}/{name}", schema, filesystem=self.files) as writer:
            for table in chain([first], filled):
                writer.write_table(table)
        return pa.table({FILE: [name]})


@dataclass(frozen=True)
class ViewGroup:
    """The feature views of one entity."""

    # Views with equal entities and subjects.
    views: tuple[History, ...]
    # Their positions among all views.
    places: tuple[int, ...]

    @property
    def entities(self) -> tuple[str, ...]:
        """The columns of an event that identify the entity."""
        return self.views[0].entities

    @property
    def subjects(self) -> tuple[str, ...]:
        """The columns of a subject that identify the entity."""
        return self.views[0].subjects

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns of events that are ids."""
        names = [*self.entities]
        for view in self.views:
            names += view.counted_ids
        return tuple(dict.fromkeys(names))

    @property
    def amounts(self) -> tuple[str, ...]:
        """The columns of events that are amounts."""
        names = [view.amount for view in self.views if view.reads_amounts]
        return tuple(dict.fromkeys(names))

    @property
    def has_kinds(self) -> bool:
        """Whether a view has columns by kind of event."""
        return any(view.kinds for view in self.views)

    @property
    def needs_labels(self) -> bool:
        """Whether a view counts labels."""
        return any(view.needs_labels for view in self.views)


def group_views(views: Sequence[History]) -> tuple[ViewGroup, ...]:
    """Return feature views by entity, in the order of the first view of each."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for place, view in enumerate(views):
        groups.setdefault((view.entities, view.subjects), []).append(place)
    return tuple(ViewGroup(tuple(views[place] for place in places), tuple(places)) for places in groups.values())


Features: TypeAlias = Callable[[pa.Table, pa.Table], Array]
"""Computes features of the subjects of a bucket from further rows."""


@dataclass(frozen=True)
class AppendFeatures:
    """Append features to the subjects of a bucket, as a column of bytes."""

    features: Features
    block: str
    # Applied to chunks of the result; None for nothing.
    finish: Finish | None = None
    # Writes the finished rows, and its result is returned; None to return the rows.
    write: WritePart | None = None

    def as_function(self) -> Callable[[pa.Table, pa.Table], pa.Table]:
        """Return a function of two tables: Spark counts the parameters of what it calls, and ``self`` too."""
        return lambda subjects, rows: self.compute(subjects, rows)

    def compute(self, subjects: pa.Table, rows: pa.Table) -> pa.Table:
        """Return the subjects of a bucket with their features."""
        features = self.features(subjects, rows)
        n_rows = CHUNK if self.write is None else PART_ROWS
        slices = _slices(_with_utc(subjects), n_rows)
        chunks = (self._finished(part, features[start : start + n_rows]) for start, part in slices)
        return pa.concat_tables(chunks) if self.write is None else self.write(chunks)

    def _finished(self, part: pa.Table, features: Array) -> pa.Table:
        part = part.append_column(self.block, block_column(features))
        return part if self.finish is None else self.finish(part)


@dataclass(frozen=True)
class BucketFeatures:
    """Compute the feature views of one entity."""

    group: ViewGroup
    # Names of what the views read of a subject, and the columns that hold it.
    subjects: Mapping[str, str]
    # The column of cutoff times, in microseconds.
    cutoff: str

    def __call__(self, subjects: pa.Table, rows: pa.Table) -> Array:
        """Return the features of the subjects of a bucket."""
        columns: dict[str, Any] = {name: subjects[column] for name, column in self.subjects.items()}
        columns["as_of"] = _times(pc.fill_null(subjects[self.cutoff], 0))  # nothing is before it
        labels = self._labels(rows) if self.group.needs_labels else None
        return history_features(self._events(rows), columns, self.group.views, labels=labels)

    def _events(self, rows: pa.Table) -> dict[str, Any]:
        events = rows.filter(pc.invert(rows[IS_LABEL])) if self.group.needs_labels else rows
        columns = {name: events[f"id_{place}"] for place, name in enumerate(self.group.ids)}
        columns |= {name: events[f"amount_{place}"] for place, name in enumerate(self.group.amounts)}
        columns |= {"kind": events[KIND]} if self.group.has_kinds else {}
        columns |= {EVENT_ID: events[EVENT_ID]} if EVENT_ID in events.column_names else {}
        return columns | {"occurred_at": _times(events[TIME])}

    def _labels(self, rows: pa.Table) -> dict[str, Any]:
        labels = rows.filter(rows[IS_LABEL])
        columns = {name: labels[f"id_{self.group.ids.index(name)}"] for name in self.group.entities}
        columns["event_id"] = labels[SUBJECT]
        return columns | {"labelled_at": _times(labels[TIME]), "is_fraud": labels[FRAUD]}


@dataclass(frozen=True)
class MapChunks:
    """Finish the rows of a frame, for ``mapInArrow``."""

    finish: Finish
    # Writes the finished rows, and its result is returned; None to return the rows.
    write: WritePart | None = None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the finished rows, or the name of the file that has them."""
        if self.write is not None:
            yield from self.write(self._finished(batches)).to_batches()
            return
        for table in self._finished(batches):
            yield from table.to_batches()

    def _finished(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
        for batch in batches:
            for _, part in _slices(_with_utc(pa.Table.from_batches([batch])), CHUNK):
                yield self.finish(part)


def _slices(table: pa.Table, n_rows: int) -> Iterator[tuple[int, pa.Table]]:
    """Yield the chunks of a table and where they start; at least one chunk."""
    for start in range(0, max(len(table), 1), n_rows):
        yield start, table.slice(start, n_rows)


def _times(column: pa.ChunkedArray) -> Array:
    """Return a column of microseconds as times, as the batch runner reads them."""
    return np.asarray(column, np.int64).view("M8[us]")


def block_column(features: Array) -> pa.Array:
    """Return rows of features as one column of bytes: Spark moves one column far faster than hundreds."""
    width = features.shape[1] * 8
    offsets = np.arange(len(features) + 1, dtype=np.int32) * np.int32(width)
    data = np.ascontiguousarray(features)
    return pa.Array.from_buffers(pa.binary(), len(features), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def read_block(column: pa.ChunkedArray, n_columns: int) -> Array:
    """Return the rows of features that a column of bytes holds."""
    parts = [np.empty((0, n_columns))]
    for part in column.chunks:
        _, offsets, data = part.buffers()
        if len(part):
            start = np.frombuffer(offsets, np.int32)[part.offset]
            parts.append(np.frombuffer(data, np.float64, len(part) * n_columns, start).reshape(-1, n_columns))
    return parts[1] if len(parts) == 2 else np.concatenate(parts)


def block_name(place: int) -> str:
    """Return the name of the column that holds the features of a step."""
    return f"__fraudsieve_block_{place}"


def history_block(rows: pa.Table, views: Sequence[History]) -> Array:
    """Return the features of views, in their order, from the columns of bytes of their groups."""
    blocks: dict[int, Any] = {}
    for number, group in enumerate(group_views(views)):
        features, start = read_block(rows[block_name(number)], len(history_columns(group.views))), 0
        for place, view in zip(group.places, group.views, strict=True):
            blocks[place] = features[:, start : start + len(view.columns)]
            start += len(view.columns)
    return np.hstack([np.empty((len(rows), 0)), *(blocks[place] for place in range(len(views)))])


def match_rows(
    subjects: pa.Table, subject_key: tuple[str, str], rows: pa.Table, key: tuple[str, str]
) -> tuple[Array, Array, int]:
    """Match rows to subjects by a name and a time in microseconds.

    Returns the number of the key of each subject, that of each row, and how many keys there are. A missing name has
    the number after the last; a missing time equals no other.
    """
    tables = (subjects, subject_key), (rows, key)
    names = pa.chunked_array([chunk for table, (name, _) in tables for chunk in table[name].chunks], pa.string())
    codes = names.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    times = np.concatenate([np.asarray(pc.fill_null(table[time], -1), np.int64) for table, (_, time) in tables])
    keys, n = combine_codes(codes, *code_numbers(times.view(np.uint64)))
    keys = np.where(keys < 0, n, keys)
    return keys[: len(subjects)], keys[len(subjects) :], n


def _with_utc(table: pa.Table) -> pa.Table:
    """Return a table whose times have the zone UTC: Spark sends them with its session's and expects this one."""
    return table.cast(pa.schema([pa.field(field.name, _in_utc(field.type)) for field in table.schema]))


def _in_utc(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_list(kind):
        return pa.list_(_in_utc(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_in_utc(kind.key_type), _in_utc(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _in_utc(field.type)) for field in kind])
    return kind
