"""LightGBM trees: prediction, a fast path for single rows, and Shapley values."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .arrays import Trees, read_trees
    from .ensemble import Ensemble
    from .shapley import shapley_values

__all__ = [
    "Ensemble",
    "Trees",
    "read_trees",
    "shapley_values",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Ensemble": "ensemble",
    "Trees": "arrays",
    "read_trees": "arrays",
    "shapley_values": "shapley",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
