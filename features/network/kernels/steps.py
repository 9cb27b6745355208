"""Running counts of a node: series whose items are totals up to and including a time. Needs only NumPy and Numba.

A total is two counts in one integer, known accounts in the upper and frauds in the lower half. Changes at the same time
share an entry, so the totals do not depend on the order of changes, and no entry needs to be removed.
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_part

from .series import Series, count_before, insert, item_at, size_of, start_of

HALF = 32
LOW = (1 << HALF) - 1


@compile_inlined()
def known_of(total: int) -> int:
    """Return the number of known accounts of a total."""
    return total >> HALF


@compile_inlined()
def frauds_of(total: int) -> int:
    """Return the number of frauds of a total."""
    return total & LOW


@compile_part()
def total_before(steps: Series, node: int, kind: np.int64, time: int) -> int:
    """Return the total strictly before a time."""
    n = count_before(steps, node, kind, time)
    return item_at(steps, start_of(steps, node, kind) + n - 1) if n else 0


@compile_part()
def add_change(steps: Series, node: int, kind: np.int64, time: int, change: int | np.int64) -> None:
    """Add a change of the counts from a time on; a change of zero adds no entry."""
    # Known accounts and frauds, as in `known_of` and `frauds_of`. One known account more from 20 on:
    #
    #   times      10        30      becomes     10     20     30
    #   items     1, 0      2, 1     becomes    1, 0   2, 0   3, 1
    #
    # The new entry begins with the total before it, and the change is added to all entries from there on.
    if change == 0:
        return
    n, size = count_before(steps, node, kind, time), size_of(steps, node, kind)
    first = start_of(steps, node, kind) + n
    if n == size or steps.times[first] != time:
        insert(steps, node, kind, n, time, item_at(steps, first - 1) if n else 0)
    first = start_of(steps, node, kind) + n
    for k in range(first, start_of(steps, node, kind) + size_of(steps, node, kind)):
        steps.items[k] += change


@compile_part()
def label_before(steps: Series, node: int, kind: np.int64, time: int) -> int:
    """Return the label of a node strictly before a time, as a total of one account; 0 if it has none."""
    n = count_before(steps, node, kind, time)
    return (1 << HALF) + item_at(steps, start_of(steps, node, kind) + n - 1) if n else 0
