r"""Labels that are assumed: where a recipe says so, an old record that nobody has labelled counts as legitimate.

The assumption becomes known when the record reaches that age, and never replaces a label. It is for rows to train and
test on. Features do not use it: measures of labels count the labels that people gave, in training as in service.

How many records each labelled row stands for: the inverse of the probability with which it came to have a label.

A record that was drawn with the probability :math:`\pi_i` stands for :math:`w_i = 1 / \pi_i` records, and the sum of
:math:`w_i y_i` estimates the sum of :math:`y` over all records without bias (Horvitz and Thompson, A generalization of
sampling without replacement from a finite universe, 1952). A share, such as recall, is the quotient of two such sums
(Hajek, Comment on "An essay on the logical foundations of survey sampling", 1971; Sarndal, Swensson and Wretman, Model
assisted survey sampling, 1992, section 5.7).
"""

from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.label_trust import WEIGHT, Trust
from fraudsieve.tables.label_values import LabelReading
from fraudsieve.tables.reader import CheckedTable
from fraudsieve.tables.values.reading import read_id
from fraudsieve.training.labels import seen_until

ASSUMED: Final = "label_assumed"
"""The column of rows whose label is assumed, if a recipe assumes labels."""


class Assumption(NamedTuple):
    """The age from which records without a label count as legitimate, and how labels are read."""

    age: timedelta
    reading: LabelReading


def with_assumed_labels(frame: pd.DataFrame, is_reported: Array, assumption: Assumption) -> tuple[pd.DataFrame, Array]:
    """Label the old records that nobody has labelled, each from the time at which it reached the age."""
    known_at, end = frame["as_of"] + assumption.age, seen_until(frame)
    is_assumed = (known_at <= end) & frame["label"].isna() & ~is_reported
    labels: dict[str, pd.Series] = {
        "label": frame["label"].mask(is_assumed, assumption.reading.legitimate),
        "labelled_at": frame["labelled_at"].mask(is_assumed, known_at),
    }
    if WEIGHT in frame:
        labels[WEIGHT] = frame[WEIGHT].mask(is_assumed, 1.0)
    return frame.assign(**labels, **{ASSUMED: is_assumed}), (known_at > end).to_numpy()


def reported(records: CheckedTable, labels: CheckedTable | None, subject: str, reading: LabelReading) -> Array:
    """Return which records somebody has labelled, also with a label that is not trusted or cannot be used."""
    frame = records.good
    own = reading.apply(frame["label"]).notna().to_numpy() if "label" in frame else np.zeros(len(frame), bool)
    if labels is None:
        return own
    ids = [*labels.good["subject_id"], *(map(_id, labels.rejected["subject_id"]) if len(labels.rejected) else ())]
    return own | frame[subject].isin([name for name in ids if name is not None]).to_numpy()


def _id(cell: object) -> str | None:
    try:
        return read_id(cell)
    except ValueError:
        return None


def without_assumed_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose assumed labels are missing again, as people see them."""
    if ASSUMED not in rows:
        return rows
    return rows.assign(**{name: rows[name].mask(rows[ASSUMED]) for name in ("label", "labelled_at")})


INCLUSION: Final = "inclusion_weight"
"""The column of the number of records that each row stands for, if labels have inclusion probabilities."""
PROBABILITY: Final = "inclusion_probability"


def with_inclusion_weights(
    frame: pd.DataFrame, labels: CheckedTable | None, subject: str, trust: Trust | None = None
) -> pd.DataFrame:
    """Add the number of records that each record stands for, if any label has an inclusion probability.

    A label without one came by itself, such as a report: it is certain. A record comes from several such frames, as a
    report and as one that was drawn, with the largest of its probabilities, because it would have come without the
    draw too (Bankier, Estimators based on several stratified samples with applications to multiple frame surveys,
    1986). A record whose label is assumed stands for none: those that were drawn stand for it.
    """
    if labels is None or PROBABILITY not in labels.good or not labels.good[PROBABILITY].notna().any():
        return frame
    counted = labels.good[(trust or Trust()).weights(labels.good.reindex(columns=["source"])["source"]) > 0]
    largest = counted[PROBABILITY].astype(np.float64).fillna(1.0).groupby(counted["subject_id"]).max()
    weights = 1 / frame[subject].map(largest).astype(np.float64).fillna(1.0)
    return frame.assign(**{INCLUSION: weights.mask(frame[ASSUMED], 0.0) if ASSUMED in frame else weights})


def inclusion_weights(rows: pd.DataFrame) -> Array | None:
    """Return the number of records that each row stands for; None if no label has an inclusion probability."""
    return rows[INCLUSION].to_numpy(np.float64) if INCLUSION in rows else None
