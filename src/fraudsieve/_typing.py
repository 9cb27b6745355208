"""Type aliases that every room uses."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy.typing as npt

__all__ = ["Array", "Progress"]

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array; docstrings say its shape and its type."""

Progress: TypeAlias = Callable[[str], None]
"""Called with the name of each step as it begins."""
