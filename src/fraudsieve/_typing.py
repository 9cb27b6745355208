"""Type aliases that all packages use."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array; docstrings give its shape and its type."""

Record: TypeAlias = Mapping[str, Any]
"""A message, an account, an event or a label, by the names of its fields."""

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object: a log entry, a manifest, a body, or a part of one."""

Records: TypeAlias = Record | Sequence[Record]
"""One record, or several."""

Progress: TypeAlias = Callable[[str], None]
"""Called with the name of each step when it begins."""
