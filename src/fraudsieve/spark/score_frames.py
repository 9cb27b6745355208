"""`score`: the scores of records on Spark."""

from dataclasses import replace
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_matrix import CUTOFFS, AccountMatrix
from fraudsieve.features.feature_matrix import account_matrix_of
from fraudsieve.features.history_declaration import event_counts
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.fields import model_fields
from fraudsieve.models.scoring.record_policy import check_unknown

from .bucket_features import MapChunks
from .feature_frames import check_network
from .history_frames import CUTOFF, HistoryFrames, LastStep, append_views, with_keys
from .record_scores import SCORE, ScoreRecords, score_type
from .shipped_model import ShippedModel, ship_model
from .spark_columns import check_added_names, micros_column


def score(
    records: DataFrame,
    model: str | Path,
    events: DataFrame | None = None,
    *,
    labels: DataFrame | None = None,
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
        The events that a model of accounts or events computes its feature views from, as for `account_features`; None
        to score without history. Records that are events count as history only if they are in this frame.
    labels : DataFrame of Spark, default=None
        Labels of events, for models that use them.
    order : str, default=None
        A column of events that says which of several events with one id counts, as for `account_features`.
    n_buckets : int, default=None
        The number of buckets, as for `account_features`.

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
        If a column is missing or has another type; or if the model reads a history that is not computed on Spark:
        networks, the history of senders, and earlier messages.

    Examples
    --------
    ::

        scored = score(payments, "models:/fraudsieve@champion", events)
        scored.where("score.decision = 'flag'").select("event_id", "score.probability")
    """
    shipped, scorer = ship_model(records.sparkSession, model)
    fields = model_fields(scorer.model.matrix)
    if fields.key not in records.columns:
        raise SchemaError("records", f"column {fields.key!r} is missing", "Add the column.")
    check_unknown(records.columns, "records", scorer.policy, fields)
    check_added_names(records, "records", [SCORE])
    schema = T.StructType([*records.schema.fields, T.StructField(SCORE, score_type(scorer))])
    if events is not None and scorer.model.subject == "message" and scorer.model.matrix.history_parts:
        problem = "the history of senders and of earlier messages is not computed on Spark"
        raise SchemaError("events", problem, "Score without events, or on one machine with score_file.")
    if events is None or not scorer.model.matrix.event_views:
        return records.mapInArrow(MapChunks(ScoreRecords(shipped, tuple(records.columns))), schema)
    return _score_with_history(records, shipped, scorer, HistoryFrames(events, labels), schema, order, n_buckets)


def _score_with_history(
    records: DataFrame,
    shipped: ShippedModel,
    scorer: Scorer,
    history: HistoryFrames,
    schema: T.StructType,
    order: str | None,
    n_buckets: int | None,
) -> DataFrame:
    matrix = account_matrix_of(scorer.model.matrix)
    check_network(matrix)
    history = replace(history, timed=matrix.timed, order=order, is_lenient=True)
    views = (*matrix.histories, *event_counts(matrix.histories))
    rows = records.withColumn(CUTOFF, F.coalesce(_cutoff(records, matrix), F.lit(0).cast("long")))
    rows, columns = with_keys(rows, views, matrix.custom_amounts, is_lenient=True)
    last = LastStep(ScoreRecords(shipped, tuple(records.columns), views), schema)
    n_records = records.count() if n_buckets is None else 0
    return append_views(rows, history, views, columns, last, n_subjects=n_records, n_buckets=n_buckets)


def _cutoff(records: DataFrame, matrix: AccountMatrix) -> Column:
    """Return cutoff times; a record without one is unscorable."""
    if not matrix.timed:
        return F.lit(1).cast("long")
    names = [name for name in CUTOFFS[matrix.subject] if name in records.columns]
    times = [micros_column(records, "records", name) for name in names]
    return F.coalesce(*times, F.lit(None).cast("long"))
