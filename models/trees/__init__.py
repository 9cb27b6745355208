"""LightGBM trees: prediction, a fast path for single rows, and Shapley values."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .arrays import Trees as Trees
    from .arrays import read_trees as read_trees
    from .ensemble import Ensemble as Ensemble
    from .shapley import shapley_values as shapley_values

__getattr__, __dir__, __all__ = attach(__name__, __file__)
