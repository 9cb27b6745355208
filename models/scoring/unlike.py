"""Records that are unlike the training records: their share, and the effect of the policy."""

from typing import Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.features.text.codepoints import select_texts
from fraudsieve.models.artifact.folder import Model

__all__ = ["UNLIKE", "exclude_unlike", "unlike_shares"]

UNLIKE: Final = "unlike_training: the record is stranger than the limit of the policy"
"""Why a record is unscorable under the policy."""


def unlike_shares(model: Model, X: Array, why: Array) -> Array:
    """Return the share of training records that are less strange than each record.

    Returns NaN where a record is unscorable, and for a model that was trained without `Model.unlike`.
    """
    if model.unlike is None or not len(X):
        return np.full(len(X), np.nan)
    shares = model.unlike.apply(X)
    if any(why.tolist()):
        shares[why != None] = np.nan  # noqa: E711 - compares every element
    return shares


def exclude_unlike(features: FeatureRows, shares: Array, limit: float) -> FeatureRows:
    """Return the rows, in which records whose share reaches the limit are unscorable.

    Examples
    --------
    >>> rows = FeatureRows(np.zeros((2, 1)), np.array([None, None], object))
    >>> [reason is None for reason in exclude_unlike(rows, np.array([0.5, 0.9999]), 0.999).why]
    [True, False]
    """
    excluded = shares >= limit  # NaN is not
    if not excluded.any():
        return features
    texts = features.texts
    if texts is not None:
        scorable = features.why == None  # noqa: E711 - compares every element
        texts = select_texts(texts, np.flatnonzero(~excluded[scorable]))
    return features._replace(why=np.where(excluded, UNLIKE, features.why), texts=texts)
