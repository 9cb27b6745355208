"""Rules in a batch: which of them decides each record, and the number of records that each decided."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.models.rules.rule_set import RuleSet


@dataclass(frozen=True)
class RuleCount:
    """The number of records that a rule decided, and in how many of them it overrode the model."""

    id: str
    action: str
    reason: str
    records: int
    changed: int
    expired: bool


def match_table(rules: RuleSet | None, records: pd.DataFrame) -> Array | None:
    """Return the rule that decides each record, as `RuleSet.match` does; None without rules."""
    if rules is None:
        return None
    return rules.match({name: records[name].tolist() for name in rules.fields if name in records}, len(records))


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


def add_rules(counts: Sequence[RuleCount], more: Sequence[RuleCount]) -> tuple[RuleCount, ...]:
    """Add the counts of two parts of the records."""
    return tuple(
        replace(one, records=one.records + other.records, changed=one.changed + other.changed)
        for one, other in zip(counts, more, strict=True)
    )
