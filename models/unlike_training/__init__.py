"""The measure of how unlike the training records a record is, computed from its feature row alone."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .shares import UnlikeTraining as UnlikeTraining

__getattr__, __dir__, __all__ = attach(__name__, __file__)
