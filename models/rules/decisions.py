"""Decisions by rules: they replace the decision of the model, which is kept as ``model_decision``."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from fraudsieve._typing import Array

from .rule_set import RuleSet

COLUMNS: Final = ("rule", "rule_reason", "model_decision")
"""The columns that rules add: id and reason of the rule that decided, and the decision of the model."""


def decide_records(
    rules: RuleSet, records: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the scores with the decisions of the rules that their records match. The given scores stay as they are.

    Every returned score has ``model_decision`` and ``rule``: id, action and reason, or None.
    """
    matched = rules.match_records(records).tolist()
    return [_decided(score, rules, position) for score, position in zip(scores, matched, strict=True)]


def _decided(score: Mapping[str, Any], rules: RuleSet, position: int) -> dict[str, Any]:
    decided = {**score, "model_decision": score["decision"], "rule": None}
    if position >= 0:
        rule = rules.rules[position]
        decided["decision"] = rule.action
        decided["rule"] = {"id": rule.id, "action": rule.action, "reason": rule.reason}
    return decided


def decide_columns(
    rules: RuleSet, columns: Mapping[str, Sequence[Any]], scores: Mapping[str, Array]
) -> dict[str, Array]:
    """Return columns of scores with the decisions of rules, and `COLUMNS`."""
    by_model = scores["decision"]
    matched = rules.match(columns, len(by_model))
    actions, ids, reasons = (
        np.array([*(getattr(rule, name) for rule in rules.rules), None], object) for name in ("action", "id", "reason")
    )
    decision = np.where(matched >= 0, actions[matched], by_model)
    added = dict(zip(COLUMNS, (ids[matched], reasons[matched], by_model), strict=True))
    return {**scores, "decision": decision, **added}
