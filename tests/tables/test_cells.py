"""Cells that no reader of columns recognises: each distinct one is read once, in time that grows with their number."""

import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from fraudsieve.tables.cells import read_rest
from tests.attack.generators.floods import COLLIDING, of_one_place

N = 2000


def seconds(cells: "pd.Series[Any]") -> float:
    start, found = time.thread_time(), read_rest(cells, np.ones(len(cells), bool), str)[0]
    assert found == [str(cell) for cell in cells]
    return time.thread_time() - start


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda n: pd.Series([COLLIDING * k for k in range(1, n)], dtype=object),
        lambda n: pd.Series([Decimal(COLLIDING * k) for k in range(1, n)], dtype=object),
        lambda n: pd.Series([UUID(int=COLLIDING * k) for k in range(1, n)], dtype=object),
        lambda n: pd.Series(of_one_place(n)),
    ],
)
def test_numbers_whose_hashes_collide(make: Any) -> None:
    small, large = make(N), make(8 * N)
    assert min(seconds(large) for _ in range(3)) < 24 * min(seconds(small) for _ in range(3)) + 0.05


def test_equal_cells_of_other_types_are_not_one_value() -> None:
    cells = pd.Series([1, True, 1.0, "1", Decimal(1), np.int64(1), [1], 1], dtype=object)
    read: list[str] = []

    def name(cell: Any) -> str:
        read.append(type(cell).__name__)
        return read[-1]

    values, _ = read_rest(cells, np.ones(len(cells), bool), name)
    assert values == ["int", "bool", "float", "str", "Decimal", "int64", "list", "int"]
    assert read == values[:-1]
