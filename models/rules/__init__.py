"""Rules that override the model: senders, hosts and accounts that are always flagged or always passed."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .files import read_rules as read_rules
    from .rule import Rule as Rule
    from .rule_set import RuleSet as RuleSet

__getattr__, __dir__, __all__ = attach(__name__, __file__)
