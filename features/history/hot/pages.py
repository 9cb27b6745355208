"""Pages of events: the place of an event, room for it, and aggregates of each page. Needs only NumPy and Numba."""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part

from .layout import (
    AMOUNT,
    FIRST_TIME,
    LARGEST,
    MAX_TIME,
    MAX_TRAILING,
    MORE_TRAILING,
    N_FREE,
    N_PAGES,
    NO_TIME,
    RANK,
    SIZE,
    SLOT,
    SMALLEST,
    TIME,
    TRAILING,
    Arrays,
)

__all__ = ["amount_of", "drop_pages", "is_less", "make_room", "place_of", "rank_of", "seek", "summarize"]


@compile_inlined()
def amount_of(bits: int) -> float:
    """Return the amount that an integer has the bits of."""
    return float(np.int64(bits).view(np.float64))


@compile_inlined()
def is_less(time: int, amount: float, other_time: int, other_amount: float) -> bool:
    """Return whether an event comes before another; of events at one time, the one with the smaller amount does."""
    if time != other_time:
        return bool(time < other_time)
    return bool(amount < other_amount or (amount != amount and other_amount == other_amount))


@compile_kernel()
def seek(s: Arrays, time: int) -> tuple[int, int]:
    """Return the page and the position of the first event at or after a time; the end if there is none."""
    low, high = 0, s.meta[N_PAGES]
    while low < high:
        middle = (low + high) // 2
        if s.page_index[FIRST_TIME, middle] < time:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return 0, 0
    page, slot = low - 1, s.page_index[SLOT, low - 1]
    low, high = 1, s.page_index[SIZE, page]
    while low < high:
        middle = (low + high) // 2
        if s.pages[slot, TIME, middle] < time:
            low = middle + 1
        else:
            high = middle
    if low == s.page_index[SIZE, page] or s.pages[slot, TIME, low] < time:
        return page + 1, 0
    return page, low


@compile_part()
def place_of(s: Arrays, time: int, amount: float) -> tuple[int, int]:
    """Return the page and the position at which an event is to be inserted, after equal ones."""
    low, high = 0, s.meta[N_PAGES]
    while low < high:
        middle = (low + high) // 2
        slot = s.page_index[SLOT, middle]
        if is_less(time, amount, s.pages[slot, TIME, 0], amount_of(s.pages[slot, AMOUNT, 0])):
            high = middle
        else:
            low = middle + 1
    page = max(low - 1, 0)
    slot = s.page_index[SLOT, page]
    low, high = 0, s.page_index[SIZE, page]
    while low < high:
        middle = (low + high) // 2
        if is_less(time, amount, s.pages[slot, TIME, middle], amount_of(s.pages[slot, AMOUNT, middle])):
            high = middle
        else:
            low = middle + 1
    return page, low


@compile_inlined()
def rank_of(s: Arrays, page: int, at: int) -> int:
    """Return the number of events before a position, dropped ones included."""
    if page < s.meta[N_PAGES]:
        return int(s.page_index[RANK, page] + at)
    if page == 0:
        return int(s.page_index[RANK, 0])
    return int(s.page_index[RANK, page - 1] + s.page_index[SIZE, page - 1])


@compile_part()
def summarize(s: Arrays, page: int) -> None:
    """Compute what the index says of a page."""
    slot, size = s.page_index[SLOT, page], s.page_index[SIZE, page]
    more_trailing = s.page_index[MORE_TRAILING, page]
    largest, smallest, max_time, trailing = -np.inf, np.inf, NO_TIME, 0
    for at in range(size):
        amount = amount_of(s.pages[slot, AMOUNT, at])
        if amount >= largest:
            largest, max_time = amount, s.pages[slot, TIME, at]
        smallest = min(smallest, amount) if amount == amount else smallest
        trailing = max(trailing, s.pages[slot, TRAILING, at] + more_trailing)  # what a page holds may be below zero
    s.extremes[LARGEST, page], s.extremes[SMALLEST, page] = largest, smallest
    s.page_index[MAX_TIME, page], s.page_index[MAX_TRAILING, page] = max_time, trailing
    s.page_index[FIRST_TIME, page] = s.pages[slot, TIME, 0]


