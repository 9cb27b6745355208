"""The decisions of rules in a batch: columns of scores, and the number of records that each rule decided."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.models.rules.decisions import decide_columns
from fraudsieve.models.rules.rule_set import RuleSet

DECISION_COLUMNS: Final = ("decision", "rule", "model_decision")
"""The columns that `count_rules` reads."""


@dataclass(frozen=True)
class RuleCount:
    """The number of records that a rule decided, and in how many of them it overrode the model."""

    id: str
    action: str
    reason: str
    records: int
    changed: int
    expired: bool


def with_rules(rules: RuleSet | None, records: pd.DataFrame, scores: dict[str, Array]) -> dict[str, Array]:
    """Return columns of scores with the decisions of rules; unchanged without rules."""
    if rules is None:
        return scores
    columns = {name: records[name].tolist() for name in rules.fields if name in records}
    return decide_columns(rules, columns, scores)


def count_rules(rules: RuleSet | None, scores: pd.DataFrame) -> tuple[RuleCount, ...]:
    """Return how many of the scored records each rule decided, in the order of the rules."""
    if rules is None:
        return ()
    by_rule = np.zeros((len(rules), 2), np.int64)
    if len(scores):
        names = [rule.id for rule in rules.rules]
        position = pd.Categorical(scores["rule"], names).codes
        changed = (scores["decision"].astype(object) != scores["model_decision"].astype(object)).to_numpy()
        by_rule[:, 0] = np.bincount(position[position >= 0], minlength=len(rules))
        by_rule[:, 1] = np.bincount(position[(position >= 0) & changed], minlength=len(rules))
    expired = rules.expired()
    return tuple(
        RuleCount(rule.id, rule.action, rule.reason, int(records), int(changed), rule.id in expired)
        for rule, (records, changed) in zip(rules.rules, by_rule, strict=True)
    )


def rules_key(rules: RuleSet | None) -> dict[str, Any]:
    """Return everything that the decisions depend on, in plain JSON types: the rules, and which of them are expired."""
    if rules is None:
        return {}
    about = [(rule.id, rule.field, rule.action, rule.reason, sorted(map(str, rule.values))) for rule in rules.rules]
    return {"rules": sha256(repr(about).encode()).hexdigest(), "expired": list(rules.expired())}
