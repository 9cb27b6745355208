"""Links between flagged actions: shared accounts and identifiers, similar texts, and proximity in time or address."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .sources import find_links as find_links
    from .table import LINK_KINDS as LINK_KINDS
    from .table import Hubs as Hubs
    from .table import Links as Links

__getattr__, __dir__, __all__ = attach(__name__, __file__)
