"""fraudsieve: messages and account histories in, a fraud model out."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("fraudsieve")
