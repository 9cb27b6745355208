"""Measures of labels: each counts from its own time until the next one of its subject. Needs only NumPy and Numba.

A label that is replaced leaves what is counted, and in windows it may do so long before it would leave by its age. So
each class has a Fenwick tree over the labels of an entity, in which those that count are ones (Fenwick, A new data
structure for cumulative frequency tables, 1994). A sum over any window then takes as many steps as the number of
labels has bits::

    position       0    1    2    3    4      labels of the events A, B, A, C, B
    times         10   20   30   40   50
    fraud          0    1    1    0    0
    at cutoff 45   .    B    A    C    .      A was replaced at 30: two frauds, and since_fraud is 45 - 30
    at cutoff 55   .    .    A    C    B      B was replaced at 50: one fraud
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array

from .measure import Measure
from .windows import Bounds, first_from, floor_of

MEASURES = (
    Measure("known", "network", "number of labels that became known in the window", "0", ("label",), has_kinds=False),
    Measure("frauds", "network", "number of these labels that are fraud", "0", ("label",), has_kinds=False),
    Measure(
        "fraud_rate",
        "network",
        "``(frauds + weight * rate) / (known + weight)``, from `prior`",
        "the rate",
        ("label",),
        ("known", "frauds"),
        has_kinds=False,
    ),
    Measure("since_fraud", "network", "seconds since the last fraud label", "NaN", ("label",), (), False, False),
    Measure(
        "since_clean", "network", "seconds since the last label that is not fraud", "NaN", ("label",), (), False, False
    ),
    Measure(
        "fraud_run",
        "network",
        "fraud labels since the last label that is not fraud",
        "0",
        ("label",),
        has_window=False,
        has_kinds=False,
    ),
    Measure("held", "volume", "counterparties whose last event is of the kind", "0", ("counterparty",)),
)


@compile_inlined(borrows=True)
def _add(tree: Array, size: int, position: int, step: int) -> None:
    """Add to the count of a position of a Fenwick tree."""
    i = position + 1
    while i <= size:
        tree[i - 1] += step
        i += i & -i


@compile_inlined(borrows=True)
def _sum_before(tree: Array, position: int) -> int:
    """Return the sum of the counts before a position."""
    total, i = 0, position
    while i > 0:
        total += tree[i - 1]
        i &= i - 1
    return int(total)


@compile_inlined(borrows=True)
def _last_of(tree: Array, size: int) -> int:
    """Return the last position whose count is one; -1 if none is."""
    total, low, high = _sum_before(tree, size), 0, size
    while low < high:
        middle = (low + high) // 2
        if _sum_before(tree, middle) < total:
            low = middle + 1
        else:
            high = middle
    return low - 1


@compile_kernel()
def labels_in_windows(
    bounds: Bounds, widths: Array, classes: Array, subjects: Array, columns: Array, ends: Array, out: Array
) -> None:
    """Count labels in windows, each from its time until the next one of its subject.

    Parameters
    ----------
    bounds, widths
        As for `totals_in_windows`, of labels.
    classes : ndarray of int32, shape (n_labels,)
        The class of each label: 1 for fraud and 0 otherwise, or the kind of an event. -1 for another one. Of labels of
        a subject at one time, the one with the largest class counts, in whatever order they came.
    subjects : ndarray of int32, shape (n_labels,) or empty
        Codes of what is labelled; -1 if unknown, or empty if all are: such a label is not replaced.
    columns : ndarray of int64, shape (n_windows, n_classes + 1)
        The column for the labels of each class, and for all; -1 if it is not computed.
    ends : ndarray of int64, shape (3,)
        The column of each of ``since_fraud``, ``since_clean`` and ``fraud_run``; -1 if it is not computed. The last two
        are of the longest window.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; undefined values are left as they are.
    """
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    largest = np.max(starts[1:] - starts[:-1]) if starts.size > 1 else 0
    trees = np.empty((columns.shape[1], largest), np.int32)  # the last is of other classes, whose number is -1
    last = np.full(np.max(subjects) + 1 if subjects.size > 0 else 0, -1, np.int64)
    lefts, longest = np.empty(widths.size, np.int64), np.argmax(widths)
    for e in range(starts.size - 1):
        start, size, right = starts[e], starts[e + 1] - starts[e], 0
        trees[:, :size] = 0
        lefts[:] = 0
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            while right < size and times[start + right] < cutoffs[k]:
                i, right = start + right, right + 1
                subject = subjects[i] if subjects.size > 0 else -1
                earlier = last[subject] if subject >= 0 else -1  # also of an entity before this one
                if earlier >= start:
                    if times[earlier] == times[i] and classes[earlier] > classes[i]:
                        continue
                    _add(trees[classes[earlier]], size, earlier - start, -1)
                if subject >= 0:
                    last[subject] = i
                _add(trees[classes[i]], size, i - start, 1)
            row = rows[k]
            for window in range(widths.size):
                begin, floor, left, total = cutoffs[k] - widths[window], floor_of(floors, k), lefts[window], 0
                while left < right and (times[start + left] < begin or start + left < floor):
                    left += 1
                lefts[window] = left
                for c in range(columns.shape[1]):
                    n = _sum_before(trees[c], right) - _sum_before(trees[c], left)
                    total += n
                    if columns[window, c] >= 0:
                        out[row, columns[window, c]] = total if c + 1 == columns.shape[1] else n
            fraud = _last_of(trees[1], size) if ends[0] >= 0 else -1
            if fraud >= 0:
                out[row, ends[0]] = (cutoffs[k] - times[start + fraud]) / SECOND
            after = lefts[longest]
            clean = _last_of(trees[0], size) if ends[1] >= 0 or ends[2] >= 0 else -1
            if clean >= after:
                if ends[1] >= 0:
                    out[row, ends[1]] = (cutoffs[k] - times[start + clean]) / SECOND
                # A fraud at the time of the clean label counts as earlier, in whatever order the two came.
                after = first_from(times, start + clean, start + right, times[start + clean] + 1) - start
            if ends[2] >= 0:
                out[row, ends[2]] = _sum_before(trees[1], right) - _sum_before(trees[1], after)
