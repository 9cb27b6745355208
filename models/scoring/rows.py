"""From feature rows to log-odds, under a policy."""

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.policy import Policy

from .unlike import exclude_unlike, unlike_shares

__all__ = ["score_features"]


def score_features(
    model: Model, policy: Policy, features: FeatureRows, *, n_threads: int
) -> tuple[FeatureRows, Array, Array]:
    """Score feature rows.

    Parameters
    ----------
    model : Model
        The model.
    policy : Policy
        What to do with records that are unlike the training records.
    features : FeatureRows
        The rows.
    n_threads : int
        Threads of LightGBM.

    Returns
    -------
    features : FeatureRows
        The rows as the policy leaves them.
    log_odds : ndarray of float64, shape (n_records, n_outputs)
        Calibrated; NaN where a record is unscorable.
    unlike : ndarray of float64, shape (n_records,)
        From `unlike_shares`.
    """
    unlike = unlike_shares(model, features.X, features.why)
    if policy.unlike_training == "unscorable":
        features = exclude_unlike(features, unlike, policy.unlike_training_limit)
    return features, _log_odds(model, features, n_threads), unlike


def _log_odds(model: Model, features: FeatureRows, n_threads: int) -> Array:
    rows, why = features.X, features.why
    if len(rows) and not any(why.tolist()):  # most calls
        return model.calibration.apply(model.ensemble.log_odds(rows, n_threads=n_threads))
    good = np.flatnonzero(why == None)  # noqa: E711 - compares every element
    log_odds = np.full((len(rows), len(model.ensemble.base)), np.nan)
    if len(good):
        log_odds[good] = model.calibration.apply(model.ensemble.log_odds(rows[good], n_threads=n_threads))
    return log_odds
