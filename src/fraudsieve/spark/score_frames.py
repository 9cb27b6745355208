"""`score`: the scores of records on Spark."""

import atexit
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from fraudsieve._typing import Record
from fraudsieve.exceptions import RecordError, SchemaError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.network.declaration import event_counts
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.fields import apply_policy, check_unknown, model_fields
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.score_fields import score_columns

from .bucket_features import MapChunks
from .feature_frames import with_message_keys
from .history_blocks import HistoryBlocks
from .history_frames import CUTOFF, HistoryFrames, with_keys
from .spark_columns import check_added_names, is_valid_time, micros_column, of_name


@lru_cache(maxsize=4)
def load_shipped(archive: str, digest: str) -> Scorer:
    """Return the scorer of an archive among the files that Spark ships; every process checks the digest."""
    from pyspark import SparkFiles  # workers have it, and the client of Spark Connect has not

    with tempfile.TemporaryDirectory(prefix="fraudsieve-model-") as folder:
        with zipfile.ZipFile(SparkFiles.get(archive)) as packed:
            packed.extractall(folder)
        return Scorer.load(folder, digest=digest)


def ship_model(session: SparkSession, address: str | Path) -> tuple[str, Scorer]:
    """Check a model folder here, and give it to the session; executors fetch its archive before their first task."""
    folder = model_folder(address)
    scorer = Scorer.load(folder)
    place = Path(tempfile.mkdtemp(prefix="fraudsieve-spark-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)  # executors that start later fetch it too
    archive = place / f"fraudsieve-{scorer.model.digest[:16]}-{uuid.uuid4().hex[:8]}.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, file.relative_to(folder).as_posix())
    session.addArtifacts(str(archive), file=True)
    return archive.name, scorer


SCORE = "score"
TYPES = {float: T.DoubleType(), str: T.StringType()}


@dataclass(frozen=True)
class ScoreRecords:
    """Append a score to each record."""

    # The name and the digest of a model that workers can load.
    archive: str
    digest: str
    # The columns of the records that are returned.
    names: tuple[str, ...]
    # What the rows hold of the history; None for nothing.
    blocks: HistoryBlocks | None = None

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return the records and their scores."""
        scorer = load_shipped(self.archive, self.digest)
        fields = [name for name in self.names if name in model_fields(scorer.model.matrix).checks]
        features = rows_without_history(scorer, rows.select(fields).to_pylist() if fields else [{}] * len(rows))
        if self.blocks is not None:
            features = self._with_history(self.blocks, features, rows)
        return rows.select(list(self.names)).append_column(SCORE, _struct(scorer, features))

    def _with_history(self, blocks: HistoryBlocks, features: FeatureRows, rows: pa.Table) -> FeatureRows:
        """Replace the columns of an empty history, where the record can be scored."""
        scorable = features.why == None  # noqa: E711 - compares every element
        for place, block in zip(blocks.places, blocks.read(rows), strict=True):
            if block is not None:
                features.X[scorable, place : place + block.shape[1]] = block[scorable]
        return features._replace(has_history=blocks.have_events(rows)) if blocks.counts else features


def rows_without_history(scorer: Scorer, records: Sequence[Record]) -> FeatureRows:
    """Compute the feature rows of records without history; only the records that fail are unscorable."""
    matrix, reasons = scorer.model.matrix, np.full(len(records), None, object)
    records = list(records)
    if scorer.policy.changes_fields:
        fields = model_fields(matrix)
        for place, record in enumerate(records):
            try:
                records[place] = apply_policy(record, place, scorer.policy, fields)
            except RecordError as error:
                records[place], reasons[place] = {}, error.problem
    try:
        rows = matrix.rows(records, None)
    except Exception:  # which record fails is found one by one
        rows = _one_by_one(scorer, records)
    failed = np.array([reason is not None for reason in reasons], np.bool_)
    rows.X[failed] = np.nan
    rows.why[failed] = reasons[failed]
    return rows


def _one_by_one(scorer: Scorer, records: Sequence[Record]) -> FeatureRows:
    matrix = scorer.model.matrix
    rows = matrix.rows([{}] * len(records), None)
    for place, record in enumerate(records):
        try:
            one = matrix.rows([record], None)
            rows.X[place], rows.why[place] = one.X[0], one.why[0]
        except Exception as error:  # its text may hold values of the record
            rows.X[place], rows.why[place] = np.nan, f"the record cannot be read ({type(error).__name__})"
    return rows


def columns_of_scores(scorer: Scorer) -> dict[str, type]:
    """Return the columns of `Scorer.score_rows`, each with the type of its values."""
    return score_columns(scorer.model.classes, by_source=scorer.model.source_points is not None)


def _struct(scorer: Scorer, features: FeatureRows) -> pa.StructArray:
    scores, columns = scorer.score_rows(features.X, features.why, features.has_history), columns_of_scores(scorer)
    arrays = [
        pa.array(scores[name].tolist(), pa.string()) if kind is str else pa.array(scores[name], from_pandas=True)
        for name, kind in columns.items()
    ]
    return pa.StructArray.from_arrays(arrays, [*columns])


def score(
    records: DataFrame,
    model: str | Path,
    events: DataFrame | None = None,
    *,
    labels: DataFrame | None = None,
    account_labels: DataFrame | None = None,
    messages: DataFrame | None = None,
    order: str | None = None,
    n_buckets: int | None = None,
) -> DataFrame:
    """Score messages, accounts or events, equal to `Scorer` to the last bit.

    The model folder is shipped to each executor once, and each process loads it once and checks its digest. A record
    that cannot be scored has the status ``unscorable`` and the reason, as from `Scorer`; it never fails the job. Events
    that a live state rejects, for example because they have no time, do not count.

    Parameters
    ----------
    records : DataFrame of Spark, n_records rows
        The records, with the fields of `Scorer.score` as columns.
    model : str or Path
        A model folder, or an address such as ``models:/fraudsieve@champion``.
    events : DataFrame of Spark, default=None
        The events that feature views and the network are computed from, as for `feature_frame`; None to score without
        them. Records that are events count as history only if they are in this frame.
    labels, account_labels : DataFrame of Spark, default=None
        Labels of events and of accounts, for models that use them; None for no labels.
    messages : DataFrame of Spark, default=None
        Earlier messages for campaigns, as for `feature_frame`; None to score without them. The messages that are scored
        count only if they are in this frame.
    order : str, default=None
        A column of events that says which of several events with one id counts, as for `feature_frame`.
    n_buckets : int, default=None
        The number of buckets, as for `feature_frame`.

    Returns
    -------
    DataFrame of Spark, n_records rows
        The columns of the records, and ``score``: a struct of the columns of `Scorer.score_columns`, with null where
        these have NaN or None. The order of rows is undefined.

    Raises
    ------
    ArtifactError
        If the folder is not a complete model.
    SchemaError, ColumnTypeError
        If a column is missing or has another type.

    Examples
    --------
    ::

        scored = score(payments, "models:/fraudsieve@champion", events)
        scored.where("score.decision = 'flag'").select("event_id", "score.probability")
    """
    archive, scorer = ship_model(records.sparkSession, model)
    score_records = partial(ScoreRecords, archive, scorer.model.digest, tuple(records.columns))
    fields = model_fields(scorer.model.matrix)
    if fields.key not in records.columns:
        raise SchemaError("records", f"column {fields.key!r} is missing", "Add the column.")
    check_unknown(records.columns, "records", scorer.policy, fields)
    check_added_names(records, "records", [SCORE])
    of_score = columns_of_scores(scorer).items()
    score_type = T.StructType([T.StructField(name, TYPES[kind]) for name, kind in of_score])
    schema = T.StructType([*records.schema.fields, T.StructField(SCORE, score_type)])
    matrix = scorer.model.matrix
    is_read = events is not None and bool(matrix.event_views or matrix.network)
    blocks = HistoryBlocks(matrix, (), is_read, messages is not None and matrix.campaigns is not None)
    if not (blocks.with_events or blocks.with_messages):
        return records.mapInArrow(MapChunks(score_records()), schema)
    history = HistoryFrames(events, labels, account_labels, messages, timed=matrix.timed, order=order, is_lenient=True)
    rows, amounts = records, tuple[str, ...]()
    if isinstance(matrix, AccountMatrix):
        blocks, amounts = replace(blocks, counts=event_counts(matrix.histories)), matrix.custom_amounts
        rows = records.withColumn(CUTOFF, _cutoff(records, matrix))
    else:
        rows = with_message_keys(records, "records", matrix)
    rows = rows.withColumn(CUTOFF, F.when(is_valid_time(of_name(CUTOFF)), of_name(CUTOFF)))
    rows, columns = with_keys(rows, blocks.ids, amounts, is_lenient=True)
    n_records = records.count() if n_buckets is None else 0
    return blocks.append(
        rows, columns, history, score_records(blocks), schema, n_subjects=n_records, n_buckets=n_buckets
    )


def _cutoff(records: DataFrame, matrix: AccountMatrix) -> Column:
    """Return cutoff times; a record without one is unscorable."""
    if not matrix.timed:
        return F.lit(1).cast("long")
    names = [name for name in matrix.subject.times if name in records.columns]
    times = [micros_column(records, "records", name) for name in names]
    return F.coalesce(*times, F.lit(None).cast("long"))
