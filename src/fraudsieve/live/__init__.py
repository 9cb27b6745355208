"""The live state of a service: history in memory, backed by an event store that processes share."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .contents import erase as erase
    from .contents import rewind as rewind
    from .records import Accepted as Accepted
    from .score_tables import ExportedScores as ExportedScores
    from .score_tables import export_scores as export_scores
    from .state import LiveSize as LiveSize
    from .state import LiveState as LiveState
    from .state import Scored as Scored
    from .store.event_store import EventStore as EventStore
    from .store.event_store import open_store as open_store

__getattr__, __dir__, __all__ = attach(__name__, __file__)
