"""Reports as HTML pages with charts."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .charts import figures
    from .evaluation import write_report

__all__ = [
    "figures",
    "write_report",
]

# Imported at first use, as in the package above.
_HOMES = {
    "figures": "charts",
    "write_report": "evaluation",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
