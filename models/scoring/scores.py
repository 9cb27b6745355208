"""Scores of feature rows as arrays, and from them columns and records.

`reached` and `decide` are the one place that compares a probability with a threshold.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.features.text.codepoints import select_texts
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.calibration import probabilities
from fraudsieve.models.fields import Policy
from fraudsieve.models.rules.rule_set import RuleSet

from .score_fields import CLASS, RULE, Score

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


STATUSES: Final = ("ok", "no_history", "unscorable")


_Coded: TypeAlias = tuple[Array, Sequence[Any] | None]
"""The values of a field or, with words, their positions in these: one record is then made without object arrays."""


class Scores(NamedTuple):
    """The scores of feature rows under a policy: what all fields of a score follow from."""

    model: Model
    policy: Policy
    # With the reasons of the policy why a record is unscorable.
    features: FeatureRows
    # Shape (n_records, n_outputs). Calibrated log-odds; NaN where a record is unscorable.
    log_odds: Array
    # Shape (n_records,). From `unlike_shares`.
    unlike: Array

    def take(self, rows: Array) -> "Scores":
        """Return the scores of some of the rows, without the texts of their records."""
        X, why, has_history, _ = self.features
        features = FeatureRows(X[rows], why[rows], None if has_history is None else has_history[rows])
        return self._replace(features=features, log_odds=self.log_odds[rows], unlike=self.unlike[rows])

    def to_columns(self, rules: RuleSet | None = None, matched: Array | None = None) -> dict[str, Array]:
        """Return the columns of `Scorer.score_columns`; `matched` comes from `RuleSet.match`."""
        shares, fields, by_model = self._decided(rules, matched)
        columns = {name: _array(*coded) for name, coded in fields.items()}
        columns |= {f"{CLASS}{name}": shares[:, k] for k, name in enumerate(self.model.classes)}
        if rules is not None and matched is not None:
            for name, part in RULE.items():
                columns[name] = _array(matched, [*(getattr(rule, part) for rule in rules.rules), None])
            columns["model_decision"] = _array(*by_model)
        return columns

    def to_records(self, rules: RuleSet | None = None, matched: Array | None = None) -> list[Score]:
        """Return the records of `Scorer.score`, in plain JSON types: the rows of `to_columns`."""
        model, (shares, fields, by_model) = self.model, self._decided(rules, matched)
        lists = {name: _list(*coded) for name, coded in fields.items()}
        classes, unknown = model.classes, dict.fromkeys(model.classes)
        is_scored = [reason is None for reason in lists["why"]]
        lists["probabilities"] = [
            dict(zip(classes, row, strict=True)) if scored else {**unknown}
            for row, scored in zip(shares.tolist(), is_scored, strict=True)
        ]
        lists["model"] = [{"name": model.name, "digest": model.digest}] * len(shares)
        if rules is not None and matched is not None:
            named = [{"id": rule.id, "action": rule.action, "reason": rule.reason} for rule in rules.rules]
            lists |= {"rule": _list(matched, [*named, None]), "model_decision": _list(*by_model)}
        return [cast(Score, dict(zip(lists, values, strict=True))) for values in zip(*lists.values(), strict=True)]

    def _decided(self, rules: RuleSet | None, matched: Array | None) -> tuple[Array, dict[str, _Coded], _Coded]:
        """Return the probabilities of classes, the fields with one value, and the decision of the model."""
        model, (X, why, has_history, _) = self.model, self.features
        shares = probabilities(self.log_odds)
        fraud, label = _fraud(shares, model.classes, model.legitimate), shares.argmax(axis=1)
        status = np.zeros(len(X), np.int64) if has_history is None else (~has_history).astype(np.int64)
        if any(why.tolist()):
            unscored = why != None  # noqa: E711 - compares every element
            label[unscored], status[unscored] = -1, -1
        found = decide(model, self.policy, self.features, fraud, self.unlike, rules, matched)
        fields: dict[str, _Coded] = {
            "probability": (fraud, None),
            "label": (label, [*model.classes, None]),
            "decision": (found.decision, DECISIONS),
            "false_positive_rate": (found.rate, None),
            "status": (status, STATUSES),
            "why": (why, None),
            "unlike_training": (self.unlike, None),
        }
        if model.source_thresholds is not None and found.source is not None:
            fields["threshold_of"] = (found.source, model.source_thresholds.values.tolist())
        return shares, fields, (found.by_model, DECISIONS)


def _array(values: Array, words: Sequence[Any] | None) -> Array:
    return values if words is None else np.array(words, object)[values]


def _list(values: Array, words: Sequence[Any] | None) -> list[Any]:
    if words is None:
        return [None if value != value else value for value in values.tolist()]
    return [words[position] for position in values.tolist()]


def fraud_probability(log_odds: Array, classes: Sequence[str], legitimate: str | None) -> Array:
    """Return the probability that a record is fraud of any type.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows, n_outputs)
        One output for two classes, one per class for more.
    classes : sequence of str
        The classes, sorted.
    legitimate : str or None
        The class that is not a crime.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN if there is no legitimate class.

    Examples
    --------
    >>> fraud_probability(np.array([[0.0, 0.0, 0.0]]), ["ham", "scam", "spam"], "ham").round(3).tolist()
    [0.667]
    """
    return _fraud(probabilities(log_odds), classes, legitimate)


def _fraud(shares: Array, classes: Sequence[str], legitimate: str | None) -> Array:
    if legitimate is None:
        return np.full(len(shares), np.nan)
    clean = list(classes).index(legitimate)
    if len(classes) == 2:
        return np.asarray(shares[:, 1 - clean])
    crimes = np.delete(shares, clean, axis=1)
    return np.asarray(np.minimum(crimes.sum(axis=1), 1.0))  # rounding can make the sum larger than one


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
