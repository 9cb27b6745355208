"""Scoring: from records to feature rows, and from feature rows to scores."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .scores import fraud_probability as fraud_probability

__getattr__, __dir__, __all__ = attach(__name__, __file__)
