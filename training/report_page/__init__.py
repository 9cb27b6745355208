"""The page of an evaluation report, with its charts."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .charts import draw_figures as draw_figures
    from .evaluation import render_report as render_report
    from .evaluation import write_report as write_report

__getattr__, __dir__, __all__ = attach(__name__, __file__)