@compile_part()
def make_room(s: Arrays, page: int, at: int) -> tuple[int, int]:
    """Make room for an event at a position, and return its page and position; there must be a free slot."""
    if s.meta[N_PAGES] == 0:
        _insert_page(s, 0)
        return 0, 0
    page_size = s.pages.shape[2]
    if s.page_index[SIZE, page] == page_size:
        is_end = at == page_size and page == s.meta[N_PAGES] - 1
        _insert_page(s, page + 1)
        if is_end:
            return page + 1, 0
        _split(s, page)
        if at > s.page_index[SIZE, page]:
            page, at = page + 1, at - s.page_index[SIZE, page]
    slot, size = s.page_index[SLOT, page], s.page_index[SIZE, page]
    for row in range(s.pages.shape[1]):
        for i in range(size, at, -1):
            s.pages[slot, row, i] = s.pages[slot, row, i - 1]
    return page, at


@compile_part()
def _insert_page(s: Arrays, page: int) -> None:
    """Insert an empty page before another."""
    for row in range(s.page_index.shape[0]):
        for i in range(s.meta[N_PAGES], page, -1):
            s.page_index[row, i] = s.page_index[row, i - 1]
    for row in range(s.extremes.shape[0]):
        for i in range(s.meta[N_PAGES], page, -1):
            s.extremes[row, i] = s.extremes[row, i - 1]
    s.meta[N_FREE] -= 1
    s.meta[N_PAGES] += 1
    rank = s.page_index[RANK, page - 1] + s.page_index[SIZE, page - 1] if page else s.page_index[RANK, 0]
    s.page_index[:, page] = 0
    s.page_index[SLOT, page], s.page_index[RANK, page] = s.free[s.meta[N_FREE]], rank
    s.extremes[LARGEST, page], s.extremes[SMALLEST, page] = -np.inf, np.inf
    s.page_index[MAX_TIME, page] = NO_TIME


@compile_kernel()
def _split(s: Arrays, page: int) -> None:
    """Move the upper half of a full page to the empty one after it."""
    slot, other = s.page_index[SLOT, page], s.page_index[SLOT, page + 1]
    size = s.pages.shape[2]
    half = size // 2
    s.pages[other, :, : size - half] = s.pages[slot, :, half:]
    s.page_index[SIZE, page], s.page_index[SIZE, page + 1] = half, size - half
    s.page_index[RANK, page + 1] = s.page_index[RANK, page] + half
    s.page_index[MORE_TRAILING, page + 1] = s.page_index[MORE_TRAILING, page]
    summarize(s, page)
    summarize(s, page + 1)


@compile_part()
def drop_pages(s: Arrays, page: int, at: int) -> None:
    """Remove the events before a position."""
    rank = rank_of(s, page, at)
    for i in range(page):
        s.free[s.meta[N_FREE]] = s.page_index[SLOT, i]
        s.meta[N_FREE] += 1
    s.meta[N_PAGES] -= page
    for row in range(s.page_index.shape[0]):
        for i in range(s.meta[N_PAGES]):
            s.page_index[row, i] = s.page_index[row, i + page]
    for row in range(s.extremes.shape[0]):
        for i in range(s.meta[N_PAGES]):
            s.extremes[row, i] = s.extremes[row, i + page]
    s.page_index[RANK, 0] = rank
    if at > 0:
        slot, size = s.page_index[SLOT, 0], s.page_index[SIZE, 0] - at
        for row in range(s.pages.shape[1]):
            for i in range(size):
                s.pages[slot, row, i] = s.pages[slot, row, i + at]
        s.page_index[SIZE, 0] = size
        summarize(s, 0)
