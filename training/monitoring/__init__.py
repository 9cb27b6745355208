"""Monitoring: changes since a reference period, and exceeded bounds."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .page import render_monitor_report
    from .report import ExceededBound, MonitorReport
    from .run import monitor_tables

__all__ = [
    "ExceededBound",
    "MonitorReport",
    "monitor_tables",
    "render_monitor_report",
]

# Imported at first use, as in the package above.
_HOMES = {
    "ExceededBound": "report",
    "MonitorReport": "report",
    "monitor_tables": "run",
    "render_monitor_report": "page",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
