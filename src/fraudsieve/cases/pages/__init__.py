"""Cases as an HTML page: the ranked list, and the picture, timeline and links of each case."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .case_section import rows_of_cases as rows_of_cases
    from .page import render_cases_page as render_cases_page
    from .picture import draw_case as draw_case

__getattr__, __dir__, __all__ = attach(__name__, __file__)
