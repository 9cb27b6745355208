"""The ids of what was delivered, for as long as it may come again. NumPy alone."""

from collections import deque
from collections.abc import Mapping

import numpy as np

from fraudsieve._typing import Array

__all__ = ["SeenIds"]


GENERATIONS = 8


class SeenIds:
    """Ids of 64 bits, forgotten by the clock of the events.

    Ids are kept in generations, each of an eighth of the horizon. A generation is dropped whole once the newest event
    is a horizon later than the last moment at which it took one. So memory holds the ids of ten eighths of the horizon
    at most, about 90 bytes each.

    Parameters
    ----------
    horizon : int
        For how long an id is remembered, in microseconds of the events' time.

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
        return sum(len(ids) for _, ids in self._generations)

    def add(self, identifier: int, newest: int) -> None:
        """Remember an id.

        Parameters
        ----------
        identifier : int
            64 bits; 0 stands for none and is not remembered.
        newest : int
            The time of the newest event, in microseconds; it never goes back.
        """
        width = self.horizon // GENERATIONS
        while self._generations and newest > self._generations[0][0] + width + self.horizon:
            self._generations.popleft()
        if not self._generations or newest > self._generations[-1][0] + width:
            self._generations.append((newest, set()))
        if identifier:
            self._generations[-1][1].add(identifier)

    def dump(self) -> dict[str, Array]:
        """Return all that is held, as arrays."""
        return {
            "starts": np.array([start for start, _ in self._generations], np.int64),
            "sizes": np.array([len(ids) for _, ids in self._generations], np.int64),
            "ids": np.array([one for _, ids in self._generations for one in ids], np.uint64),
        }

    def fill_from(self, parts: Mapping[str, Array]) -> None:
        """Take what `dump` returned."""
        blocks = np.split(parts["ids"], np.cumsum(parts["sizes"])[:-1]) if len(parts["sizes"]) else []
        for start, ids in zip(parts["starts"].tolist(), blocks, strict=True):
            self._generations.append((start, set(ids.tolist())))
