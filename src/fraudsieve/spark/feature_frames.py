"""`account_features`: the feature matrix of accounts or events on Spark."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.fs import FileSelector, FileSystem
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_matrix import AccountMatrix, FeatureMatrix, account_matrix_of
from fraudsieve.features.account_records import cutoff_column
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.profile.dates import NEVER
from fraudsieve.features.profile.frames import custom_values

from .bucket_features import FILE, MapChunks, WritePart, group_views, read_block
from .history_frames import CUTOFF, HistoryFrames, append_views, block_name, raise_problems, with_keys
from .spark_columns import (
    PREFIX,
    REJECTED,
    amount_column,
    check_added_names,
    check_type,
    is_no_date,
    is_rejected,
    is_valid_amount,
    is_valid_time,
    micros_column,
    of_name,
    words_column,
)

CREATED = f"{PREFIX}created"
WRITTEN = T.StructType([T.StructField(FILE, T.StringType())])
WHOLE_NUMBERS: dict[Any, Any] = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
}
"""Types that hold whole numbers with gaps exactly, so that a value does not depend on the others in its chunk."""


def write_account_features(
    subjects: DataFrame,
    events: DataFrame | None,
    matrix: FeatureMatrix,
    path: str | Path,
    *,
    labels: DataFrame | None = None,
    order: str | None = None,
    n_buckets: int | None = None,
) -> None:
    """Compute the features of `account_features`, and write them to a folder of Parquet files.

    The rows are those of ``account_features(...).write.parquet(path)``. But each worker writes the rows of its bucket
    itself. Java writes hundreds of columns cell by cell, which would take longer than everything else.

    The files are written to a folder ``_temporary-...`` in `path`, and moved when all are complete. If the job fails,
    that folder is deleted.

    Parameters
    ----------
    subjects : DataFrame of Spark, n_subjects rows
        As for `account_features`. If there are no rows, no file is written.
    events : DataFrame of Spark or None
        As for `account_features`.
    matrix : AccountMatrix
        As for `account_features`.
    path : str or Path
        A folder that is empty or does not exist, and has the same name for this process and all workers: a shared
        disk, or an address that PyArrow reads, such as ``hdfs://...``, ``s3://...`` or ``gs://...``.
    labels : DataFrame of Spark, default=None
        As for `account_features`.
    order : str, default=None
        As for `account_features`.
    n_buckets : int, default=None
        As for `account_features`. There is a file for each bucket that has subjects.

    Raises
    ------
    FileExistsError
        If the folder is not empty.
    TypeError, SchemaError, ColumnTypeError
        As for `account_features`.

    Examples
    --------
    ::

        features = AccountFeatures(events_sample, network=False).fit(subjects_sample)
        write_account_features(subjects, events, features.matrix_, "features")
        rows = spark.read.parquet("features")
    """
    address = str(path) if "://" in str(path) else str(Path(path).absolute())
    files, root = FileSystem.from_uri(address)
    if files.get_file_info(FileSelector(root, allow_not_found=True)):
        raise FileExistsError(f"{path}: expected an empty or a new folder, got one with files. Write to another one.")
    folder = f"{root}/_temporary-{uuid.uuid4().hex}"
    written = feature_frame(subjects, events, matrix, labels, order, n_buckets, write_to=(files, folder))
    files.create_dir(folder)
    try:
        for part in written.collect():
            files.move(f"{folder}/{part[FILE]}", f"{root}/{part[FILE]}")
    finally:
        files.delete_dir(folder)


def account_features(
    subjects: DataFrame,
    events: DataFrame | None,
    matrix: FeatureMatrix,
    *,
    labels: DataFrame | None = None,
    order: str | None = None,
    n_buckets: int | None = None,
) -> DataFrame:
    """Compute the feature matrix of accounts or events, equal to that of `AccountFeatures` to the last bit.

    For each entity of the feature views (the account as sender, as recipient, a device, ...) events and subjects are
    shuffled once, by a hash of the entity, into buckets. A worker holds one bucket at a time, and computes its features
    with the same kernels as one machine. All events of an entity are in one bucket, so the memory of a worker is
    bounded by the bucket and by the largest entity. Entities with more events than a bucket are reported in the log,
    without their ids.

    The frames are read several times, to check and count their rows and to compute the features, and must give the same
    rows each time. If they are expensive to compute, write them to Parquet first. To write the features to Parquet, use
    `write_account_features`, which is faster.

    Parameters
    ----------
    subjects : DataFrame of Spark, n_subjects rows
        Accounts (``account_id``, ``as_of``) or events (``occurred_at``), with your own columns that the matrix uses.
        Join the profiles of accounts first.
    events : DataFrame of Spark or None
        The events, with values as in any table. If there is a column ``event_id``, one row of each id counts, which
        costs a shuffle: drop the column if no id is repeated.
    matrix : AccountMatrix
        The declaration: ``matrix_`` of a fitted `AccountFeatures`, or ``Scorer.load(folder).model.matrix``. Fit it with
        ``network=False``, on a sample that shows the columns, their categories and the span of the events.
    labels : DataFrame of Spark, default=None
        Labels of events, as for `AccountFeatures`.
    order : str, default=None
        A column of events such as an offset. Of rows with the same ``event_id``, the one with the lowest value counts;
        None for the earliest one. On one machine, the first row of the table counts. Labels that have the column are
        ordered by it too.
    n_buckets : int, default=None
        The number of buckets; None for about 1.5 million events each. It does not change the features.

    Returns
    -------
    DataFrame of Spark, n_subjects rows
        The columns of the subjects, and one of doubles for each of ``matrix.columns``. The order of rows is undefined.

    Raises
    ------
    TypeError
        If `matrix` is that of messages.
    SchemaError, ColumnTypeError
        If a column is missing, has another type, or has values that the features cannot be computed from; or if the
        matrix has network features, which are not computed on Spark.

    Examples
    --------
    ::

        features = AccountFeatures(events_sample, network=False).fit(subjects_sample)
        rows = account_features(subjects, events, features.matrix_)
        rows.where("volume__count_1d > 0").groupBy("account_id").max("value__sum_1d")
    """
    return feature_frame(subjects, events, matrix, labels, order, n_buckets)


def feature_frame(
    subjects: DataFrame,
    events: DataFrame | None,
    matrix: FeatureMatrix,
    labels: DataFrame | None,
    order: str | None,
    n_buckets: int | None,
    *,
    write_to: tuple[FileSystem, str] | None = None,
) -> DataFrame:
    """Return the frame of `account_features`, or the names of the files in a folder that workers write its rows to."""
    matrix = account_matrix_of(matrix)
    check_network(matrix)
    check_added_names(subjects, "subjects", matrix.columns)
    if matrix.histories and events is None:
        raise SchemaError("events", "the model needs events, and none were given", "Pass events.")
    views = matrix.histories
    rows, columns = with_keys(_with_times(subjects, matrix), views, matrix.custom_amounts, is_lenient=False)
    n_subjects = raise_problems(rows, "subjects", _problems(subjects, matrix, columns))
    finish = FinishFeatures(matrix, tuple(subjects.columns))
    new = [T.StructField(name, T.DoubleType()) for name in matrix.columns]
    schema = T.StructType([*subjects.schema.fields, *new])
    write = None if write_to is None else WritePart(*write_to, schema.json())
    schema = schema if write is None else WRITTEN
    if not views or events is None:
        return rows.mapInArrow(MapChunks(finish, write), schema)
    history = HistoryFrames(events, labels, matrix.timed, order)
    return append_views(
        rows, history, views, columns, finish, schema, write, n_subjects=n_subjects, n_buckets=n_buckets
    )


def check_network(matrix: AccountMatrix) -> None:
    """Raise SchemaError if a matrix has network features."""
    if matrix.network is not None:
        names = ", ".join(matrix.network.columns[:3])
        problem = f"{len(matrix.network.columns)} network features are not computed on Spark ({names}, ...)"
        fix = "Fit AccountFeatures(network=False), or compute these on one machine with network_features."
        raise SchemaError("matrix", problem, fix)


def _with_times(subjects: DataFrame, matrix: AccountMatrix) -> DataFrame:
    """Return subjects with their cutoff times and the times at which the accounts were created."""
    cutoff: Column = F.lit(1).cast("long")
    if matrix.timed:
        name = cutoff_column(subjects.columns, matrix.subject)
        if name is None:
            problem = "column 'as_of' is missing, and the model was trained with times"
            raise SchemaError("subjects", problem, "Add the column.")
        cutoff = micros_column(subjects, "subjects", name)
    has_created = "created_at" in subjects.columns
    created = micros_column(subjects, "subjects", "created_at") if has_created else F.lit(None).cast("long")
    return subjects.select("*", cutoff.alias(CUTOFF), created.alias(CREATED))


def _problems(subjects: DataFrame, matrix: AccountMatrix, columns: dict[str, str]) -> dict[str, Column]:
    """Return what is wrong with a row of subjects, by the name of the column, after a check of the types."""
    name = cutoff_column(subjects.columns, matrix.subject) or "as_of"
    problems = {name: ~is_valid_time(of_name(CUTOFF)), "created_at": of_name(CREATED) < 0}
    problems |= {name: ~is_valid_amount(of_name(columns[name])) for name in matrix.custom_amounts}
    problems |= {name: is_rejected(of_name(column)) for name, column in columns.items() if name not in problems}
    for name in matrix.custom.categories:
        problems[name] = words_column(subjects, "subjects", name) == REJECTED
    for name in matrix.custom.texts:
        check_type(subjects, "subjects", name, "text")
    for date in matrix.custom.dates:
        problems[date.name] = is_no_date(subjects, "subjects", date.name)
    for name in matrix.custom.numbers:
        problems[name] = ~is_valid_amount(amount_column(subjects, "subjects", name))
    return problems


@dataclass(frozen=True)
class FinishFeatures:
    """Turn the bytes of feature views into columns, and add the columns of the records themselves."""

    matrix: AccountMatrix
    # The columns of the subjects that are returned.
    names: tuple[str, ...]

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return the finished rows."""
        cutoffs, created = np.asarray(rows[CUTOFF], np.int64), pc.fill_null(rows[CREATED], NEVER)
        frame = rows.select(list(self.matrix.custom.names)).to_pandas(types_mapper=WHOLE_NUMBERS.get)
        own = self.matrix.custom.compute(custom_values(frame, self.matrix.custom), self.matrix.custom_cutoffs(cutoffs))
        of_records = self.matrix.record_columns(cutoffs, np.asarray(created, np.int64), own)
        features = np.hstack([history_block(rows, self.matrix.histories), of_records])
        columns = np.ascontiguousarray(features.T)
        names = [*self.names, *self.matrix.columns]
        return pa.Table.from_arrays([*(rows[name] for name in self.names), *map(pa.array, columns)], names)


def history_block(rows: pa.Table, views: tuple[History, ...]) -> Array:
    """Return the features of views, in their order, from the columns of bytes of their groups."""
    blocks: dict[int, Any] = {}
    for number, group in enumerate(group_views(views)):
        features, start = read_block(rows[block_name(number)], len(history_columns(group.views))), 0
        for place, view in zip(group.places, group.views, strict=True):
            blocks[place] = features[:, start : start + len(view.columns)]
            start += len(view.columns)
    return np.hstack([np.empty((len(rows), 0)), *(blocks[place] for place in range(len(views)))])
