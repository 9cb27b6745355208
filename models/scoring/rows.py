"""From feature rows to log-odds, under a policy."""

from fraudsieve._typing import Array
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.policy import Policy

from .log_odds import scorable_log_odds
from .unlike import exclude_unlike, unlike_shares

__all__ = ["score_features"]


def score_features(
    model: Model, policy: Policy, features: FeatureRows, n_threads: int
) -> tuple[FeatureRows, Array, Array]:
    """Score feature rows."""
    unlike = unlike_shares(model, features.X, features.why)
    if policy.unlike_training == "unscorable":
        features = exclude_unlike(features, unlike, policy.unlike_training_limit)
    return features, scorable_log_odds(model, features.X, features.why, n_threads), unlike
