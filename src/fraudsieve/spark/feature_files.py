"""`write_account_features`: the feature matrix of accounts or events, written to Parquet by Spark's workers."""

import uuid
from pathlib import Path

from pyarrow.fs import FileSelector, FileSystem
from pyspark.sql import DataFrame

from fraudsieve.features.feature_matrix import FeatureMatrix

from .feature_frames import feature_frame
from .part_files import FILE


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
