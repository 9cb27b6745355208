"""Values that JSON can hold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fraudsieve.training.json_types import to_json_types


@dataclass(frozen=True)
class Pair:
    first: float
    second: tuple[int, ...]


def test_all_values_become_json_types() -> None:
    value = {"a": (np.float64("nan"), np.inf, np.int64(3), True), 5: np.array([1.5]), "c": Path("x"), "d": None}
    assert to_json_types(value) == {"a": [None, None, 3, True], "5": [1.5], "c": "x", "d": None}
    assert to_json_types(np.bool_(True)) is True
    assert to_json_types([Pair(np.nan, (1, 2))]) == [{"first": None, "second": [1, 2]}]
