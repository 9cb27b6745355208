"""Promotion: champion and challenger on the same records, and the gates between them."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .compare import compare_models
    from .decision import Decision, promote, rollback
    from .gates import Gate

__all__ = [
    "Decision",
    "Gate",
    "compare_models",
    "promote",
    "rollback",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Decision": "decision",
    "Gate": "gates",
    "compare_models": "compare",
    "promote": "decision",
    "rollback": "decision",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
