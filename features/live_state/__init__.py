"""The live state of feature views: events are added as they arrive, and features are computed at any cutoff time."""

from .state import HistoryState

__all__ = ["HistoryState"]
