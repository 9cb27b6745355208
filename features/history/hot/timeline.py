"""The events of one entity of a feature view that has many of them. Needs only NumPy and Numba."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.kernels.recency import NEVER

from .labels import HotLabels
from .layout import FIRST, LAST, N_EVENTS, PAGE
from .stream import Stream

__all__ = ["HotTimeline", "compile_hot_kernels"]

TIME, AMOUNT, KIND = range(3)


class HotTimeline:
    """The events of one entity of one feature view, in order of time.

    Parameters
    ----------
    history : History
        The declaration of the view.
    rows : ndarray of int64, shape (n_events, 3 + n_identifiers)
        Events in order of time: the time in microseconds, the bits of the amount, the index of the kind among the
        declared ones (-1 for another kind), and a digest per identifier (0 if missing).
    first, last : int, default=NEVER
        Times of the first and the last event that were dropped before.
    page_size : int, default=PAGE
        Maximum number of events of a page.

    Examples
    --------
    >>> history = History(("1h",), measures=("count", "since_last"))
    >>> timeline = HotTimeline(history, np.array([[0, 0, -1, 7], [40_000_000, 0, -1, 7]]))
    >>> timeline.add(np.array([10_000_000, 0, -1, 7]))
    >>> out = np.full((2, 2), np.nan)
    >>> timeline.fill(70_000_000, np.empty(0), out)
    >>> out[0].tolist()
    [3.0, 30.0]
    """

    def __init__(
        self, history: History, rows: Array, *, first: int = NEVER, last: int = NEVER, page_size: int = PAGE
    ) -> None:
        self.history = history
        self._streams = [Stream(history, kind, page_size=page_size) for kind in ("", *history.kinds)]
        self._streams[0].arrays.meta[[FIRST, LAST]] = first, last
        self.add_many(rows)

    @property
    def size(self) -> int:
        """Number of events held."""
        return int(self._streams[0].arrays.meta[N_EVENTS])

    @property
    def first(self) -> int:
        """Time of the first event that was dropped."""
        return int(self._streams[0].arrays.meta[FIRST])

    @property
    def last(self) -> int:
        """Time of the last event that was dropped."""
        return int(self._streams[0].arrays.meta[LAST])

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(stream.nbytes for stream in self._streams)

    def add(self, row: Array | Sequence[int]) -> None:
        """Add an event, which may be late."""
        rows = np.array([row], np.int64)
        self._streams[0].add(rows)
        if 0 <= rows[0, KIND] < len(self.history.kinds):
            self._streams[1 + rows[0, KIND]].add(rows)

    def add_many(self, rows: Array) -> None:
        """Add events in any order; they may be late."""
        if len(rows):
            # In order, most of them are appended.
            amounts = np.nan_to_num(rows[:, AMOUNT].copy().view(np.float64), nan=-np.inf)
            rows = rows[np.lexsort((amounts, rows[:, TIME]))]
            self._streams[0].add(rows)
            for position, stream in enumerate(self._streams[1:]):
                stream.add(rows[rows[:, KIND] == position])

    def drop_before(self, time: int) -> int:
        """Drop the events before a time.

        Returns the number of events dropped.
        """
        n_dropped = [stream.drop_before(time) for stream in self._streams]
        return n_dropped[0]

    def rows(self) -> Array:
        """Return the events held, in order of time."""
        return self._streams[0].rows()

    def last_before(self, cutoff: int) -> int:
        """Return the time of the last event held that is before a cutoff time; `NEVER` without one."""
        return self._streams[0].last_before(cutoff)

    def fill(self, cutoff: int, amounts: Array, out: Array) -> None:
        """Compute the columns of the view strictly before a cutoff time, as `fill_history` does."""
        for stream in self._streams:
            stream.fill(cutoff, amounts, out)

    def dump(self) -> dict[str, Array]:
        """Return all arrays, with what was dropped and still counts in a window ``all``.

        Without such a window, `rows`, `first` and `last` are enough, and smaller.
        """
        return {
            f"{position}.{name}": array.copy()
            for position, stream in enumerate(self._streams)
            for name, array in stream.dump().items()
        }

    @classmethod
    def restore(cls, history: History, arrays: Mapping[str, Array]) -> Self:
        """Return the timeline that `dump` wrote.

        Raises
        ------
        KeyError, ValueError
            If an array is missing, or has another shape or type.
        """
        timeline = cls(history, np.empty((0, KIND + 2 + len(history.identifiers)), np.int64))
        for position, stream in enumerate(timeline._streams):
            stream.restore({name: arrays[f"{position}.{name}"] for name in stream.dump()})
        return timeline


def compile_hot_kernels(histories: Iterable[History]) -> None:
    """Compile the kernels for entities with many events, so that the first such entity does not take seconds.

    Parameters
    ----------
    histories : iterable of History
        The feature views.

    Examples
    --------
    >>> compile_hot_kernels([History(("1h",), measures=("count", "since_last"))])
    """
    for history in histories:
        width = 3 + 1 + len(history.identifiers)
        rows = np.arange(8 * width, dtype=np.int64).reshape(8, width)
        rows[:, 0] = np.arange(8) * SECOND
        rows[:, 2] = -1
        out = np.full((2, len(history.columns)), np.nan)
        timeline = HotTimeline(history, rows, page_size=4)
        timeline.add(rows[3])
        for cutoff in (9, 5, 9):
            timeline.fill(cutoff * SECOND, np.empty(0), out)
        timeline.drop_before(2 * SECOND)
        timeline.fill(9 * SECOND, np.ones(2), out)
        if history.needs_labels:
            labels = np.zeros((4, 3), np.int64)
            labels[:, 0] = np.arange(4) * SECOND
            HotLabels(history, labels).fill(9 * SECOND, out)
