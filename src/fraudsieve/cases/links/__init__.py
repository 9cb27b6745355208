"""Links between flagged actions: shared accounts and identifiers, similar texts, and proximity in time or address."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .sources import find_links
    from .table import LINK_KINDS, Hubs, Links

__all__ = [
    "LINK_KINDS",
    "Hubs",
    "Links",
    "find_links",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Hubs": "table",
    "LINK_KINDS": "table",
    "Links": "table",
    "find_links": "sources",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
