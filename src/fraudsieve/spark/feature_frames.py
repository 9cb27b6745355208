"""`feature_frame`: the feature matrix of messages, accounts or events on Spark."""

import uuid
from dataclasses import dataclass, replace
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

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_matrix import FeatureMatrix, account_matrix_of
from fraudsieve.features.account_records import cutoff_column
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.profile.dates import NEVER, UNKNOWN
from fraudsieve.features.profile.frames import custom_values
from fraudsieve.tables.values.reading import MAX_TEXT_LENGTH

from .bucket_features import FILE, WritePart
from .campaign_frames import TEXT, message_text, text_digest
from .history_blocks import HistoryBlocks
from .history_frames import CUTOFF, HistoryFrames, raise_problems, with_keys
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


def write_feature_frame(
    subjects: DataFrame,
    events: DataFrame | None,
    matrix: FeatureMatrix,
    path: str | Path,
    *,
    labels: DataFrame | None = None,
    account_labels: DataFrame | None = None,
    messages: DataFrame | None = None,
    order: str | None = None,
    n_buckets: int | None = None,
) -> None:
    """Compute the features of `feature_frame`, and write them to a folder of Parquet files.

    The rows are those of ``feature_frame(...).write.parquet(path)``. But each worker writes the rows of its bucket
    itself. Java writes hundreds of columns cell by cell, which would take longer than everything else.

    The files are written to a folder ``_temporary-...`` in `path`, and moved when all are complete. If the job fails,
    that folder is deleted.

    Parameters
    ----------
    subjects : DataFrame of Spark, n_subjects rows
        As for `feature_frame`. If there are no rows, no file is written.
    events : DataFrame of Spark or None
        As for `feature_frame`.
    matrix : MessageMatrix or AccountMatrix
        As for `feature_frame`.
    path : str or Path
        A folder that is empty or does not exist, and has the same name for this process and all workers: a shared
        disk, or an address that PyArrow reads, such as ``hdfs://...``, ``s3://...`` or ``gs://...``.
    labels, account_labels, messages : DataFrame of Spark, default=None
        As for `feature_frame`.
    order : str, default=None
        As for `feature_frame`.
    n_buckets : int, default=None
        As for `feature_frame`. There is a file for each bucket that has subjects.

    Raises
    ------
    FileExistsError
        If the folder is not empty.
    SchemaError, ColumnTypeError
        As for `feature_frame`.

    Examples
    --------
    ::

        features = AccountFeatures(events_sample).fit(subjects_sample)
        write_feature_frame(subjects, events, features.matrix_, "features")
        rows = spark.read.parquet("features")
    """
    address = str(path) if "://" in str(path) else str(Path(path).absolute())
    files, root = FileSystem.from_uri(address)
    if files.get_file_info(FileSelector(root, allow_not_found=True)):
        raise FileExistsError(f"{path}: expected an empty or a new folder, got one with files. Write to another one.")
    folder = f"{root}/_temporary-{uuid.uuid4().hex}"
    history = HistoryFrames(events, labels, account_labels, messages, order=order)
    written = _feature_frame(subjects, matrix, history, n_buckets, write_to=(files, folder))
    files.create_dir(folder)
    try:
        for part in written.collect():
            files.move(f"{folder}/{part[FILE]}", f"{root}/{part[FILE]}")
    finally:
        files.delete_dir(folder)


def feature_frame(
    subjects: DataFrame,
    events: DataFrame | None,
    matrix: FeatureMatrix,
    *,
    labels: DataFrame | None = None,
    account_labels: DataFrame | None = None,
    messages: DataFrame | None = None,
    order: str | None = None,
    n_buckets: int | None = None,
) -> DataFrame:
    """Compute the feature matrix of messages, accounts or events, equal to that of one machine to the last bit.

    For each entity of the feature views (the account as sender, as recipient, a device, ...) events and subjects are
    shuffled once, by a hash of the entity, into buckets. A worker holds one bucket at a time, and computes its features
    with the same kernels as one machine. All events of an entity are in one bucket, so the memory of a worker is
    bounded by the bucket and by the largest entity. Entities with more events than a bucket are reported in the log,
    without their ids.

    Each band of a message is an entity too, and its columns of campaigns are the maximum over its bands. For a network,
    accounts ask their neighbours in two rounds of shuffles, and no worker holds the graph.

    The frames are read several times, to check and count their rows and to compute the features, and must give the same
    rows each time. If they are expensive to compute, write them to Parquet first. To write the features to Parquet, use
    `write_feature_frame`, which is faster.

    Parameters
    ----------
    subjects : DataFrame of Spark, n_subjects rows
        Messages (``text``, and with a history ``account_id`` and ``sent_at``), accounts (``account_id``, ``as_of``) or
        events (``occurred_at``), with your own columns that the matrix uses. Join the profiles of accounts first.
    events : DataFrame of Spark or None
        The events, with values as in any table. If there is a column ``event_id``, one row of each id counts, which
        costs a shuffle: drop the column if no id is repeated.
    matrix : MessageMatrix or AccountMatrix
        The declaration: ``matrix_`` of a fitted `MessageFeatures` or `AccountFeatures`, or
        ``Scorer.load(folder).model.matrix``. Fit it on a sample that shows the columns, their categories and the span
        of the events.
    labels : DataFrame of Spark, default=None
        Labels of events, as for `AccountFeatures`.
    account_labels : DataFrame of Spark, default=None
        Labels of accounts for the network, as for `AccountFeatures`.
    messages : DataFrame of Spark, default=None
        Earlier messages, and their labels, for campaigns: as `past` of `MessageFeatures`.
    order : str, default=None
        A column of events such as an offset. Of rows with the same ``event_id``, the one with the lowest value counts;
        None for the earliest one. On one machine, the first row of the table counts. Labels and messages that have the
        column are ordered by it too.
    n_buckets : int, default=None
        The number of buckets; None for about 1.5 million events each. It does not change the features.

    Returns
    -------
    DataFrame of Spark, n_subjects rows
        The columns of the subjects, and one of doubles for each of ``matrix.columns``. The order of rows is undefined.

    Raises
    ------
    SchemaError, ColumnTypeError
        If a column is missing, has another type, or has values that the features cannot be computed from; or if a
        frame that the matrix needs was not given.

    Examples
    --------
    ::

        features = AccountFeatures(events_sample).fit(subjects_sample)
        rows = feature_frame(subjects, events, features.matrix_)
        rows.where("volume__count_1d > 0").groupBy("account_id").max("value__sum_1d")
    """
    history = HistoryFrames(events, labels, account_labels, messages, order=order)
    return _feature_frame(subjects, matrix, history, n_buckets)


