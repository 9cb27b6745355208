"""The kernels of entities with many events, compiled before the first entity has so many."""

from collections.abc import Iterable

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve.features.history.declaration import History

from .labels import HotLabels
from .timeline import HotTimeline

__all__ = ["compile_hot_kernels"]


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
