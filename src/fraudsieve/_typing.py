"""Type aliases that all packages use."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy.typing as npt

__all__ = ["Array", "Progress"]

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array; docstrings give its shape and its type."""

Progress: TypeAlias = Callable[[str], None]
"""Called with the name of each step when it begins."""
