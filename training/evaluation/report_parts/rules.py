"""Rules on labelled records, counted separately: they do not change the metrics of the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.rules.rule import Rule
from fraudsieve.models.rules.rule_set import RuleSet


@dataclass(frozen=True, kw_only=True)
class RuleMetrics:
    """The records that a rule decides."""

    id: str
    action: str
    reason: str
    # Its last day, or the time at which it ends; None for no end.
    until: str | None
    # Whether it is expired, so that it decides nothing.
    expired: bool
    records: int
    # Fraudulent ones among them; None without a legitimate class.
    frauds: int | None
    # Records that it decides otherwise than the model; None without operating points.
    changed: int | None
    # Fraudulent ones among these: found by a rule that flags, missed by one that passes.
    changed_frauds: int | None

    @classmethod
    def of(cls, rule: Rule, decided: Array, is_fraud: Array | None, flagged: Array | None, *, expired: bool) -> Self:
        """Count the records that a rule decides."""
        changed = None if flagged is None else decided & (flagged != (rule.action == "flag"))
        return cls(
            id=rule.id,
            action=rule.action,
            reason=rule.reason,
            until=None if rule.until is None else rule.until.isoformat(),
            expired=expired,
            records=int(decided.sum()),
            frauds=None if is_fraud is None else int((decided & is_fraud).sum()),
            changed=None if changed is None else int(changed.sum()),
            changed_frauds=None if changed is None or is_fraud is None else int((changed & is_fraud).sum()),
        )


def rule_metrics(
    rules: RuleSet, columns: Mapping[str, Sequence[Any]], n: int, is_fraud: Array | None, flagged: Array | None
) -> tuple[RuleMetrics, ...]:
    """Return the metrics of the rules that are in force now, and those that are expired, in their order."""
    matched, expired = rules.match(columns, n), rules.expired()
    return tuple(
        RuleMetrics.of(rule, np.equal(matched, position), is_fraud, flagged, expired=rule.id in expired)
        for position, rule in enumerate(rules.rules)
    )
