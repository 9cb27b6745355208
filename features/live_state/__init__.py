"""The live state of feature views: events are added as they arrive, and features are computed at any cutoff time."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .state import HistoryState as HistoryState

__getattr__, __dir__, __all__ = attach(__name__, __file__)
