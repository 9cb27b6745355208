"""Rules that override the model: senders, hosts and accounts that are always flagged or always passed."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .files import read_rules
    from .rule import Rule
    from .rule_set import RuleSet

__all__ = [
    "Rule",
    "RuleSet",
    "read_rules",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Rule": "rule",
    "RuleSet": "rule_set",
    "read_rules": "files",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
