"""Scores as evidence: the quality of their likelihood ratios, and the range that the data support."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .cllr import log_ratio_cost, min_log_ratio_cost

__all__ = ["log_ratio_cost", "min_log_ratio_cost"]

# Imported at first use, as in the package above.
_HOMES = {"log_ratio_cost": "cllr", "min_log_ratio_cost": "cllr"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
