"""The scoring service over HTTP."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .app import create_app as create_app
    from .server import run as run
    from .settings import Settings as Settings

__getattr__, __dir__, __all__ = attach(__name__, __file__)
