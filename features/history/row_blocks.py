"""Feature views of many subjects, block by block, written into the columns of a larger matrix.

The kernels visit every row several dozen times. A block of rows stays in the processor's cache meanwhile, and is then
copied to its rows of the matrix. Needs only NumPy and Numba.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import numpy as np

from fraudsieve._typing import Array

from .declaration import History
from .encoded import CutoffTimes, EncodedEvents

BLOCK_NUMBERS: Final = 1 << 19
"""Numbers of a block, unless a single entity has more."""
NARROW: Final = 16
"""Columns up to which the rows are filled in where they are: copying would cost more than it saves."""
Fill: TypeAlias = Callable[[History, EncodedEvents, CutoffTimes, Array], None]


def fill_blocks(
    fill: Fill, history: History, events: EncodedEvents, cutoffs: CutoffTimes, out: Array, *, is_empty: bool = True
) -> None:
    """Compute columns of a feature view for all subjects."""
    if out.shape[1] <= NARROW and out.flags.c_contiguous:
        if is_empty:
            out[:] = np.nan
        fill(history, events, cutoffs, out)
        return
    rows, buffer = cutoffs.rows, np.empty((0, out.shape[1]))
    for first_entity, stop_entity in _entity_ranges(cutoffs.starts, max(BLOCK_NUMBERS // out.shape[1], 1)):
        first, stop = cutoffs.starts[first_entity], cutoffs.starts[stop_entity]
        block_rows = rows[first:stop]
        buffer = buffer if len(buffer) >= len(block_rows) else np.empty((len(block_rows), out.shape[1]))
        block = buffer[: len(block_rows)]
        block[:] = np.nan if is_empty else out[block_rows]
        fill(history, *_select(events, cutoffs, first_entity, stop_entity), block)
        out[block_rows] = block


def _entity_ranges(starts: Array, n_rows: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of entities with about `n_rows` rows, and at least one entity."""
    first, n_entities = 0, len(starts) - 1
    while first < n_entities and starts[first] < starts[-1]:
        stop = int(np.searchsorted(starts, starts[first] + n_rows, side="right")) - 1
        stop = min(max(stop, first + 1), n_entities)
        if starts[stop] > starts[first]:
            yield first, stop
        first = stop


def _select(
    events: EncodedEvents, cutoffs: CutoffTimes, first_entity: int, stop_entity: int
) -> tuple[EncodedEvents, CutoffTimes]:
    """Return the events and the cutoff times of a range of entities; their rows are numbered from 0."""
    entities = slice(first_entity, stop_entity + 1)
    first, stop = events.starts[first_entity], events.starts[stop_entity]
    first_row, stop_row = cutoffs.starts[first_entity], cutoffs.starts[stop_entity]
    block_events = EncodedEvents(
        events.starts[entities] - first,
        events.times[first:stop],
        events.amounts[first:stop],
        {name: codes[first:stop] for name, codes in events.codes.items()},
        events.n_codes,
        events.kinds[first:stop],
        events.firsts[first_entity:stop_entity],
        events.lasts[first_entity:stop_entity],
    )
    amounts = cutoffs.amounts[cutoffs.rows[first_row:stop_row]] if cutoffs.amounts.size else cutoffs.amounts
    rows = np.arange(stop_row - first_row, dtype=np.int32)
    return block_events, CutoffTimes(
        cutoffs.starts[entities] - first_row, cutoffs.times[first_row:stop_row], rows, amounts
    )
