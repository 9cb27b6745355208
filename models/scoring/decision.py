"""What is flagged: the one place that compares a probability with a threshold."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from fraudsieve._typing import Array

if TYPE_CHECKING:  # cases use `reached` without a model
    from fraudsieve.features.record_fields import FeatureRows
    from fraudsieve.models.artifact.folder import Model
    from fraudsieve.models.policy import Policy
    from fraudsieve.models.rules.rule_set import RuleSet

DECISIONS: Final = ("pass", "flag", None)
"""Decisions by their codes; the last one is that of a record without a decision."""
UNDECIDED: Final = -1


def reached(probability: Array, threshold: Array | float) -> Array:
    """Return which probabilities reach a threshold, or their own ones; NaN reaches none."""
    return np.asarray(probability >= threshold)


def deciding_codes(model: "Model", X: Array) -> Array | None:
    """Return which of `Model.source_thresholds` decides each feature row; None if the first point decides all."""
    if model.source_thresholds is None:
        return None
    codes = X[:, model.source_thresholds.column]
    return np.where(codes >= 0, codes, -1).astype(np.int64)


def deciding_thresholds(model: "Model", X: Array) -> Array | float:
    """Return the threshold that decides each feature row, or all of them; .5 without an operating point."""
    codes, sources = deciding_codes(model, X), model.source_thresholds
    if sources is None or codes is None:
        return model.points[0].threshold if model.points else 0.5
    return np.asarray(sources.thresholds[codes])


class Decisions(NamedTuple):
    """Decisions of records, as positions in `DECISIONS`, and what they follow from; each of shape (n_records,)."""

    # After rules, and before them.
    decision: Array
    by_model: Array
    # False positive rate of the strictest operating point that is reached, else NaN.
    rate: Array
    # Positions in the values of `Model.source_thresholds`; None without them.
    source: Array | None


def decide(
    model: "Model",
    policy: "Policy",
    features: "FeatureRows",
    probability: Array,
    unlike: Array,
    rules: "RuleSet | None" = None,
    matched: Array | None = None,
) -> Decisions:
    """Decide records: by the threshold of each, by the policy for unfamiliar ones, and by the rule that each matches.

    `unlike` comes from `unlike_shares`, and `matched` from `RuleSet.match`.
    """
    source, ranked = deciding_codes(model, features.X), model.ranked_points
    if model.points:
        by_model = reached(probability, deciding_thresholds(model, features.X)).astype(np.int64)
        if policy.unlike_training == "flag":
            by_model[reached(unlike, policy.unlike_training_limit)] = 1
    else:
        by_model = np.full(len(probability), UNDECIDED)
    rate = ranked.rates[ranked.thresholds.searchsorted(probability, "right")]
    if any(features.why.tolist()):
        unscored = features.why != None  # noqa: E711 - compares every element
        by_model[unscored], rate[unscored] = UNDECIDED, np.nan
        if source is not None:
            source[unscored] = -1
    decision = by_model
    if rules is not None and matched is not None:
        actions = np.array([*(DECISIONS.index(rule.action) for rule in rules.rules), UNDECIDED])
        decision = np.where(matched >= 0, actions[matched], by_model)
    return Decisions(decision, by_model, rate, source)
