"""Monitoring: what has changed since a reference period, and whether bounds are exceeded."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .page import monitor_page
    from .report import monitor

__all__ = [
    "monitor",
    "monitor_page",
]

# Imported at first use, as in the package above.
_HOMES = {
    "monitor": "report",
    "monitor_page": "page",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
