"""Splits into training, calibration and test rows, by time, by campaign or at random."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .forward import Fold as Fold
    from .forward import forward_folds as forward_folds
    from .split import Split as Split
    from .split import split_by_campaign as split_by_campaign
    from .split import split_by_time as split_by_time
    from .split import split_randomly as split_randomly

__getattr__, __dir__, __all__ = attach(__name__, __file__)
