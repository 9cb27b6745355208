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
    """Return the amount with the bits of an integer."""
    return float(np.int64(bits).view(np.float64))


@compile_inlined()
def is_less(time: int, amount: float, other_time: int, other_amount: float) -> bool:
    """Return whether an event comes before another; of events at one time, the one with the smaller amount does."""
    if time != other_time:
        return bool(time < other_time)
    return bool(amount < other_amount or (amount != amount and other_amount == other_amount))


@compile_kernel()
def seek(stream: Arrays, time: int) -> tuple[int, int]:
    """Return the page and the position of the first event at or after a time; the end if there is none."""
    low, high = 0, stream.meta[N_PAGES]
    while low < high:
        middle = (low + high) // 2
        if stream.page_index[FIRST_TIME, middle] < time:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return 0, 0
    page, slot = low - 1, stream.page_index[SLOT, low - 1]
    low, high = 1, stream.page_index[SIZE, page]
    while low < high:
        middle = (low + high) // 2
        if stream.pages[slot, TIME, middle] < time:
            low = middle + 1
        else:
            high = middle
    if low == stream.page_index[SIZE, page] or stream.pages[slot, TIME, low] < time:
        return page + 1, 0
    return page, low


@compile_part()
def place_of(stream: Arrays, time: int, amount: float) -> tuple[int, int]:
    """Return the page and the position at which an event is to be inserted, after equal ones."""
    low, high = 0, stream.meta[N_PAGES]
    while low < high:
        middle = (low + high) // 2
        slot = stream.page_index[SLOT, middle]
        if is_less(time, amount, stream.pages[slot, TIME, 0], amount_of(stream.pages[slot, AMOUNT, 0])):
            high = middle
        else:
            low = middle + 1
    page = max(low - 1, 0)
    slot = stream.page_index[SLOT, page]
    low, high = 0, stream.page_index[SIZE, page]
    while low < high:
        middle = (low + high) // 2
        if is_less(time, amount, stream.pages[slot, TIME, middle], amount_of(stream.pages[slot, AMOUNT, middle])):
            high = middle
        else:
            low = middle + 1
    return page, low


@compile_inlined()
def rank_of(stream: Arrays, page: int, position: int) -> int:
    """Return the number of events before a position, dropped ones included."""
    if page < stream.meta[N_PAGES]:
        return int(stream.page_index[RANK, page] + position)
    if page == 0:
        return int(stream.page_index[RANK, 0])
    return int(stream.page_index[RANK, page - 1] + stream.page_index[SIZE, page - 1])


@compile_part()
def summarize(stream: Arrays, page: int) -> None:
    """Compute the index of a page."""
    slot, size = stream.page_index[SLOT, page], stream.page_index[SIZE, page]
    more_trailing = stream.page_index[MORE_TRAILING, page]
    largest, smallest, max_time, trailing = -np.inf, np.inf, NO_TIME, 0
    for position in range(size):
        amount = amount_of(stream.pages[slot, AMOUNT, position])
        if amount >= largest:
            largest, max_time = amount, stream.pages[slot, TIME, position]
        smallest = min(smallest, amount) if amount == amount else smallest
        trailing = max(
            trailing, stream.pages[slot, TRAILING, position] + more_trailing
        )  # what a page holds may be below zero
    stream.extremes[LARGEST, page], stream.extremes[SMALLEST, page] = largest, smallest
    stream.page_index[MAX_TIME, page], stream.page_index[MAX_TRAILING, page] = max_time, trailing
    stream.page_index[FIRST_TIME, page] = stream.pages[slot, TIME, 0]


@compile_part()
def make_room(stream: Arrays, page: int, position: int) -> tuple[int, int]:
    """Make room for an event at a position, and return its page and position; there must be a free slot."""
    if stream.meta[N_PAGES] == 0:
        _insert_page(stream, 0)
        return 0, 0
    page_size = stream.pages.shape[2]
    if stream.page_index[SIZE, page] == page_size:
        is_end = position == page_size and page == stream.meta[N_PAGES] - 1
        _insert_page(stream, page + 1)
        if is_end:
            return page + 1, 0
        _split(stream, page)
        if position > stream.page_index[SIZE, page]:
            page, position = page + 1, position - stream.page_index[SIZE, page]
    slot, size = stream.page_index[SLOT, page], stream.page_index[SIZE, page]
    for row in range(stream.pages.shape[1]):
        for i in range(size, position, -1):
            stream.pages[slot, row, i] = stream.pages[slot, row, i - 1]
    return page, position


@compile_part()
def _insert_page(stream: Arrays, page: int) -> None:
    """Insert an empty page before another."""
    for row in range(stream.page_index.shape[0]):
        for i in range(stream.meta[N_PAGES], page, -1):
            stream.page_index[row, i] = stream.page_index[row, i - 1]
    for row in range(stream.extremes.shape[0]):
        for i in range(stream.meta[N_PAGES], page, -1):
            stream.extremes[row, i] = stream.extremes[row, i - 1]
    stream.meta[N_FREE] -= 1
    stream.meta[N_PAGES] += 1
    rank = stream.page_index[RANK, page - 1] + stream.page_index[SIZE, page - 1] if page else stream.page_index[RANK, 0]
    stream.page_index[:, page] = 0
    stream.page_index[SLOT, page], stream.page_index[RANK, page] = stream.free[stream.meta[N_FREE]], rank
    stream.extremes[LARGEST, page], stream.extremes[SMALLEST, page] = -np.inf, np.inf
    stream.page_index[MAX_TIME, page] = NO_TIME


@compile_kernel()
def _split(stream: Arrays, page: int) -> None:
    """Move the upper half of a full page to the empty one after it."""
    slot, other = stream.page_index[SLOT, page], stream.page_index[SLOT, page + 1]
    size = stream.pages.shape[2]
    half = size // 2
    stream.pages[other, :, : size - half] = stream.pages[slot, :, half:]
    stream.page_index[SIZE, page], stream.page_index[SIZE, page + 1] = half, size - half
    stream.page_index[RANK, page + 1] = stream.page_index[RANK, page] + half
    stream.page_index[MORE_TRAILING, page + 1] = stream.page_index[MORE_TRAILING, page]
    summarize(stream, page)
    summarize(stream, page + 1)


@compile_part()
def drop_pages(stream: Arrays, page: int, position: int) -> None:
    """Remove the events before a position."""
    rank = rank_of(stream, page, position)
    for i in range(page):
        stream.free[stream.meta[N_FREE]] = stream.page_index[SLOT, i]
        stream.meta[N_FREE] += 1
    stream.meta[N_PAGES] -= page
    for row in range(stream.page_index.shape[0]):
        for i in range(stream.meta[N_PAGES]):
            stream.page_index[row, i] = stream.page_index[row, i + page]
    for row in range(stream.extremes.shape[0]):
        for i in range(stream.meta[N_PAGES]):
            stream.extremes[row, i] = stream.extremes[row, i + page]
    stream.page_index[RANK, 0] = rank
    if position > 0:
        slot, size = stream.page_index[SLOT, 0], stream.page_index[SIZE, 0] - position
        for row in range(stream.pages.shape[1]):
            for i in range(size):
                stream.pages[slot, row, i] = stream.pages[slot, row, i + position]
        stream.page_index[SIZE, 0] = size
        summarize(stream, 0)
