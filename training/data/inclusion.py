"""How many records each labelled row stands for: the inverse of the probability with which it came to have a label.

A record that was drawn with the probability :math:`\\pi_i` stands for :math:`w_i = 1 / \\pi_i` records, and the sum of
:math:`w_i y_i` estimates the sum of :math:`y` over all records without bias (Horvitz and Thompson, A generalization of
sampling without replacement from a finite universe, 1952). A share, such as recall, is the quotient of two such sums
(Hajek, Comment on "An essay on the logical foundations of survey sampling", 1971; Sarndal, Swensson and Wretman, Model
assisted survey sampling, 1992, section 5.7).
"""

from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.label_trust import Trust
from fraudsieve.tables.reader import CheckedTable

from .assumed_labels import ASSUMED

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
