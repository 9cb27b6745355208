"""From feature rows to calibrated log-odds under a policy, also of records that are unlike the training records."""

from typing import Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.features.text.codepoints import select_texts
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.policy import Policy

from .decision import reached
from .scores import Scores


def calibrated_log_odds(model: Model, rows: Array, n_threads: int = 1) -> Array:
    """Return calibrated log-odds of feature rows, as ndarray of float64, shape (n_rows, n_outputs)."""
    return model.calibration.apply(model.ensemble.log_odds(rows, n_threads=n_threads))


def scorable_log_odds(model: Model, rows: Array, why: Array, n_threads: int = 1) -> Array:
    """Return calibrated log-odds; NaN where a record is unscorable, which is where `why` is not None."""
    if len(rows) and not any(why.tolist()):  # most calls
        return calibrated_log_odds(model, rows, n_threads)
    good = np.flatnonzero(why == None)  # noqa: E711 - compares every element
    odds = np.full((len(rows), len(model.ensemble.base)), np.nan)
    if len(good):
        odds[good] = calibrated_log_odds(model, rows[good], n_threads)
    return odds


UNLIKE: Final = "unlike_training: the record is more unfamiliar than the limit of the policy"
"""The reason why a record is unscorable under the policy."""


def unlike_shares(model: Model, X: Array, why: Array) -> Array:
    """Return the share of training records that are less unfamiliar than each record.

    Returns NaN where a record is unscorable, and for a model that was trained without `Model.unlike`.
    """
    if model.unlike is None or not len(X):
        return np.full(len(X), np.nan)
    shares = model.unlike.apply(X)
    if any(why.tolist()):
        shares[why != None] = np.nan  # noqa: E711 - compares every element
    return shares


def exclude_unlike(features: FeatureRows, shares: Array, limit: float) -> FeatureRows:
    """Return the rows, in which records whose share reaches the limit are unscorable."""
    excluded = reached(shares, limit)  # NaN is not
    if not excluded.any():
        return features
    texts = features.texts
    if texts is not None:
        scorable = features.why == None  # noqa: E711 - compares every element
        texts = select_texts(texts, np.flatnonzero(~excluded[scorable]))
    return features._replace(why=np.where(excluded, UNLIKE, features.why), texts=texts)


def score_features(model: Model, policy: Policy, features: FeatureRows, n_threads: int = 1) -> Scores:
    """Score feature rows."""
    unlike = unlike_shares(model, features.X, features.why)
    if policy.unlike_training == "unscorable":
        features = exclude_unlike(features, unlike, policy.unlike_training_limit)
    return Scores(model, policy, features, scorable_log_odds(model, features.X, features.why, n_threads), unlike)
