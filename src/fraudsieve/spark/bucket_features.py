"""Features of a bucket, computed by Spark's workers with the same kernels as one machine."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fraudsieve._typing import Array
from fraudsieve.features.history.history_batch import history_features

from .part_files import PART_ROWS, WritePart
from .views import ViewGroup

Finish: TypeAlias = Callable[[pa.Table], pa.Table]

TIME, IS_LABEL, FRAUD, SUBJECT, KIND, EVENT_ID = "time", "is_label", "fraud", "subject", "kind", "event_id"
"""Columns of the table of events and labels; ids are named ``id_<n>`` and amounts ``amount_<n>``, as in `ViewGroup`."""
CHUNK = 8192
"""Rows that are returned to Spark at a time; they are copied meanwhile."""


@dataclass(frozen=True)
class BucketFeatures:
    """Append the feature views of one entity to the subjects of a bucket, as a column of bytes."""

    group: ViewGroup
    # Names of what the views read of a subject, and the columns that hold it.
    subjects: Mapping[str, str]
    # The column of cutoff times, in microseconds.
    cutoff: str
    block: str
    # Applied to chunks of the result; None for nothing.
    finish: Finish | None = None
    # Writes the finished rows, and its result is returned; None to return the rows.
    write: WritePart | None = None

    def as_function(self) -> Callable[[pa.Table, pa.Table], pa.Table]:
        """Return a function of two tables: Spark counts the parameters of what it calls, and ``self`` too."""
        return lambda subjects, rows: self.compute(subjects, rows)

    def compute(self, subjects: pa.Table, rows: pa.Table) -> pa.Table:
        """Return the subjects of a bucket with the features of their entity."""
        columns: dict[str, Any] = {name: subjects[column] for name, column in self.subjects.items()}
        columns["as_of"] = _times(subjects[self.cutoff])
        labels = self._labels(rows) if self.group.needs_labels else None
        features = history_features(self._events(rows), columns, self.group.views, labels=labels)
        n_rows = CHUNK if self.write is None else PART_ROWS
        slices = _slices(_with_utc(subjects), n_rows)
        chunks = (self._finished(part, features[start : start + n_rows]) for start, part in slices)
        return pa.concat_tables(chunks) if self.write is None else self.write(chunks)

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

    def _finished(self, part: pa.Table, features: Array) -> pa.Table:
        part = part.append_column(self.block, _block_column(features))
        return part if self.finish is None else self.finish(part)


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


def _block_column(features: Array) -> pa.Array:
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
