"""Digests of the ids of delivered records, remembered for as long as they may be sent again."""

from collections import deque
from collections.abc import Mapping

import numpy as np

from fraudsieve._typing import Array

__all__ = ["SeenIds"]


GENERATIONS = 8


class SeenIds:
    """A set of 64-bit ids that forgets old ones, by the time of the events.

    Ids are kept in generations, each of an eighth of the horizon. A generation is dropped once the newest event is a
    horizon later than the last time that the generation could receive an id. So memory holds the ids of at most ten
    eighths of the horizon, at about 90 bytes each.

    Parameters
    ----------
    horizon : int
        How long an id is remembered, in microseconds of event time.

    Examples
    --------
    >>> seen = SeenIds(80)
    >>> seen.add(7, 0)
    >>> seen.add(8, 85)
    >>> 7 in seen
    True
    >>> seen.add(9, 95)
    >>> 7 in seen, 8 in seen
    (False, True)
    """

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self._generations: deque[tuple[int, set[int]]] = deque()

    def __contains__(self, identifier: int) -> bool:
        return any(identifier in ids for _, ids in self._generations)

    def __len__(self) -> int:
        return sum(len(ids) for _, ids in list(self._generations))  # a copy, since another thread may add one

    def add(self, identifier: int, newest: int) -> None:
        """Add an id.

        Parameters
        ----------
        identifier : int
            64 bits; 0 means no id and is not added.
        newest : int
            Time of the newest event in microseconds; it never decreases.
        """
        width = self.horizon // GENERATIONS
        while self._generations and newest > self._generations[0][0] + width + self.horizon:
            self._generations.popleft()
        if not self._generations or newest > self._generations[-1][0] + width:
            self._generations.append((newest, set()))
        if identifier:
            self._generations[-1][1].add(identifier)

    def dump(self) -> dict[str, Array]:
        """Return the content as arrays."""
        return {
            "starts": np.array([start for start, _ in self._generations], np.int64),
            "sizes": np.array([len(ids) for _, ids in self._generations], np.int64),
            "ids": np.array([identifier for _, ids in self._generations for identifier in ids], np.uint64),
        }

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Restore the content from the arrays of `dump`."""
        if int(arrays["sizes"].sum()) != len(arrays["ids"]):
            raise ValueError("the sizes of the arrays do not agree")
        blocks = np.split(arrays["ids"], np.cumsum(arrays["sizes"])[:-1]) if len(arrays["sizes"]) else []
        for start, ids in zip(arrays["starts"].tolist(), blocks, strict=True):
            self._generations.append((start, set(ids.tolist())))
