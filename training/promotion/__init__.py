"""Promotion: champion and challenger on the same records, and the gates between them."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .compare import Comparison, compare_models, compare_tables
    from .decision import Decision, promote, rollback
    from .gates import Gate

__all__ = [
    "Comparison",
    "Decision",
    "Gate",
    "compare_models",
    "compare_tables",
    "promote",
    "rollback",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Comparison": "compare",
    "Decision": "decision",
    "Gate": "gates",
    "compare_models": "compare",
    "compare_tables": "compare",
    "promote": "decision",
    "rollback": "decision",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
