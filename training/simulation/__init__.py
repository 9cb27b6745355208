"""A simulated world of accounts, messages, events and labels."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .world import World as World
    from .world import simulate as simulate

__getattr__, __dir__, __all__ = attach(__name__, __file__)
