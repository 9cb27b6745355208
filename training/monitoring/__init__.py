"""Monitoring: changes since a reference period, and exceeded bounds."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .monitoring_run import monitor_tables as monitor_tables
    from .page import render_monitor_report as render_monitor_report
    from .report import ExceededBound as ExceededBound
    from .report import MonitorReport as MonitorReport

__getattr__, __dir__, __all__ = attach(__name__, __file__)
