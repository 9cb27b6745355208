"""Rules in both tables: the share of the records that each decides, separately from the alerts of the model."""

import numpy as np

from fraudsieve.models.rules.rule_set import RuleSet

from .measures import RuleShares
from .scored_table import ScoredTable

__all__ = ["rule_shares"]


def rule_shares(rules: RuleSet | None, before: ScoredTable, after: ScoredTable) -> tuple[RuleShares, ...]:
    """Return each rule with the share of both tables that it decides; none without rules."""
    if rules is None:
        return ()
    shares = [_shares(rules, table) for table in (before, after)]
    expired = rules.expired()
    return tuple(
        RuleShares(rule.id, rule.action, rule.reason, rule.id in expired, shares[0][position], shares[1][position])
        for position, rule in enumerate(rules.rules)
    )


def _shares(rules: RuleSet, table: ScoredTable) -> list[float]:
    records = table.records
    matched = rules.match({name: records[name].tolist() for name in rules.fields if name in records}, len(records))
    counts = np.bincount(matched[matched >= 0], minlength=len(rules))
    return [float(count) / len(records) for count in counts]
