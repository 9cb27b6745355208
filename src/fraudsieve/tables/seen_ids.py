"""Ids of earlier chunks of a table, in 16 bytes each, to find duplicates when a table is read in chunks."""

import secrets

import numpy as np
import pandas as pd

from fraudsieve._typing import Array

from .cells import Cells, Mask


class SeenIdHashes:
    """A set of ids, stored as two hashes of 64 bits with new random keys per instance."""

    def __init__(self) -> None:
        self._keys = secrets.token_hex(8), secrets.token_hex(8)
        self._runs: list[tuple[Array, Array]] = []  # sorted by the first hash; each run more than half its predecessor

    def add(self, ids: Cells) -> None:
        """Add ids."""
        self._runs.append(_sort(*self._hashes(ids)))
        while len(self._runs) > 1 and 2 * len(self._runs[-1][0]) > len(self._runs[-2][0]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(_sort(*(np.concatenate(pair) for pair in zip(before, last, strict=True))))

    def holds(self, ids: Cells) -> Mask:
        """Return which ids were added before."""
        first, second = self._hashes(ids)
        seen = np.zeros(len(ids), dtype=bool)
        for firsts, seconds in self._runs:
            if len(firsts):
                position = np.searchsorted(firsts, first).clip(max=len(firsts) - 1)
                seen |= (firsts[position] == first) & (seconds[position] == second)
        return seen

    def _hashes(self, ids: Cells) -> tuple[Array, Array]:
        cells = ids.astype(object)
        first, second = (
            pd.util.hash_pandas_object(cells, index=False, hash_key=key, categorize=False).to_numpy()
            for key in self._keys
        )
        return first, second


def _sort(first: Array, second: Array) -> tuple[Array, Array]:
    order = np.argsort(first)
    return first[order], second[order]
