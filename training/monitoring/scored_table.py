"""A table of records as a model in use meets it: its feature rows, its scores, and the labels that have come."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_matrix import MISSING, UNSEEN, AccountMatrix
from fraudsieve.features.tables.reader import Source, read_table
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.inputs import Inputs, read_inputs
from fraudsieve.models.batch.score import feature_rows, has_history
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.labelled import join_labels, origin_of, with_times
from fraudsieve.training.evaluation.card_precision import naive_utc
from fraudsieve.training.labels.trust import Trust

from .clusters import Clusters

__all__ = ["LEAST_ROWS", "MOMENTS", "Stream", "categories_of", "read_stream"]


LEAST_ROWS = 100
"""Of fewer rows no distribution can be told."""
MOMENTS = {"message": "sent_at", "account": "as_of", "event": "occurred_at"}
"""The column that says when a record was scored."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Scored records of some time.

    Parameters
    ----------
    records : DataFrame
        Those that could be scored, with a column ``label``, which most may not have yet.
    rows : ndarray of float64, shape (n_records, n_columns)
        Features; NaN for missing, also of categories.
    unseen : ndarray of bool, shape (n_records, n_categories)
        Which categories training did not see.
    scores : dict of str to ndarray, each of shape (n_records,)
        As from `Scorer.score_rows`.
    cold : ndarray of bool, shape (n_records,), or None
        Which have no history; None where the model looks at none.
    rejected : int
        Rows that could not be used, or not be scored.
    notes : tuple of str
        What was assumed.
    """

    records: pd.DataFrame
    rows: Array
    unseen: Array
    scores: dict[str, Array]
    cold: Array | None
    rejected: int
    notes: tuple[str, ...]

    @cached_property
    def clusters(self) -> Clusters:
        """Records of one account or sender, where that is known."""
        if "account_id" not in self.records:
            return Clusters.singles(len(self.records))
        return Clusters.of(pd.factorize(self.records["account_id"])[0])

    @property
    def labelled(self) -> Array:
        """Of which records a label has come."""
        return self.records["label"].notna().to_numpy(np.bool_)

    @property
    def labels(self) -> Array:
        """The label of every record; what is missing is no label."""
        return self.records["label"].to_numpy(object)

    def moments(self, subject: str) -> Array | None:
        """Return when each record was scored.

        Parameters
        ----------
        subject : {"message", "account", "event"}
            What a record is.

        Returns
        -------
        ndarray of datetime64, shape (n_records,), or None
            UTC; None where no record has a time.
        """
        name = MOMENTS[subject]
        known = name in self.records and self.records[name].notna().any()
        return naive_utc(self.records[name]) if known else None


def read_stream(
    scorer: Scorer,
    source: Source,
    *,
    events: Source | None = None,
    labels: Source | None = None,
    past: Source | None = None,
    trust: Trust | None = None,
) -> Stream:
    """Read a table and score it, as `score_file` does.

    Parameters
    ----------
    scorer : Scorer
        The model.
    source : path or DataFrame
        Messages, accounts or events; a column ``label`` is taken where `labels` has nothing.
    events, labels, past : path or DataFrame, default=None
        As for `score_file`; labels also say what became of the records.
    trust : Trust, default=None
        Weights of the sources of labels; None trusts all alike.

    Returns
    -------
    Stream

    Raises
    ------
    SchemaError
        When a table cannot be used, has fewer than `LEAST_ROWS` good rows, or accounts have no ``as_of``.
    """
    model = scorer.model
    timed = isinstance(model.matrix, AccountMatrix) and model.matrix.timed
    # Without their own moments all accounts would be looked at as of one: those of the reference too.
    require = (("as_of",) if timed and model.subject == "account" else ()) + (
        ("event_id",) if labels is not None and model.subject == "event" else ()
    )
    read = read_inputs(model, source, events=events, labels=labels, past=past, require=require)
    rows, why, known = feature_rows(model, read.records, events=read.events, labels=read.labels, past=read.past)
    scores = scorer.score_rows(rows, why, known)
    ok = scores["status"] != "unscorable"
    if ok.sum() < LEAST_ROWS:
        problem = f"expected {LEAST_ROWS} records that can be scored, got {int(ok.sum())}"
        raise SchemaError(origin_of(source), problem, "Take a longer time.")
    cold = _cold(model, read, known)
    coded = categories_of(model)
    unseen = rows[:, coded] == UNSEEN
    rows[:, coded] = np.where(rows[:, coded] == MISSING, np.nan, rows[:, coded])
    return Stream(
        _with_labels(read.records, labels, model.subject, trust)[ok].reset_index(drop=True),
        rows[ok],
        unseen[ok],
        {name: values[ok] for name, values in scores.items()},
        None if cold is None else cold[ok],
        len(read.rejected) + int((~ok).sum()),
        read.notes,
    )


def categories_of(model: Model) -> Array:
    """Tell which columns are codes of categories.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    ndarray of bool, shape (n_columns,)
    """
    coded = np.zeros(len(model.matrix.columns), np.bool_)
    if isinstance(model.matrix, AccountMatrix):
        coded[len(coded) - len(model.matrix.categories) :] = True
    return coded


def _cold(model: Model, read: Inputs, known: Array | None) -> Array | None:
    """Tell which records have no history: no event of the account, or of the sender, is known."""
    if isinstance(model.matrix, AccountMatrix):
        return None if known is None else ~known
    if not model.matrix.sender:
        return None
    return ~has_history(read.records, read.events, MOMENTS["message"])


def _with_labels(records: pd.DataFrame, labels: Source | None, subject: str, trust: Trust | None) -> pd.DataFrame:
    table = None if labels is None else read_table(labels, "labels")
    return join_labels(with_times(records), table, f"{subject}_id", trust)
