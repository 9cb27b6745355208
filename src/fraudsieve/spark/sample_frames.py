"""`training_sample`: labelled rows with their features, as many as one machine can train on."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_matrix import AccountMatrix, FeatureMatrix, account_matrix_of
from fraudsieve.training.data.precomputed_matrix import METADATA, MatrixDeclaration
from fraudsieve.training.data.row_sample import RowSample, select_ids
from fraudsieve.training.labels import RATE

from .bucket_features import MapChunks
from .feature_frames import feature_frame
from .history_frames import raise_problems
from .spark_columns import PREFIX, check_added_names, check_type, id_column, micros_column, of_name, words_column

ID, EARLY = f"{PREFIX}id", f"{PREFIX}early"


def training_sample(
    subjects: DataFrame,
    events: DataFrame | None,
    matrix: FeatureMatrix,
    *,
    rate: float,
    until: datetime,
    legitimate: str = "legitimate",
    seed: int = 0,
    labels: DataFrame | None = None,
    order: str | None = None,
    n_buckets: int | None = None,
) -> DataFrame:
    """Draw a sample of labelled accounts or events, and compute its features from the whole history.

    All fraud is kept, and all rows from `until` on. Of earlier legitimate rows, those whose id has a low hash are kept.
    ``fraudsieve train --sample-rate`` draws the same ids on one machine, regardless of the partitions.

    Written to Parquet, the rows are what ``fraudsieve train --features`` trains on. The calibration slice begins at
    `until`, so the calibration and test slices are never sampled. The logarithm of the rate is added to the start of
    boosting, so the model gives the log-odds of all rows (see `FraudClassifier.fit`).

    The frames are read several times, as by `feature_frame`.

    Parameters
    ----------
    subjects : DataFrame of Spark, n_subjects rows
        Accounts (``account_id``, ``as_of``) or events (``event_id``, ``account_id``, ``occurred_at``) with ``label``,
        ``labelled_at`` if labels take time, and your own columns that the matrix uses. Rows without a label are left
        out.
    events : DataFrame of Spark or None
        All events, as for `feature_frame`: the history of the rows, not a sample.
    matrix : AccountMatrix
        The declaration of the features, as for `feature_frame`. It is written into the model folder.
    rate : float
        The share of the legitimate rows that is kept, above 0 and at most 1.
    until : datetime
        From this time on, all rows are kept; a naive time is UTC. Leave enough rows for calibration and test, which
        are about a third of all by default (``test_share`` and ``calibration_share`` of the split).
    legitimate : str, default="legitimate"
        The label of legitimate rows.
    seed : int, default=0
        The key of the hash.
    labels : DataFrame of Spark, default=None
        Labels of events, as for `feature_frame`.
    order : str, default=None
        As for `feature_frame`.
    n_buckets : int, default=None
        As for `feature_frame`.

    Returns
    -------
    DataFrame of Spark, n_sample rows
        The columns of the subjects, ``sampling_rate``, and the features. The declaration of the features and of the
        sample is in the metadata of the first feature column, which Spark writes to Parquet. The order of rows is
        undefined.

    Raises
    ------
    TypeError
        If `matrix` is that of messages.
    ValueError
        If the rate is not above 0 and at most 1.
    SchemaError, ColumnTypeError
        As for `feature_frame`; or if a column is missing, or a legitimate row has no id.

    Examples
    --------
    ::

        rows = training_sample(payments, events, features.matrix_, rate=0.1, until=datetime(2026, 5, 1))
        rows.write.parquet("sample.parquet")  # then: fraudsieve train --features sample.parquet
    """
    if not 0 < rate <= 1:
        raise ValueError(f"Expected a rate above 0 and at most 1, got {rate}.")
    matrix, sample = account_matrix_of(matrix), RowSample(float(rate), seed)
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until.astimezone(UTC)
    rows = _with_keys(subjects, matrix, until, legitimate)
    raise_problems(rows, "subjects", {matrix.subject.id: of_name(EARLY) & of_name(ID).isNull()})
    schema = T.StructType([*subjects.schema.fields, T.StructField(RATE, T.DoubleType())])
    drawn = rows.mapInArrow(MapChunks(SelectRows(sample, tuple(subjects.columns))), schema)
    left_out = rows.count() - drawn.count()
    declared = MatrixDeclaration(matrix, legitimate, sample, until.isoformat(), left_out)
    features = feature_frame(drawn, events, matrix, labels=labels, order=order, n_buckets=n_buckets)
    return features.withMetadata(matrix.columns[0], {METADATA: json.dumps(declared.to_dict())})


def _with_keys(subjects: DataFrame, matrix: AccountMatrix, until: datetime, legitimate: str) -> DataFrame:
    """Return the labelled rows with their ids, and whether each is legitimate and early: only these may be left out."""
    check_added_names(subjects, "subjects", [RATE])
    is_flag = isinstance(check_type(subjects, "subjects", "label", "category"), T.BooleanType)
    if not matrix.timed:
        raise SchemaError("matrix", "the features have no times, and a sample is split by time", "Fit it with times.")
    labels = of_name("label") if is_flag else words_column(subjects, "subjects", "label")
    label = labels.cast("string")
    cutoff = micros_column(subjects, "subjects", matrix.subject.time)
    is_early = (label == F.lit(legitimate)) & (cutoff < F.lit(_micros(until)))
    ids = id_column(subjects, "subjects", matrix.subject.id)
    rows = subjects.where(label.isNotNull())
    return rows.select("*", ids.alias(ID), F.coalesce(is_early, F.lit(False)).alias(EARLY))


def _micros(time: datetime) -> int:
    return int(np.datetime64(time.replace(tzinfo=None), "us").astype(np.int64))


@dataclass(frozen=True)
class SelectRows:
    """Leave out the early legitimate rows that are not selected, and add the rate of each row."""

    sample: RowSample
    names: tuple[str, ...]

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return the selected rows."""
        is_early = rows[EARLY].to_numpy()
        is_kept = ~is_early
        is_kept[is_early] = select_ids(rows[ID].to_numpy()[is_early], self.sample)
        rates = pa.array(np.where(is_early, self.sample.rate, 1.0))
        return rows.select(list(self.names)).append_column(RATE, rates).filter(pa.array(is_kept))
