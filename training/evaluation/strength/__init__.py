"""Scores as evidence: the quality of their likelihood ratios, and the range that the data support."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .cllr import log_ratio_cost as log_ratio_cost
    from .cllr import min_log_ratio_cost as min_log_ratio_cost

__getattr__, __dir__, __all__ = attach(__name__, __file__)
