"""Review: which records people should look at, with what probability, and what their answers are worth."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .answers import Agreement as Agreement
    from .answers import Collected as Collected
    from .answers import cohen_kappa as cohen_kappa
    from .answers import collect_answers as collect_answers
    from .answers import third_opinions as third_opinions
    from .draw import ReviewDraw as ReviewDraw
    from .draw import ReviewPlan as ReviewPlan
    from .draw import draw_from_log as draw_from_log
    from .draw import draw_records as draw_records
    from .draw import write_draw as write_draw
    from .planning import ReviewCost as ReviewCost
    from .planning import plan_review as plan_review
    from .review_page import render_review_page as render_review_page

__getattr__, __dir__, __all__ = attach(__name__, __file__)
