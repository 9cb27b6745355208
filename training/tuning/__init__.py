"""Hyperparameter search with Optuna, inside the training slice."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .search import TuningResult as TuningResult
    from .search import tune as tune

__getattr__, __dir__, __all__ = attach(__name__, __file__)
