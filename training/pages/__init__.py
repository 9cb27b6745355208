"""Reports as HTML pages with charts."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .charts import draw_figures
    from .evaluation import render_report, write_report
    from .origin import PageOrigin
    from .svg import Figure

__all__ = [
    "Figure",
    "PageOrigin",
    "draw_figures",
    "render_report",
    "write_report",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Figure": "svg",
    "PageOrigin": "origin",
    "draw_figures": "charts",
    "render_report": "evaluation",
    "write_report": "evaluation",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
