"""Random changes of bytes, numbers and JSON documents, for generators of every kind."""

import copy
import math
from typing import Any, Final

import numpy as np

__all__ = ["change_bytes", "change_json", "odd_value"]

ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, "", "x", " ", "\ud800", "\x00", "1h", "all", "../x", -1, 0, 1, 2, 2**31, 2**63, 10**400),
    *(0.5, -0.5, 1e-300, 1e308, -1e308, math.nan, math.inf, -math.inf, [], [[]], ["x"], [1.0], {}, {"x": 1}, [None]),
)


def odd_value(rng: np.random.Generator) -> Any:
    """Return a value of any JSON type, often at a border, sometimes long or deep."""
    value = copy.deepcopy(ODD_VALUES[int(rng.integers(len(ODD_VALUES)))])  # documents are changed in place
    if rng.random() < 0.04:
        return [value] * int(rng.integers(1, 50_000))
    if rng.random() < 0.02:
        for _ in range(int(rng.integers(1, 300))):
            value = [value]
    return value


def change_json(document: Any, rng: np.random.Generator) -> None:
    """Change one value of a JSON document: replace, delete, repeat, swap, or scale it."""
    parent = document
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        if not isinstance(parent[key], dict | list) or not parent[key] or rng.random() < 0.15:
            break
        parent = parent[key]
    _change_at(parent, key, rng)


def _change_at(parent: Any, key: Any, rng: np.random.Generator) -> None:
    value, way = parent[key], int(rng.integers(6))
    if way == 0:
        del parent[key]
    elif way == 1 and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(value))
    elif way == 2 and isinstance(parent, list):
        parent.reverse()
    elif way == 3 and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        parent[key] = value * (-1, 0, 2, 1e30, 1 + 1e-9)[int(rng.integers(5))]
    elif way == 4 and isinstance(parent, dict):
        parent[f"{key}{rng.integers(10)}"] = copy.deepcopy(value)
    else:
        parent[key] = odd_value(rng)


def change_bytes(content: bytes, rng: np.random.Generator, *, likely: bytes = b"") -> bytes:
    """Flip, cut, insert or repeat bytes at a few places; `likely` are bytes that the format uses."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at, way = int(rng.integers(len(changed) + 1)), int(rng.integers(6))
        if way == 0 and at < len(changed):
            changed[at] ^= 1 << int(rng.integers(8))
        elif way == 1:
            del changed[at:]
        elif way == 2:
            changed[at:at] = changed[at : at + int(rng.integers(1, 200))]
        elif way == 3:
            del changed[at : at + int(rng.integers(1, 20))]
        elif at < len(changed):
            changed[at] = likely[int(rng.integers(len(likely)))] if likely else int(rng.integers(256))
    return bytes(changed)
