"""Evaluation: how good scores are, with intervals."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .bootstrap import bootstrap, interval
    from .ranking import Ranking
    from .report import evaluate

__all__ = [
    "Ranking",
    "bootstrap",
    "evaluate",
    "interval",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Ranking": "ranking",
    "bootstrap": "bootstrap",
    "evaluate": "report",
    "interval": "bootstrap",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
