"""Hyperparameter search with Optuna, inside the training slice."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .outcome import Trial, TuningResult
    from .search import tune

__all__ = [
    "Trial",
    "TuningResult",
    "tune",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Trial": "outcome",
    "TuningResult": "outcome",
    "tune": "search",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
