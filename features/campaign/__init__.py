"""Campaigns: near-duplicate messages, as groups and over time."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .campaign_batch import campaign_features as campaign_features
    from .fingerprints import near_duplicate_groups as near_duplicate_groups

__getattr__, __dir__, __all__ = attach(__name__, __file__)
