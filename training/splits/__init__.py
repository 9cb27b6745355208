"""Splits into training, calibration and test rows, by time, by campaign or at random."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .forward import Fold, forward_folds
    from .split import Split, split_by_campaign, split_by_time, split_randomly

__all__ = [
    "Fold",
    "Split",
    "forward_folds",
    "split_by_campaign",
    "split_by_time",
    "split_randomly",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Fold": "forward",
    "Split": "split",
    "forward_folds": "forward",
    "split_by_campaign": "split",
    "split_by_time": "split",
    "split_randomly": "split",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
