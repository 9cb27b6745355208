"""Scores of records, computed by Spark's workers, with feature views that were computed before, if any."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import types as T

from fraudsieve._typing import Array, Record
from fraudsieve.exceptions import RecordError
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.fields import model_fields
from fraudsieve.models.scoring.record_policy import apply_policy

from .feature_frames import history_block
from .shipped_model import ShippedModel

SCORE = "score"
WORDS = ("label", "decision", "status", "why")


@dataclass(frozen=True)
class ScoreRecords:
    """Append a score to each record."""

    model: ShippedModel
    # The columns of the records that are returned.
    names: tuple[str, ...]
    # The feature views whose features the rows hold: those of the model, and counts of events that say whether the
    # account has history.
    views: tuple[History, ...] = ()

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return the records and their scores."""
        scorer = self.model.load()
        fields = fields_read(scorer, self.names)
        features = rows_without_history(scorer, rows.select(fields).to_pylist() if fields else [{}] * len(rows))
        if self.views:
            features = self._with_history(scorer, features, history_block(rows, self.views))
        return rows.select(list(self.names)).append_column(SCORE, _struct(scorer, features))

    def _with_history(self, scorer: Scorer, features: FeatureRows, block: Array) -> FeatureRows:
        """Replace the columns of an empty history, where the record can be scored."""
        n_columns = len(history_columns(scorer.model.matrix.event_views))
        scorable = features.why == None  # noqa: E711 - compares every element
        features.X[scorable, :n_columns] = block[scorable, :n_columns]
        return features._replace(has_history=np.any(block[:, n_columns:] > 0, axis=1))


def fields_read(scorer: Scorer, names: Sequence[str]) -> list[str]:
    """Return those of the columns that the model reads."""
    checks = model_fields(scorer.model.matrix).checks
    return [name for name in names if name in checks]


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


def score_type(scorer: Scorer) -> T.StructType:
    """Return the type of a score: the columns of `Scorer.score_columns`."""
    numbers = ["false_positive_rate", "unlike_training", *(f"probability__{name}" for name in scorer.model.classes)]
    names = ["probability", "label", "decision", numbers[0], "status", "why", *numbers[1:]]
    return T.StructType([T.StructField(name, T.StringType() if name in WORDS else T.DoubleType()) for name in names])


def _struct(scorer: Scorer, features: FeatureRows) -> pa.StructArray:
    columns = scorer.score_rows(features.X, features.why, features.has_history)
    names = score_type(scorer).fieldNames()
    arrays = [
        pa.array(columns[name].tolist(), pa.string()) if name in WORDS else pa.array(columns[name], from_pandas=True)
        for name in names
    ]
    return pa.StructArray.from_arrays(arrays, names)
