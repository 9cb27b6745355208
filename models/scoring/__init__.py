"""Scoring: from records to feature rows, and from feature rows to scores."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .scores import fraud_probability

__all__ = [
    "fraud_probability",
]

# Imported at first use, as in the package above.
_HOMES = {
    "fraud_probability": "scores",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
