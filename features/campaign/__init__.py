"""Campaigns: near-duplicate messages, as groups and over time."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .batch import campaign_features
    from .fingerprints import near_duplicate_groups

__all__ = [
    "campaign_features",
    "near_duplicate_groups",
]

# Imported at first use, as in the package above.
_HOMES = {
    "campaign_features": "batch",
    "near_duplicate_groups": "fingerprints",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
