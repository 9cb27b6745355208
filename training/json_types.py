"""Values as plain JSON types."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np


def finite_or_none(value: float | None) -> float | None:
    """Return a number that JSON can hold: None for NaN and infinity."""
    return float(value) if value is not None and np.isfinite(value) else None


def to_json_types(value: Any) -> Any:
    """Convert dataclasses, mappings, sequences and NumPy values to plain JSON types.

    NaN and infinity become None. A value of any other type becomes its text.
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): to_json_types(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [to_json_types(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return finite_or_none(value)
    return value if value is None or isinstance(value, str | int) else str(value)