def _feature_frame(
    subjects: DataFrame,
    matrix: FeatureMatrix,
    history: HistoryFrames,
    n_buckets: int | None,
    *,
    write_to: tuple[FileSystem, str] | None = None,
) -> DataFrame:
    """Return the frame of `feature_frame`, or the names of the files in a folder that workers write its rows to."""
    check_added_names(subjects, "subjects", matrix.columns)
    blocks, amounts = HistoryBlocks(matrix), () if matrix.subject.has_text else account_matrix_of(matrix).custom_amounts
    rows, columns = with_keys(_with_times(subjects, matrix), blocks.ids, amounts, is_lenient=False)
    n_subjects = raise_problems(rows, "subjects", _problems(subjects, matrix, columns))
    finish = FinishFeatures(blocks, tuple(subjects.columns))
    new = [T.StructField(name, T.DoubleType()) for name in matrix.columns]
    schema = T.StructType([*subjects.schema.fields, *new])
    write = None if write_to is None else WritePart(*write_to, schema.json())
    schema = schema if write is None else WRITTEN
    history = replace(history, timed=matrix.timed)
    return blocks.append(rows, columns, history, finish, schema, write, n_subjects=n_subjects, n_buckets=n_buckets)


def with_message_keys(messages: DataFrame, table: str, matrix: FeatureMatrix) -> DataFrame:
    """Return messages with the times at which they were sent and the digests of their texts."""
    is_read = matrix.history_parts or (matrix.custom.dates and "sent_at" in messages.columns)
    sent = micros_column(messages, table, "sent_at") if is_read else F.lit(None).cast("long")
    digest = text_digest(message_text(messages, table))
    return messages.select("*", sent.alias(CUTOFF), digest.alias(TEXT))


def _with_times(subjects: DataFrame, matrix: FeatureMatrix) -> DataFrame:
    """Return subjects with their cutoff times and the times at which the accounts were created."""
    if matrix.subject.has_text:
        return with_message_keys(subjects, "subjects", matrix)
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


def _problems(subjects: DataFrame, matrix: FeatureMatrix, columns: dict[str, str]) -> dict[str, Column]:
    """Return what is wrong with a row of subjects, by the name of the column, after a check of the types."""
    if matrix.subject.has_text:
        text, sent = of_name("text"), of_name(CUTOFF)
        problems = {"text": text.isNull() | (F.length(text) > MAX_TEXT_LENGTH)}
        problems |= {"sent_at": sent.isNotNull() & ~is_valid_time(sent)}
    else:
        name = cutoff_column(subjects.columns, matrix.subject) or "as_of"
        problems = {name: ~is_valid_time(of_name(CUTOFF)), "created_at": of_name(CREATED) < 0}
        amounts = account_matrix_of(matrix).custom_amounts
        problems |= {name: ~is_valid_amount(of_name(columns[name])) for name in amounts}
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
    """Turn the bytes of history into columns, and add the columns of the records themselves."""

    blocks: HistoryBlocks
    # The columns of the subjects that are returned.
    names: tuple[str, ...]

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return the finished rows."""
        matrix, cutoffs = self.blocks.matrix, np.asarray(pc.fill_null(rows[CUTOFF], UNKNOWN), np.int64)
        frame = rows.select(list(matrix.custom.names)).to_pandas(types_mapper=WHOLE_NUMBERS.get)
        values, history = custom_values(frame, matrix.custom), self.blocks.read(rows)
        if isinstance(matrix, MessageMatrix):
            own = matrix.custom.compute(values, cutoffs) if matrix.custom else None
            features = matrix.compute(rows["text"].to_pylist(), *history, own)
        else:
            created = np.asarray(pc.fill_null(rows[CREATED], NEVER), np.int64)
            own = matrix.custom.compute(values, matrix.custom_cutoffs(cutoffs))
            of_records = matrix.record_columns(cutoffs, created, own)
            features = np.hstack([*(block for block in history if block is not None), of_records])
        columns = np.ascontiguousarray(features.T)
        names = [*self.names, *matrix.columns]
        return pa.Table.from_arrays([*(rows[name] for name in self.names), *map(pa.array, columns)], names)
