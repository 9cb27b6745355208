"""The labels of one entity of a feature view that has many of them. Needs only NumPy."""

from collections.abc import Sequence

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.kernels.recency import NEVER

__all__ = ["HotLabels"]

TIME, IS_FRAUD = range(2)
FRAUD = int(np.float64(1.0).view(np.int64))
"""The bits of the amount of a label of fraud."""
DROP_SHARE = 8
"""Old times are dropped once they are at least one in eight."""


class SortedTimes:
    """Times in order, in an array that grows at its end."""

    def __init__(self, times: Array) -> None:
        self.size = len(times)
        self.array = np.sort(times)

    def add(self, time: int) -> None:
        """Insert a time; those after it move."""
        if self.size == len(self.array):
            self.array = np.concatenate([self.array, np.empty(max(self.size, 8), np.int64)])
        position = self.before(time)
        self.array[position + 1 : self.size + 1] = self.array[position : self.size]
        self.array[position] = time
        self.size += 1

    def before(self, time: int) -> int:
        """Return the number of times before a time."""
        return int(np.searchsorted(self.array[: self.size], time))

    def n_to_drop(self, time: int) -> int:
        """Return the number of times before a time; 0 while they are few, since a drop copies the others."""
        n = self.before(time)
        return n if n * DROP_SHARE >= self.size else 0

    def drop(self, n: int) -> None:
        """Remove the first times."""
        if not n:
            return
        self.array = self.array[n : self.size].copy()
        self.size -= n


class HotLabels:
    """The labels of one entity of one feature view: the times of labels of fraud, and of the other labels.

    A query takes a few bisections, whatever the number of labels.

    Parameters
    ----------
    history : History
        The declaration of the view.
    rows : ndarray of int64, shape (n_labels, n_columns)
        Labels in any order: the time in microseconds, and the bits of 1.0 for fraud or of 0.0. Further columns are not
        kept.
    last : int, default=NEVER
        Time of the last label of fraud that was dropped before.
    first : int, default=NEVER
        Time of the first one.

    Attributes
    ----------
    first, last : int
        Times of the first and the last label of fraud that were dropped; `NEVER` if none were.

    Examples
    --------
    >>> history = History(("1m",), measures=("known", "frauds", "fraud_rate", "since_fraud"), prior=(0.0, 2.0))
    >>> labels = HotLabels(history, np.array([[0, 0]]))
    >>> labels.add([40_000_000, FRAUD])
    >>> out = np.full((2, 4), np.nan)
    >>> labels.fill(50_000_000, out)
    >>> out[0].tolist()
    [2.0, 1.0, 0.25, 10.0]
    """

    def __init__(self, history: History, rows: Array, *, first: int = NEVER, last: int = NEVER) -> None:
        self.history = history
        self.first, self.last = first, last
        is_fraud = rows[:, IS_FRAUD] == FRAUD
        self._frauds, self._others = SortedTimes(rows[is_fraud, TIME]), SortedTimes(rows[~is_fraud, TIME])

    @property
    def size(self) -> int:
        """Number of labels held."""
        return self._frauds.size + self._others.size

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self._frauds.array.nbytes + self._others.array.nbytes

    def add(self, row: Array | Sequence[int]) -> None:
        """Add a label, which may be late."""
        (self._frauds if row[IS_FRAUD] == FRAUD else self._others).add(int(row[TIME]))

    def add_many(self, rows: Array) -> None:
        """Add labels in any order; they may be late."""
        together = np.concatenate([self.rows(), rows[:, : IS_FRAUD + 1]])
        is_fraud = together[:, IS_FRAUD] == FRAUD
        self._frauds, self._others = SortedTimes(together[is_fraud, TIME]), SortedTimes(together[~is_fraud, TIME])

    def drop_before(self, time: int) -> int:
        """Drop the labels before a time.

        Returns the number of labels dropped; 0 while they are few.
        """
        n_frauds, n_others = self._frauds.n_to_drop(time), self._others.n_to_drop(time)
        if n_frauds:
            first, last = self._frauds.array[[0, n_frauds - 1]].tolist()
            self.first = first if self.first == NEVER else min(self.first, first)
            self.last = max(self.last, last)
        self._frauds.drop(n_frauds)
        self._others.drop(n_others)
        return n_frauds + n_others

    def rows(self) -> Array:
        """Return the labels held, in order of time."""
        parts = [(self._frauds, FRAUD), (self._others, 0)]
        rows = np.concatenate([np.column_stack([p.array[: p.size], np.full(p.size, bits)]) for p, bits in parts])
        return rows[np.argsort(rows[:, TIME], kind="stable")]

    def last_before(self, cutoff: int) -> int:
        """Return the time of the last label held that is before a cutoff time; `NEVER` without one."""
        counts = [(times, times.before(cutoff)) for times in (self._frauds, self._others)]
        return max((int(times.array[n - 1]) for times, n in counts if n), default=NEVER)

    def fill(self, cutoff: int, out: Array) -> None:
        """Compute the columns of labels strictly before a cutoff time, as `fill_labels` does."""
        history, frauds, others = self.history, self._frauds, self._others
        n_frauds, n_others = frauds.before(cutoff), others.before(cutoff)
        rate, weight = history.prior
        columns = history.indices_by_window(("known", "frauds", "fraud_rate")).tolist()
        for width, (known_column, frauds_column, rate_column) in zip(history.widths.tolist(), columns, strict=True):
            in_window = n_frauds - frauds.before(cutoff - width)
            known = in_window + n_others - others.before(cutoff - width)
            values = float(known), float(in_window), (in_window + weight * rate) / (known + weight)
            for position, value in zip((known_column, frauds_column, rate_column), values, strict=True):
                if position >= 0:
                    out[0, position] = value
        self._fill_recency(cutoff, n_frauds, n_others, out)

    def _fill_recency(self, cutoff: int, n_frauds: int, n_others: int, out: Array) -> None:
        fraud_column, clean_column, run_column = self.history.indices(
            ("since_fraud", "since_clean", "fraud_run"), ""
        ).tolist()
        last = int(self._frauds.array[n_frauds - 1]) if n_frauds else self.last
        if fraud_column >= 0 and last != NEVER:
            out[0, fraud_column] = (cutoff - last) / SECOND
        since = cutoff - int(self.history.widths.max())
        clean = int(self._others.array[n_others - 1]) if n_others else NEVER
        if clean_column >= 0 and clean >= since:
            out[0, clean_column] = (cutoff - clean) / SECOND
        if run_column >= 0:  # labels of fraud at the time of the last other label do not count as later ones
            out[0, run_column] = n_frauds - self._frauds.before(max(since, clean + 1))
