"""Scoring of files and data frames."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .outputs import ScoringResult as ScoringResult
    from .score import score_file as score_file
    from .score import score_frame as score_frame

__getattr__, __dir__, __all__ = attach(__name__, __file__)
