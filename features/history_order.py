"""Events in order of entity and time: coding ids, and sorting, both by the radix of what is at hand.

Ids become whole numbers in a hash table that compares every byte; coded events are dealt to their entities, and within
an entity sorted by time: short runs by insertion, long ones by the leading bits first, and by all digits where many
events share these. All of it is stable, and linear in the events.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["code_strings", "sort_events"]

Array = npt.NDArray[Any]

FIRST, SECOND = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)  # as in `ngrams`
FINAL, HALF = np.uint64(0xFF51AFD7ED558CCD), np.uint64(32)
SHORT = 15
"""Ids of up to so many bytes fit in two words, the last byte of which is the length."""
LONG_MARK = np.uint64(0xFF) << np.uint64(56)
BELOW_MARK = np.uint64((1 << 56) - 1)
INSERTION = 48
"""Runs of up to so many events are sorted by insertion."""
MOST_BUCKETS = 1 << 16
DIGIT = 8
LOW_DIGIT = np.uint64((1 << DIGIT) - 1)


@nb.njit(inline="always")
def _bytes_at(data: Array, at: int, n: int) -> np.uint64:
    """Read up to eight bytes as one word."""
    word = np.uint64(0)
    for k in range(n):
        word |= np.uint64(data[at + k]) << np.uint64(8 * k)
    return word


@nb.njit(inline="always")
def _eight_at(data: Array, at: int) -> np.uint64:
    """Read eight bytes, written out: the compiler makes it one load."""
    i = np.uint64(at)  # an unsigned place cannot count from the end
    low = np.uint64(data[i]) | np.uint64(data[i + np.uint64(1)]) << np.uint64(8)
    low |= np.uint64(data[i + np.uint64(2)]) << np.uint64(16) | np.uint64(data[i + np.uint64(3)]) << np.uint64(24)
    high = np.uint64(data[i + np.uint64(4)]) << HALF | np.uint64(data[i + np.uint64(5)]) << np.uint64(40)
    high |= np.uint64(data[i + np.uint64(6)]) << np.uint64(48) | np.uint64(data[i + np.uint64(7)]) << np.uint64(56)
    return low | high


@nb.njit(inline="always")
def _short_key(data: Array, start: int, n: int) -> tuple[np.uint64, np.uint64]:
    if start + 16 > data.size:
        one, two = _bytes_at(data, start, min(n, 8)), _bytes_at(data, start + 8, max(n - 8, 0))
    elif n >= 8:
        one = _eight_at(data, start)
        two = _eight_at(data, start + 8) & ((np.uint64(1) << np.uint64(8 * (n - 8))) - np.uint64(1))
    else:
        one = _eight_at(data, start) & ((np.uint64(1) << np.uint64(8 * n)) - np.uint64(1))
        two = np.uint64(0)
    return one, two | np.uint64(n) << np.uint64(56)


@nb.njit(cache=True, nogil=True)
def _long_key(data: Array, start: int, n: int) -> tuple[np.uint64, np.uint64]:
    one, two = np.uint64(n), FINAL
    for at in range(start, start + n, 8):
        word = _bytes_at(data, at, min(8, start + n - at))
        one = (one ^ word) * FIRST
        one ^= one >> HALF
        two = (two ^ word) * SECOND
        two ^= two >> HALF
    return one, (two & BELOW_MARK) | LONG_MARK


@nb.njit(cache=True, nogil=True)
def _same_bytes(data: Array, offsets: Array, i: int, j: int) -> bool:
    n = offsets[i + 1] - offsets[i]
    if offsets[j + 1] - offsets[j] != n:
        return False
    different = 0
    for k in range(n):
        different |= data[offsets[i] + k] ^ data[offsets[j] + k]
    return different == 0


@nb.njit(inline="always")
def _slot(one: np.uint64, two: np.uint64, mask: np.uint64) -> np.uint64:
    state = (one * FIRST) ^ (two * SECOND)
    return ((state ^ (state >> HALF)) * FINAL >> HALF) & mask


@nb.njit(cache=True, nogil=True)
def _grown(table: Array, ones: Array, twos: Array, n: int) -> Array:
    larger = np.full(table.size * 4, -1, np.int32)
    mask = np.uint64(larger.size - 1)
    for code in range(n):
        slot = _slot(ones[code], twos[code], mask)
        while larger[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        larger[slot] = code
    return larger


@nb.njit(cache=True, nogil=True)
def _code_kernel(offsets: Array, data: Array, valid: Array, codes: Array) -> int:
    rows = codes.size
    ones, twos = np.empty(rows, np.uint64), np.empty(rows, np.uint64)
    firsts = np.empty(rows, np.int64)
    table = np.full(1 << 12, -1, np.int32)
    n = 0
    for i in range(rows):
        if valid.size and not valid[i]:
            codes[i] = -1
            continue
        start, length = offsets[i], offsets[i + 1] - offsets[i]
        short = length <= SHORT
        one, two = _short_key(data, start, length) if short else _long_key(data, start, length)
        mask = np.uint64(table.size - 1)
        slot = _slot(one, two, mask)
        code = table[slot]
        while code >= 0:
            if ones[code] == one and twos[code] == two and (short or _same_bytes(data, offsets, firsts[code], i)):
                break
            slot = (slot + np.uint64(1)) & mask
            code = table[slot]
        if code < 0:
            code = np.int32(n)
            table[slot] = code
            ones[n], twos[n], firsts[n] = one, two, i
            n += 1
            if 2 * n > table.size:
                table = _grown(table, ones, twos, n)
        codes[i] = code
    return n


def code_strings(offsets: Array, data: Array, valid: Array | None = None) -> tuple[Array, int]:
    """Number strings by first appearance.

    Parameters
    ----------
    offsets : ndarray of int32 or int64, shape (n_rows + 1,)
        String ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    data : ndarray of uint8
        The bytes of all strings.
    valid : ndarray of bool, shape (n_rows,), default=None
        False where a row has no string; None stands for all True.

    Returns
    -------
    codes : ndarray of int32, shape (n_rows,)
        The number of every string; -1 where there is none.
    n_codes : int
        How many different strings there are.

    Examples
    --------
    >>> data = np.frombuffer(b"annbobann", np.uint8)
    >>> codes, n_codes = code_strings(np.array([0, 3, 6, 9]), data)
    >>> codes.tolist(), n_codes
    ([0, 1, 0], 2)
    """
    codes = np.empty(offsets.size - 1, np.int32)
    n_codes = _code_kernel(offsets, data, np.empty(0, np.bool_) if valid is None else valid, codes)
    return codes, int(n_codes)


@nb.njit(inline="always")
def _insertion_sort(times: Array, order: Array, start: int, stop: int) -> None:
    for i in range(start + 1, stop):
        time, row = times[i], order[i]
        j = i
        while j > start and times[j - 1] > time:
            times[j], order[j] = times[j - 1], order[j - 1]
            j -= 1
        times[j], order[j] = time, row


@nb.njit(cache=True, nogil=True)
def _digit_sort(times: Array, order: Array, spare_times: Array, spare_order: Array) -> None:
    """Sort by all digits of the times, the lowest first."""
    low = times.min()
    span = np.uint64(times.max() - low)  # wraps, and is right as an unsigned number
    counts = np.empty((1 << DIGIT) + 1, np.int64)
    shift = np.uint64(0)
    while shift < np.uint64(64) and span >> shift:
        counts[:] = 0
        for i in range(times.size):
            counts[np.int64(np.uint64(times[i] - low) >> shift & LOW_DIGIT) + 1] += 1
        for d in range(1, counts.size):
            counts[d] += counts[d - 1]
        for i in range(times.size):
            digit = np.int64(np.uint64(times[i] - low) >> shift & LOW_DIGIT)
            spare_times[counts[digit]], spare_order[counts[digit]] = times[i], order[i]
            counts[digit] += 1
        times[:], order[:] = spare_times[: times.size], spare_order[: times.size]
        shift += np.uint64(DIGIT)


@nb.njit(cache=True, nogil=True)
def _run_sort(times: Array, order: Array, spare_times: Array, spare_order: Array, ends: Array) -> None:
    """Sort a long run: deal it to buckets by the leading bits of its times, then sort every bucket."""
    low = times.min()
    span = np.uint64(times.max() - low)
    shift = np.uint64(0)
    while span >> shift > np.uint64(min(times.size, ends.size) // 4):
        shift += np.uint64(1)
    n_buckets = np.int64(span >> shift) + 1
    ends[:n_buckets] = 0
    for i in range(times.size):
        ends[np.int64(np.uint64(times[i] - low) >> shift)] += 1
    before = 0
    for b in range(n_buckets):
        size = ends[b]
        ends[b] = before
        before += size
    for i in range(times.size):
        bucket = np.int64(np.uint64(times[i] - low) >> shift)
        spare_times[ends[bucket]], spare_order[ends[bucket]] = times[i], order[i]
        ends[bucket] += 1
    times[:], order[:] = spare_times[: times.size], spare_order[: times.size]
    start = 0
    for b in range(n_buckets):
        if ends[b] - start <= INSERTION:
            _insertion_sort(times, order, start, ends[b])
        else:
            _digit_sort(times[start : ends[b]], order[start : ends[b]], spare_times, spare_order)
        start = ends[b]


@nb.njit(cache=True, nogil=True)
def _sort_kernel(entities: Array, times: Array, starts: Array, order: Array, in_order: Array) -> None:
    for i in range(entities.size):
        starts[entities[i] + 1] += 1
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1])
        starts[e + 1] += starts[e]
    ends = starts[:-1].copy()
    for i in range(entities.size):
        at = ends[entities[i]]
        in_order[at], order[at] = times[i], i
        ends[entities[i]] = at + 1
    spare_times, spare_order = np.empty(longest, np.int64), np.empty(longest, np.int32)
    buckets = np.empty(min(longest, MOST_BUCKETS) + 1, np.int64)
    for e in range(starts.size - 1):
        start, stop = starts[e], starts[e + 1]
        if stop - start <= INSERTION:
            _insertion_sort(in_order, order, start, stop)
        else:
            _run_sort(in_order[start:stop], order[start:stop], spare_times, spare_order, buckets)


def sort_events(entities: Array, times: Array, n_entities: int) -> tuple[Array, Array, Array]:
    """Sort rows by entity and, within an entity, by time; rows alike in both stay in their order.

    Parameters
    ----------
    entities : ndarray of int32, shape (n_rows,)
        Codes below ``n_entities``.
    times : ndarray of int64, shape (n_rows,)
        In any unit.
    n_entities : int
        How many entities there are.

    Returns
    -------
    starts : ndarray of int64, shape (n_entities + 1,)
        The rows of entity ``e`` are ``order[starts[e]:starts[e + 1]]``.
    order : ndarray of int32, shape (n_rows,)
        Positions of the rows, in order.
    times : ndarray of int64, shape (n_rows,)
        The times, in order.

    Examples
    --------
    >>> starts, order, times = sort_events(np.array([1, 0, 1], np.int32), np.array([30, 20, 10]), 2)
    >>> starts.tolist(), order.tolist(), times.tolist()
    ([0, 1, 3], [1, 2, 0], [20, 10, 30])
    """
    starts = np.zeros(n_entities + 1, np.int64)
    order, in_order = np.empty(entities.size, np.int32), np.empty(entities.size, np.int64)
    _sort_kernel(entities, times, starts, order, in_order)
    return starts, order, in_order
