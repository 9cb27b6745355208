"""Cases as an HTML page: the ranked list, and the picture, timeline and links of each case."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .case_rows import rows_of_cases
    from .page import render_cases_page
    from .picture import draw_case

__all__ = ["draw_case", "render_cases_page", "rows_of_cases"]

# Imported at first use, as in the package above.
_HOMES = {"draw_case": "picture", "render_cases_page": "page", "rows_of_cases": "case_rows"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
