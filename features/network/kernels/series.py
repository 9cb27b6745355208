"""Series of times, one or several per node, each sorted and contiguous in one shared array. Needs only NumPy and Numba.

A series fills the beginning of a slab (`features.history.kernels.slabs`), the smallest that holds its entries. So an
entry costs amortised constant time, and a look-up is a bisection.
"""

from typing import Any, NamedTuple

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.slabs import END, SIZES, allocate_slab, empty_heads, free_slab, size_class

START, SIZE = 0, 1
ONE, TWO = np.int64(1), np.int64(2)
"""Arguments of kernels: Numba would compile a function again for every literal number."""


class Series(NamedTuple):
    """Sorted series of all nodes."""

    spans: Array
    """Start and size of each series, int32, shape (n_nodes, n_kinds, 2)."""
    times: Array
    """Times of the entries, int64; the links of free slabs."""
    items: Array
    """The item of each entry."""
    heads: Array
    """The heads of the slabs."""


def empty_series(n_nodes: int, n_kinds: int, n_entries: int, item_type: type) -> Series:
    """Return series without entries."""
    spans = np.zeros((n_nodes, n_kinds, 2), np.int32)
    return Series(spans, np.empty(n_entries, np.int64), np.empty(n_entries, item_type), empty_heads())


def grow_series(series: Series, n_nodes: int, n_entries: int) -> Series:
    """Return the same series with more nodes and room for further entries."""
    spans, used = series.spans, int(series.heads[END])
    if n_nodes > len(spans):
        spans = np.zeros((n_nodes, *spans.shape[1:]), np.int32)
        spans[: len(series.spans)] = series.spans
    n_wanted = used + n_entries
    if n_wanted <= len(series.times):
        return series._replace(spans=spans)
    if n_wanted >= 2**31:
        raise OverflowError(f"Expected fewer than {2**31:,} entries of a network, got {n_wanted:,}.")
    n = min(max(n_wanted, len(series.times) * 5 // 4), 2**31 - 1)
    times, items = np.empty(n, np.int64), np.empty(n, series.items.dtype)
    times[:used], items[:used] = series.times[:used], series.items[:used]
    return Series(spans, times, items, series.heads)


# The three functions below widen what they read to 64 bits: Numba would compile their callers once more for 32.
@compile_part()
def start_of(series: Series, node: int, kind: np.int64) -> int:
    """Return the position of the first entry of a series."""
    start: int = series.spans[node, kind, START] + 0
    return start


@compile_part()
def size_of(series: Series, node: int, kind: np.int64) -> int:
    """Return the number of entries of a series."""
    size: int = series.spans[node, kind, SIZE] + 0
    return size


@compile_part()
def item_at(series: Series, position: int) -> int:
    """Return the item of an entry."""
    item: int = series.items[position] + 0
    return item


@compile_part()
def room_for(size: int, n: Any) -> int:
    """Return how many entries the shared array may grow by when n entries are inserted into a series, one by one."""
    kind = size_class(size)
    room = 0 if size > 0 or n == 0 else SIZES[kind]
    while SIZES[kind] < size + n:
        kind += 1
        room += SIZES[kind]
    return int(room)


@compile_part()
def count_before(series: Series, node: int, kind: np.int64, time: int) -> int:
    """Return the number of entries of a series strictly before a time."""
    start = start_of(series, node, kind)
    low, high = start, start + size_of(series, node, kind)
    while low < high:
        middle = (low + high) // 2
        if series.times[middle] < time:
            low = middle + 1
        else:
            high = middle
    return low - start


@compile_part()
def _move_to_slab(series: Series, node: int, kind: np.int64, old: int, new: int) -> None:
    """Move a series from a slab of a class to one of another class."""
    start, moved = start_of(series, node, kind), allocate_slab(series.heads, series.times, new)
    for k in range(size_of(series, node, kind)):
        series.times[moved + k], series.items[moved + k] = series.times[start + k], series.items[start + k]
    if size_of(series, node, kind):
        free_slab(series.heads, series.times, start, old)
    series.spans[node, kind, START] = moved


@compile_kernel()
def insert(series: Series, node: int, kind: np.int64, position: int, time: int, item: int) -> None:
    """Insert an entry into a series; the caller has made sure that there is room."""
    size = size_of(series, node, kind)
    if size == 0 or SIZES[size_class(size)] == size:
        _move_to_slab(series, node, kind, size_class(size), size_class(size + 1))
    start = start_of(series, node, kind)
    for k in range(start + size, start + position, -1):
        series.times[k], series.items[k] = series.times[k - 1], series.items[k - 1]
    series.times[start + position], series.items[start + position] = time, item
    series.spans[node, kind, SIZE] = size + 1


@compile_part()
def remove(series: Series, node: int, kind: np.int64, position: int) -> None:
    """Remove an entry of a series; the caller has made sure that there is room for a smaller slab."""
    start, size = start_of(series, node, kind), size_of(series, node, kind) - 1
    for k in range(start + position, start + size):
        series.times[k], series.items[k] = series.times[k + 1], series.items[k + 1]
    series.spans[node, kind, SIZE] = size
    if size == 0:
        free_slab(series.heads, series.times, start, size_class(1))
    elif SIZES[size_class(size)] == size:
        _move_to_slab(series, node, kind, size_class(size + 1), size_class(size))


@compile_part()
def move_earlier(series: Series, node: int, kind: np.int64, old_time: int, item: int, time: int) -> None:
    """Give an entry, which the series must have, an earlier time."""
    # Item 8 from 40 to 15; `position` 2, `target` 1:
    #
    #   times     10   20   40   50      becomes     10   15   20   50
    #   items      5    6    8    7      becomes      5    8    6    7
    start = start_of(series, node, kind)
    position = start + count_before(series, node, kind, old_time)
    while series.items[position] != item:  # entries of one and the same time are in no order
        position += 1
    target = start + count_before(series, node, kind, time)
    for k in range(position, target, -1):
        series.times[k], series.items[k] = series.times[k - 1], series.items[k - 1]
    series.times[target], series.items[target] = time, item
