"""The events of one entity of a feature view that has many of them. Needs only NumPy and Numba."""

from typing import Self

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.encoded import NO_CODES, CutoffTimes, EncodedEvents, fill_history
from fraudsieve.features.history.kernels.ids import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER

__all__ = ["HotTimeline"]

TIME, AMOUNT, KIND, IDS = range(4)


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

    Attributes
    ----------
    size : int
        Number of events held.
    first, last : int
        Times of the first and the last event that were dropped; `NEVER` if none were.

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

    def __init__(self, history: History, rows: Array, *, first: int = NEVER, last: int = NEVER) -> None:
        self.history = history
        self.first, self.last = first, last
        self._rows = np.array(rows, np.int64)

    @property
    def size(self) -> int:
        """Number of events held."""
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self._rows.nbytes

    def add(self, row: Array) -> None:
        """Add an event, which may be late.

        Parameters
        ----------
        row : ndarray of int64, shape (3 + n_identifiers,), or sequence of int
            The event.
        """
        self.add_many(np.array([row], np.int64))

    def add_many(self, rows: Array) -> None:
        """Add events in any order; they may be late.

        Parameters
        ----------
        rows : ndarray of int64, shape (n_events, 3 + n_identifiers)
            The events.
        """
        together = np.concatenate([self._rows, rows])
        self._rows = together[np.argsort(together[:, TIME], kind="stable")]

    def drop_before(self, time: int) -> int:
        """Drop the events before a time.

        Parameters
        ----------
        time : int
            Microseconds since 1970. No cutoff time may need these events later.

        Returns
        -------
        int
            Number of events dropped; 0 also if there are so few that it does not pay yet.
        """
        n = int(np.searchsorted(self._rows[:, TIME], time))
        if n:
            times = self._rows[:n, TIME]
            self.first = int(times[0]) if self.first == NEVER else min(self.first, int(times[0]))
            self.last = max(self.last, int(times[-1]))
            self._rows = self._rows[n:].copy()
        return n

    def rows(self) -> Array:
        """Return the events held, in order of time.

        Returns
        -------
        ndarray of int64, shape (n_events, 3 + n_identifiers)
        """
        return self._rows

    def fill(self, cutoff: int, amounts: Array, out: Array) -> None:
        """Compute the columns of the view strictly before a cutoff time, as `fill_history` does.

        Parameters
        ----------
        cutoff : int
            Microseconds since 1970.
        amounts : ndarray of float64, shape (2,) or empty
            The current amount, twice; empty if the subject has none, and the last amount is used.
        out : ndarray of float64, shape (2, n_columns)
            The first row is filled in; undefined values are left as they are.
        """
        history, rows = self.history, self._rows
        codes, n_codes = {}, {}
        for position, name in enumerate((history.counterparty, *history.identifiers)):
            keys = rows[:, IDS + position].copy()
            codes[name], n_codes[name] = code_numbers(keys.view(np.uint64), keys != 0)
        events = EncodedEvents(
            np.array([0, len(rows)]),
            rows[:, TIME].copy(),
            rows[:, AMOUNT].copy().view(np.float64),
            codes,
            n_codes,
            rows[:, KIND].astype(np.int32) if history.kinds else NO_CODES,
            np.array([self.first]),
            np.array([self.last]),
        )
        cutoffs = CutoffTimes(np.array([0, 1]), np.array([cutoff]), np.zeros(1, np.int32), amounts)
        fill_history(history, events, cutoffs, out)

    def dump(self) -> dict[str, Array]:
        """Return the timeline as arrays, for `restore`; they include what was dropped and still counts."""
        return {"rows": self._rows.copy(), "ends": np.array([self.first, self.last])}

    @classmethod
    def restore(cls, history: History, arrays: dict[str, Array]) -> Self:
        """Return the timeline that `dump` wrote.

        Parameters
        ----------
        history : History
            The declaration of the view.
        arrays : dict of str to ndarray
            From `dump`.

        Returns
        -------
        HotTimeline
        """
        first, last = arrays["ends"].tolist()
        return cls(history, arrays["rows"], first=first, last=last)
