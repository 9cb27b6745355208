"""Measures of labels: their number is a count, and the number of frauds a sum of ones. Needs only NumPy and Numba."""

from fraudsieve._compiled import compile_kernel
from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array

from .measure import Measure
from .recency import NEVER
from .windows import begin_of

__all__ = ["MEASURES", "label_runs"]

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
)


@compile_kernel()
def label_runs(
    starts: Array,
    times: Array,
    cutoff_starts: Array,
    cutoffs: Array,
    floors: Array,
    rows: Array,
    width: int,
    frauds: Array,
    since_clean: Array,
    run: Array,
) -> None:
    """Compute the seconds since the last label that is not fraud, and the number of fraud labels after it.

    Parameters
    ----------
    starts, times, cutoff_starts, cutoffs, floors, rows
        As for `totals_in_windows`.
    width : int
        Length of the window in microseconds; older labels are not counted.
    frauds : ndarray of float64, shape (n_labels,)
        1 for fraud and 0 otherwise.
    since_clean : ndarray of float64, shape (n_subjects,)
        Filled in with seconds; left as it is if the window has no such label.
    run : ndarray of float64, shape (n_subjects,)
        Filled in.
    """
    #   times        10   20   30   30   40   50      `clean` is 30, the time of the last label that is not fraud
    #   frauds        1    0    0    1    1    1      `so_far` 4, of which `at_clean` 2: until 30, and at 30
    #   run                                           4 - 2 = 2: those at 40 and 50
    #   window        .    .    .    .    . [ 50      `before` 3: those that the window does not reach; 4 - 3 = 1
    #
    # A fraud at the time of the clean label counts as earlier, in whatever order the two came.
    for e in range(starts.size - 1):
        left = right = starts[e]
        before, so_far, at_clean, clean = 0, 0, 0, NEVER
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            while right < starts[e + 1] and times[right] < cutoffs[k]:
                if frauds[right] > 0.0:
                    so_far += 1
                    at_clean += times[right] == clean
                else:
                    clean, at_clean = times[right], so_far
                right += 1
            begin = begin_of(cutoffs, floors, k, width)
            while left < right and times[left] < begin:
                before += frauds[left] > 0.0
                left += 1
            run[rows[k]] = so_far - max(before, at_clean)
            if clean != NEVER and clean >= begin:
                since_clean[rows[k]] = (cutoffs[k] - clean) / SECOND
