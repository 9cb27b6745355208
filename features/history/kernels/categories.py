"""Sliding windows over codes: the number of distinct codes, their entropy, repeated codes and new codes.

A code is new in a window if its earliest event in the longest window is in that window. Needs only NumPy and Numba.

Ids are encoded by the hash table of digests and all their bytes. A short id is its own key, in two words. The key of a
longer one is a hash, so its bytes are compared too; two ids with one hash get keys that differ in the second word.
``python -m benchmarks.own`` shows what this gains over PyArrow's ``dictionary_encode``, which scoring could not import.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array

from .digest_table import ABSENT, HASH_KEY, NO_WORD, empty_places, find_place, fold_product, put_number
from .measure import Measure, names_of
from .windows import ONE, Bounds, any_column, enter, floor_of, hours_of_day, leave, left_of

HALF = np.uint64(32)
FEW = 1 << 9
"""Number of ids that tables have places for at first."""
SHORT = 15
"""Maximum number of bytes of an id that is stored in two words; their last byte is its length."""
LONG_MARK = np.uint64(0xFF) << np.uint64(56)
LONGEST_WORD = 5
"""Number of bytes of the longest word that programs write for a missing value or a flag: ``false``."""


@compile_inlined()
def _bytes_at(data: Array, position: int, n: int) -> np.uint64:
    """Return up to eight bytes as one word."""
    word = np.uint64(0)
    for k in range(n):
        word |= np.uint64(data[position + k]) << np.uint64(8 * k)
    return word


@compile_inlined()
def _eight_at(data: Array, position: int) -> np.uint64:
    """Return eight bytes as one word; without a loop, the compiler generates a single load."""
    i = np.uint64(position)  # Numba does not check whether an unsigned index is negative
    low = np.uint64(data[i]) | np.uint64(data[i + np.uint64(1)]) << np.uint64(8)
    low |= np.uint64(data[i + np.uint64(2)]) << np.uint64(16) | np.uint64(data[i + np.uint64(3)]) << np.uint64(24)
    high = np.uint64(data[i + np.uint64(4)]) << HALF | np.uint64(data[i + np.uint64(5)]) << np.uint64(40)
    high |= np.uint64(data[i + np.uint64(6)]) << np.uint64(48) | np.uint64(data[i + np.uint64(7)]) << np.uint64(56)
    return low | high


@compile_inlined()
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


@compile_part()
def _long_key(data: Array, start: int, n: int, key: Array) -> tuple[np.uint64, np.uint64]:
    # A secret factor: without it, a change of the next word could cancel a change of this one.
    state, factor = key[4] ^ np.uint64(n), key[5]
    for position in range(start, start + n, 8):
        word = (
            _eight_at(data, position) if position + 8 <= start + n else _bytes_at(data, position, start + n - position)
        )
        state = fold_product(state ^ word, factor)
    return state, LONG_MARK


@compile_part()
def _same_bytes(data: Array, starts: Array, stops: Array, i: int, j: int) -> bool:
    n = stops[i] - starts[i]
    if stops[j] - starts[j] != n:
        return False
    different = 0
    for k in range(n):
        different |= data[starts[i] + k] ^ data[starts[j] + k]
    return different == 0


@compile_inlined()
def _may_be_blank(data: Array, at: int) -> bool:
    # The first byte of a character of UTF-8 gives its block. Blanks and invisible characters are below 33, at 127,
    # and in the blocks of C2, CD, D8, DB, DC, E0 to E2, E3 80, E3 85, EF and F0 to F4. Others are visible letters.
    byte = data[at]
    if byte < 128:
        return bool(byte <= 32 or byte == 127)
    if byte == 0xE3:
        return bool(data[at + 1] == 0x80 or data[at + 1] == 0x85)
    return not (0xC3 <= byte <= 0xCC or 0xCE <= byte <= 0xD7 or 0xE4 <= byte <= 0xEE)


@compile_part()
def _is_odd(data: Array, start: int, stop: int) -> bool:
    if start == stop:
        return True
    last = stop - 1
    while last > start and 128 <= data[last] < 192:  # the first byte of the last character
        last -= 1
    ends_with_digit = 48 <= data[last] <= 57
    is_word = stop - start <= LONGEST_WORD and not ends_with_digit
    return is_word or _may_be_blank(data, start) or _may_be_blank(data, last)


@compile_part()
def _with_more_places(places: Array, n: int, keys: Array, key: Array) -> Array:
    larger = np.full(places.size * 4, ABSENT, np.int32)
    for code in range(n):
        put_number(code, larger, keys, key)
    return larger


@compile_kernel()
def _code_kernel(
    starts: Array, stops: Array, data: Array, valid: Array, key: Array, places: Array, codes: Array, firsts: Array,
    is_odd: Array,
) -> int:  # fmt: skip
    rows = codes.size
    keys = np.empty((rows, 2), np.uint64)
    n = 0
    for i in range(rows):
        if valid.size and not valid[i]:
            codes[i] = -1
            continue
        start, length = starts[i], stops[i] - starts[i]
        short = length <= SHORT
        one, two = _short_key(data, start, length) if short else _long_key(data, start, length, key)
        place = find_place(one, two, NO_WORD, places, keys, key)
        while places[place] >= 0 and not short and not _same_bytes(data, starts, stops, firsts[places[place]], i):
            two += np.uint64(1)  # another id with this hash
            place = find_place(one, two, NO_WORD, places, keys, key)
        code = places[place]
        if code < 0:
            code = np.int32(n)
            places[place], firsts[n], is_odd[n] = code, i, _is_odd(data, start, stops[i])
            keys[n, 0], keys[n, 1] = one, two
            n += 1
            if 2 * n > places.size:
                places = _with_more_places(places, n, keys, key)
        codes[i] = code
    return n


class CodedStrings(NamedTuple):
    """Strings encoded as integers, in the order of first appearance."""

    # Shape (n_rows,). Code of each string; -1 if missing.
    codes: Array
    # Shape (n_codes,). The first row of each code.
    firsts: Array
    # Shape (n_codes,). Whether a string needs a second look before it is an id: it is empty, has a blank at an edge,
    # may be a word for a missing value or a flag.
    is_odd: Array


def code_strings(starts: Array, stops: Array, data: Array, valid: Array | None = None) -> CodedStrings:
    """Encode strings as integers."""
    n = len(starts)
    coded = CodedStrings(np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.bool_))
    strings = [array.view() for array in (starts, stops, data)]
    for array in strings:
        array.flags.writeable = False  # one type, and one compiled kernel, wherever they come from
    valid = np.empty(0, np.bool_) if valid is None else valid
    starts, stops, data = strings
    n_codes = _code_kernel(starts, stops, data, valid, HASH_KEY, empty_places(4 * FEW), *coded)
    return CodedStrings(coded.codes, coded.firsts[:n_codes].copy(), coded.is_odd[:n_codes].copy())


@compile_kernel()
def number_keys(numbers: Array, valid: Array, key: Array, codes: Array) -> int:
    """Fill in the codes of `code_numbers` and return how many numbers differ; `valid` is empty if all are valid."""
    places = np.full(2 * FEW, ABSENT, np.int32)
    keys = np.empty((numbers.size, 1), np.uint64)
    n = 0
    for i in range(numbers.size):
        if valid.size and not valid[i]:
            codes[i] = -1
            continue
        place = find_place(numbers[i], NO_WORD, NO_WORD, places, keys, key)
        code = places[place]
        if code < 0:
            code = np.int32(n)
            places[place], keys[n, 0] = code, numbers[i]
            n += 1
            if 2 * n > places.size:
                places = _with_more_places(places, n, keys, key)
        codes[i] = code
    return n


def code_numbers(keys: Array, valid: Array | None = None) -> tuple[Array, int]:
    """Encode integers as codes, in the order of first appearance."""
    codes = np.empty(keys.size, np.int32)
    n_codes = number_keys(keys, np.empty(0, np.bool_) if valid is None else valid, HASH_KEY, codes)
    return codes, int(n_codes)


MEASURES = (
    Measure(
        "entropy",
        "counterparties",
        "entropy of the counterparties, in nats",
        reads=("counterparty",),
        has_identifiers=True,
        needs_times=False,
    ),
    Measure(
        "repeats",
        "counterparties",
        "events with the counterparty and amount of an earlier event",
        "0",
        ("amount", "counterparty"),
        needs_times=False,
    ),
    Measure(
        "new",
        "novelty",
        "counterparties without an event before it in the longest window",
        "0",
        ("counterparty",),
        has_identifiers=True,
        left_out="longest",  # there it would equal `distinct`
    ),
    Measure("hour_entropy", "rhythm", "entropy of the hours of day, in nats", reads=("clock",)),
)
CODE_MEASURES = ("distinct", *names_of(MEASURES[:3]))
"""The measures of `codes_in_windows`, in the order of its columns. The entropy of hours is that of a code."""
DISTINCT, ENTROPY, REPEATS, NEW = range(len(CODE_MEASURES))
N_HOURS: Final[Any] = np.int64(24)
PARTS, PART_MASK = 2.0**52, (1 << 52) - 1


@compile_part()
def code_pairs(codes: Array, amounts: Array, key: Array) -> tuple[Array, int]:
    """Encode pairs of counterparty and amount as integers.

    Parameters
    ----------
    codes : ndarray of int32, shape (n_events,)
        Codes of the counterparties, -1 if missing.
    amounts : ndarray of float64, shape (n_events,)
        Amounts, NaN if missing.
    key : ndarray of uint64
        `digest_table.HASH_KEY`.

    Returns
    -------
    codes : ndarray of int32, shape (n_events,)
        Code of each pair; -1 if either is missing. Two different pairs share a code with a probability of about 2**-62.
    n_codes : int
        Number of distinct pairs.

    Examples
    --------
    >>> from fraudsieve.features.history.kernels.digest_table import HASH_KEY
    >>> codes, n_codes = code_pairs(np.array([1, 1, 2, -1], np.int32), np.array([5.0, 5.0, 5.0, 5.0]), HASH_KEY)
    >>> codes.tolist(), n_codes
    ([0, 0, 1, -1], 2)
    """
    keys = (amounts + 0.0).view(np.uint64)  # negative zero equals zero
    valid = np.empty(codes.size, np.bool_)
    for i in range(codes.size):
        keys[i] = fold_product(keys[i] ^ key[4], np.uint64(codes[i] + 1) ^ key[5])
        valid[i] = codes[i] >= 0 and amounts[i] == amounts[i]
    pairs = np.empty(codes.size, np.int32)
    return pairs, number_keys(keys, valid, key, pairs)


_SMALL = np.array([0.0, 0.0, *(n * np.log(n) for n in range(2, 4096))])


@compile_inlined()
def n_log_n(n: int) -> tuple[int, int]:
    """Return ``n * log(n)``, from a table for small counts: its whole part, and the rest in units of 2**-52."""
    value = float(_SMALL[n]) if n < _SMALL.size else n * np.log(float(n))
    whole = int(value)
    return whole, int((value - whole) * PARTS)


@compile_inlined()
def add_step(whole: int, part: int, n: int, after: int) -> tuple[int, int]:
    """Return a sum of `n_log_n` after one of the counts has changed; a sum of integers does not depend on the order."""
    # The entropy of counts n_1, n_2, ... with the total n is log(n) - sum(n_i * log(n_i)) / n. An event that enters or
    # leaves changes one term of the sum. Rounded floats would leave a trace of every event that has left.
    whole_of_n, part_of_n = n_log_n(n)
    whole_after, part_after = n_log_n(after)
    part += part_after - part_of_n
    return whole + (whole_after - whole_of_n) + (part >> 52), part & PART_MASK


@compile_inlined()
def entropy_of(n: int, distinct: int, whole: int, part: int) -> float:
    """Return the entropy of codes from their number, and from the sum of `n_log_n` of the count of each."""
    # The entropy of a single code is exactly 0, whatever the rounding of the logarithms.
    spread = np.log(float(n)) - (float(whole) + float(part) / PARTS) / n
    return float(max(spread, 0.0) if distinct > 1 else 0.0)


@compile_part()
def _codes_in_window(bounds: Bounds, width: int, codes: Array, n_codes: int, columns: Array, out: Array) -> None:
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    at_distinct, at_entropy, at_repeats = columns[DISTINCT], columns[ENTROPY], columns[REPEATS]
    n_events_of = np.zeros(n_codes, np.int32)
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        left = right = np.uint64(left_of(starts, times, cutoff_starts, cutoffs, floors, e, width))
        stop = np.uint64(starts[e + 1])
        n_valid, distinct, whole, part = 0, 0, 0, 0
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            cutoff, begin, row, floor = cutoffs[k], cutoffs[k] - width, rows[k], np.uint64(floor_of(floors, k))
            while right < stop and times[right] < cutoff:
                code = codes[right]
                if code >= 0:
                    n = enter(n_events_of, code)
                    distinct += n == 0
                    n_valid += 1
                    if at_entropy >= 0:
                        whole, part = add_step(whole, part, n, n + 1)
                right += ONE
            while left < right and (times[left] < begin or left < floor):
                code = codes[left]
                if code >= 0:
                    n = leave(n_events_of, code)
                    distinct -= n == 1
                    n_valid -= 1
                    if at_entropy >= 0:
                        whole, part = add_step(whole, part, n, n - 1)
                left += ONE
            if at_distinct >= 0:
                out[row, at_distinct] = distinct
            if at_repeats >= 0:
                out[row, at_repeats] = n_valid - distinct
            if at_entropy >= 0 and n_valid > 0:
                out[row, at_entropy] = entropy_of(n_valid, distinct, whole, part)
        for i in range(left, right):
            if codes[i] >= 0:
                n_events_of[codes[i]] = 0


@compile_part()
def _computed(columns: Array) -> Array:
    """Return the windows that compute a measure, given its columns."""
    windows, n = np.empty(columns.size, np.int64), 0
    for window in range(columns.size):
        if columns[window] >= 0:
            windows[n] = window
            n += 1
    return windows[:n]


@compile_part()
def _new_in_windows(bounds: Bounds, widths: Array, codes: Array, n_codes: int, columns: Array, out: Array) -> None:
    """Count the new codes of all windows in one pass: those whose earliest event in the longest window is inside."""
    # A code has its earliest and its latest event in the longest window, and each event the next one with its code.
    # `borders` is where a shorter window begins. Codes whose earliest event is before it are old there.
    #
    #   position         0   1   2   3   4   5
    #   codes            a   b   a   c   b   a
    #   following        2   4   5   .   .   .       earliest: a 0, b 1, c 3; latest: a 5, b 4, c 3
    #
    #   longest window  [0   1   2   3   4   5]
    #   shorter window   .   .   . [ 3   4   5]      old: a, b     new: 3 - 2 = 1
    #   longest window   .  [1   2   3   4   5]      a is now earliest at 2, before the border: still old
    #   longest window   .   .  [2   3   4   5]      b is now earliest at 4, inside: new     new: 3 - 1 = 2
    #   longest window   .   .   . [ 3   4   5]      a is now earliest at 5, inside: new     new: 3 - 0 = 3
    #
    # So an event that leaves the longest window costs one step per window, and no window counts codes of its own.
    starts, times, cutoff_starts, cutoffs, floors, rows = bounds
    earliest, latest = np.full(n_codes, -1, np.int32), np.empty(n_codes, np.int32)
    following = np.empty(times.size, np.int32)
    windows = _computed(columns)
    borders, old = np.empty(windows.size, np.int64), np.empty(windows.size, np.int64)
    longest = widths[0]
    for window in range(1, widths.size):
        longest = max(longest, widths[window])
    for e in range(starts.size - 1):
        if cutoff_starts[e] == cutoff_starts[e + 1]:
            continue
        left = right = np.uint64(left_of(starts, times, cutoff_starts, cutoffs, floors, e, longest))
        stop = np.uint64(starts[e + 1])
        n_codes_seen = 0
        for window in range(windows.size):
            borders[window], old[window] = left, 0
        for k in range(cutoff_starts[e], cutoff_starts[e + 1]):
            cutoff, begin, floor = cutoffs[k], cutoffs[k] - longest, np.uint64(floor_of(floors, k))
            while right < stop and times[right] < cutoff:
                if codes[right] >= 0:
                    code = np.uint32(codes[right])
                    if earliest[code] < 0:
                        earliest[code] = right
                        n_codes_seen += 1
                    else:
                        following[np.uint32(latest[code])] = right
                    latest[code] = right
                right += ONE
            for window in range(windows.size):
                border, n_old = np.uint64(borders[window]), old[window]
                since = cutoff - widths[windows[window]]
                while border < right and (times[border] < since or border < floor):
                    n_old += codes[border] >= 0 and earliest[np.uint32(codes[border])] == np.int64(border)
                    border += ONE
                borders[window], old[window] = border, n_old
            while left < right and (times[left] < begin or left < floor):
                if codes[left] >= 0:
                    code = np.uint32(codes[left])
                    is_last = latest[code] == np.int64(left)  # otherwise its next event is the earliest
                    earliest[code] = -1 if is_last else following[left]
                    n_codes_seen -= is_last
                    for window in range(windows.size):
                        old[window] -= is_last or following[left] >= borders[window]
                left += ONE
            for window in range(windows.size):
                out[rows[k], columns[windows[window]]] = n_codes_seen - old[window]
        for i in range(left, right):
            if codes[i] >= 0:
                earliest[codes[i]] = -1


@compile_kernel()
def codes_in_windows(bounds: Bounds, widths: Array, codes: Array, n_codes: int, columns: Array, out: Array) -> None:
    """Compute the measures of `CODE_MEASURES` for every cutoff time and window.

    Parameters
    ----------
    bounds, widths
        As for `totals_in_windows`.
    codes : ndarray of int32, shape (n_events,)
        Codes from 0; -1 if missing.
    n_codes : int
        Number of distinct codes.
    columns : ndarray of int64, shape (n_windows, 4)
        Column of each of `CODE_MEASURES`; -1 if it is not computed. The entropy is in nats (Shannon, 1948).
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; the entropy of a window without codes is left as it is.
    """
    for window in range(widths.size):
        if any_column(columns[window : window + 1], INT_0, NEW):
            _codes_in_window(bounds, widths[window], codes, n_codes, columns[window], out)
    if any_column(columns, NEW, NEW + 1):
        _new_in_windows(bounds, widths, codes, n_codes, columns[:, NEW], out)


@compile_kernel()
def pairs_in_windows(
    bounds: Bounds, widths: Array, codes: Array, amounts: Array, key: Array, columns: Array, out: Array
) -> None:
    """Compute the measures of `CODE_MEASURES` on pairs of counterparty and amount.

    Parameters
    ----------
    bounds, widths, codes, columns, out
        As for `codes_in_windows`.
    amounts : ndarray of float64, shape (n_events,)
        Amounts, NaN if missing.
    key : ndarray of uint64
        `digest_table.HASH_KEY`.
    """
    pairs, n_pairs = code_pairs(codes, amounts, key)
    codes_in_windows(bounds, widths, pairs, n_pairs, columns, out)


@compile_kernel()
def hours_in_windows(bounds: Bounds, widths: Array, local_times: Array, columns: Array, out: Array) -> None:
    """Compute the measures of `CODE_MEASURES` on the hours of day.

    Parameters
    ----------
    bounds, widths, columns, out
        As for `codes_in_windows`.
    local_times : ndarray of int64, shape (n_events,)
        What a clock shows at the events.
    """
    hours = hours_of_day(local_times)
    codes_in_windows(bounds, widths, hours, N_HOURS, columns, out)
