"""Ids that earlier parts of a table had, in 16 bytes each: what tells a duplicate when a table is read part by part."""

import secrets

import numpy as np
import pandas as pd

from fraudsieve._typing import Array

from .cells import Cells, Mask

__all__ = ["SeenIdHashes"]


class SeenIdHashes:
    """The ids that were seen, as two hashes of 64 bits, keyed anew every time.

    Examples
    --------
    >>> seen = SeenIdHashes()
    >>> seen.add(pd.Series(["a", "b"]))
    >>> seen.holds(pd.Series(["b", "c"])).tolist()
    [True, False]
    """

    def __init__(self) -> None:
        self._keys = secrets.token_hex(8), secrets.token_hex(8)
        self._runs: list[tuple[Array, Array]] = []  # each sorted by the first hash, each more than half its forerunner

    def add(self, ids: Cells) -> None:
        """Remember ids.

        Parameters
        ----------
        ids : Series of str
            None of them missing.
        """
        self._runs.append(_sorted(*self._hashes(ids)))
        while len(self._runs) > 1 and 2 * len(self._runs[-1][0]) > len(self._runs[-2][0]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted(*(np.concatenate(pair) for pair in zip(before, last, strict=True))))

    def holds(self, ids: Cells) -> Mask:
        """Tell which ids were seen.

        Parameters
        ----------
        ids : Series of str
            None of them missing.

        Returns
        -------
        ndarray of bool, shape (n_ids,)
        """
        first, second = self._hashes(ids)
        found = np.zeros(len(ids), dtype=bool)
        for firsts, seconds in self._runs:
            if len(firsts):
                place = np.searchsorted(firsts, first).clip(max=len(firsts) - 1)
                found |= (firsts[place] == first) & (seconds[place] == second)
        return found

    def _hashes(self, ids: Cells) -> tuple[Array, Array]:
        cells = ids.astype(object)
        first, second = (
            pd.util.hash_pandas_object(cells, index=False, hash_key=key, categorize=False).to_numpy()
            for key in self._keys
        )
        return first, second


def _sorted(first: Array, second: Array) -> tuple[Array, Array]:
    order = np.argsort(first)
    return first[order], second[order]
