"""Account history: point-in-time windows over events, in batches and live."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .declaration import FAMILIES as FAMILIES
    from .declaration import MEASURES as MEASURES
    from .declaration import History as History
    from .history_batch import history_features as history_features

__getattr__, __dir__, __all__ = attach(__name__, __file__)
