"""A stream: the events of one entity or one kind, with the data that its measures need. Needs only NumPy and Numba."""

from typing import Any

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.kernels.categories import CODE_MEASURES
from fraudsieve.features.history.kernels.digest_table import HASH_KEY, empty_places
from fraudsieve.features.history.kernels.extremes import SPREAD_MEASURES
from fraudsieve.features.history.kernels.recency import DERIVED, END_MEASURES, NEVER, fill_derived
from fraudsieve.features.history.kernels.windows import WINDOW_MEASURES
from fraudsieve.features.history.measures import (
    AMOUNT_MEASURES,
    CURRENT_AMOUNT_MEASURES,
    LAST_AGES,
    LAST_AMOUNTS,
    window_seconds,
)
from fraudsieve.tables.values.zones import zone_offsets

from . import layout
from .codes import fill_table
from .events import drop_events, insert_events
from .extremes import fill_ends_of, last_amount_before
from .layout import PAGE, HotArrays
from .queries import fill_windows

__all__ = ["Stream"]

ALL = window_seconds("all") * SECOND
MIN_CODES = 64
OF_PROCESS = ("table", "key", "zone_starts", "zone_offsets")
"""The arrays that a file of a state does not hold."""
MAX_MORE_PAGES = 32
"""Maximum number of pages that are added at once."""


@compile_kernel()
def _fill_row(
    stream: Any,
    cutoff: int,
    widths: Array,
    columns: Array,
    code_columns: Array,
    earlier_parts: Array,
    derived: Array,
    ends: Array,
    is_kind: bool,
    amounts: Array,
    out: Array,
) -> None:
    """Fill in all columns of a stream in the first row."""
    longest = int(widths.argmax())
    fill_windows(stream, cutoff, columns, code_columns, earlier_parts, longest, out)
    fill_ends_of(stream, cutoff, widths[longest], is_kind, ends, out[0])
    if derived.size:
        if amounts.size == 0:
            amounts = np.full(len(out), last_amount_before(stream, cutoff))
        fill_derived(amounts, widths, derived, out)


class Stream:
    """The events of one entity, or those of one kind, and the columns that are computed from them.

    Parameters
    ----------
    history : History
        The declaration of the view.
    kind : str
        The kind of event; empty for all events.
    page_size : int, default=PAGE
        Maximum number of events of a page.
    """

    def __init__(self, history: History, kind: str = "", *, page_size: int = PAGE) -> None:
        measures = history.measures_of(kind)
        self._is_kind = bool(kind)
        self._widths = history.widths
        self._set_columns(history, kind)
        n_kept = 0 if kind else 2 + len(history.identifiers)
        self.arrays = _empty_arrays(history, measures, self._sources, (n_kept, page_size))

    def _set_columns(self, history: History, kind: str) -> None:
        indices, measures = history.indices_by_window, history.measures_of(kind)
        self._columns = indices((*WINDOW_MEASURES, *SPREAD_MEASURES, "hour_entropy"), "", kind)
        sources, code_columns = [], []
        for position, name in enumerate(("", *history.identifiers)):
            columns = indices(("distinct", "entropy", "", "new"), name, kind)
            if (columns >= 0).any():
                sources.append(position)
                code_columns.append(columns)
        if "repeats" in measures:
            sources.append(-1)
            code_columns.append(indices(("", "", "repeats", ""), "", kind))
        self._sources = np.array(sources, np.int64)
        shape = len(history.windows), len(sources), len(CODE_MEASURES)
        self._code_columns = np.ascontiguousarray(
            np.array(code_columns, np.int64).reshape(-1, *shape[::2]).swapaxes(0, 1)
        )
        longest = int(history.widths.argmax())
        self._earlier_parts = np.full(len(history.windows), -1)
        if "new" in measures:
            others = [w for w in range(len(history.windows)) if w != longest]
            self._earlier_parts[others] = len(history.windows) + np.arange(len(others))
        needs_derived = measures & {*CURRENT_AMOUNT_MEASURES, "trend", "peak"}
        self._derived = indices(DERIVED, "", kind) if needs_derived else np.empty((0, len(DERIVED)), np.int64)
        latest = np.concatenate([history.indices(LAST_AMOUNTS, ""), history.indices(("", *LAST_AGES[1:]), "")])
        ends = history.indices(END_MEASURES, "", "", kind)
        self._ends = np.concatenate([ends, np.full_like(latest, -1) if kind else latest])

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(array.nbytes for array in self.arrays[:-2])  # streams share the offsets of a zone

    def add(self, rows: Array) -> None:
        """Add events in any order."""
        start = insert_events(self.arrays, rows, 0)
        while start < len(rows):
            self._grow()
            start = insert_events(self.arrays, rows, start)

    def drop_before(self, time: int) -> int:
        """Drop the events before a time, and return their number."""
        return int(drop_events(self.arrays, time))

    def fill(self, cutoff: int, amounts: Array, out: Array) -> None:
        """Fill in the columns in the first row."""
        query = self._widths, self._columns, self._code_columns, self._earlier_parts, self._derived, self._ends
        _fill_row(self.arrays, cutoff, *query, self._is_kind, amounts, out)

    def last_before(self, cutoff: int) -> int:
        """Return the time of the last event held that is before a cutoff time; `NEVER` without one."""
        stream = self.arrays
        page = int(np.searchsorted(stream.page_index[layout.FIRST_TIME, : stream.meta[layout.N_PAGES]], cutoff)) - 1
        if page < 0 or not stream.meta[layout.N_EVENTS]:
            return NEVER
        times = stream.pages[stream.page_index[layout.SLOT, page], layout.TIME, : stream.page_index[layout.SIZE, page]]
        return int(times[np.searchsorted(times, cutoff) - 1])

    def rows(self) -> Array:
        """Return the events held, in order, as rows of time, amount and the other values that are kept."""
        stream = self.arrays
        n_pages, kept = stream.meta[layout.N_PAGES], layout.CODES + len(stream.sources)
        slots, sizes = stream.page_index[layout.SLOT, :n_pages], stream.page_index[layout.SIZE, :n_pages]
        rows = [layout.TIME, layout.AMOUNT, *range(kept, stream.pages.shape[1])]
        blocks = [stream.pages[slot, rows, :size].T for slot, size in zip(slots.tolist(), sizes.tolist(), strict=True)]
        return np.concatenate([np.empty((0, len(rows)), np.int64), *blocks])

    def dump(self) -> dict[str, Array]:
        """Return the arrays, except those that depend on the process; they are not copied."""
        n_codes = max(int(self.arrays.meta[layout.N_CODES]), min(1, len(self.arrays.keys)))
        arrays = self.arrays._asdict()
        for name in OF_PROCESS:
            del arrays[name]
        return arrays | {name: arrays[name][:n_codes] for name in ("counts", "keys", "refs")}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Continue with copies of the arrays of `dump`."""
        empty = self.arrays._asdict()
        for name, array in arrays.items():
            grows = {"pages": 3, "page_index": 2, "extremes": 2, "free": 1, "counts": 2, "keys": 2, "refs": 1}
            same_shape = array.shape == empty[name].shape or (name in grows and array.ndim == grows[name])
            if array.dtype != empty[name].dtype or not same_shape:
                raise ValueError("the arrays of an entity with many events do not fit its view")
        self.arrays = HotArrays(
            **{name: array.copy() for name, array in arrays.items()},
            **{name: empty[name] for name in OF_PROCESS if name != "table"},
            table=empty_places(2 * len(arrays["keys"])),
        )
        fill_table(self.arrays)

    def _grow(self) -> None:
        stream = self.arrays
        if stream.meta[layout.N_FREE] == 0:
            stream = _with_more_pages(stream)
        if stream.meta[layout.N_CODES] + len(stream.sources) > len(stream.keys):
            stream = _with_more_codes(stream)
        self.arrays = stream


def _empty_arrays(history: History, measures: set[str], sources: Array, shape: tuple[int, int]) -> HotArrays:
    """Return the arrays of a stream without events."""
    bounds = _bounds(history, measures)
    meta = np.zeros(layout.N_META, np.int64)
    meta[[layout.FIRST, layout.LAST, layout.DROPPED_MAX_TIME]] = NEVER, NEVER, layout.NO_TIME
    meta[layout.FREE_CODE], meta[layout.N_FREE] = -1, 1
    needs = {
        layout.NEEDS_AMOUNTS: {"sum", "mean", "std"},
        layout.NEEDS_SQUARES: {"std"},
        layout.NEEDS_GAPS: {"gap_std"},
        layout.NEEDS_CLOCK: {"night", "weekend"},
        layout.NEEDS_HOURS: {"hour_entropy"},
        layout.NEEDS_ENTROPY: {"entropy"},
        layout.NEEDS_TRAILING: {"burst"},
        layout.NEEDS_EXTREMES: set(AMOUNT_MEASURES),
    }
    for entry, names in needs.items():
        meta[entry] = bool(names & measures)
    meta[[layout.NIGHT_FROM, layout.NIGHT_TO]] = history.night
    states = np.zeros((len(bounds), layout.OF_CODES + layout.N_OF_CODES * len(sources)), np.int64)
    states[:, [layout.LEFT, layout.RIGHT]] = layout.NO_TIME
    n_codes = MIN_CODES if len(sources) else 0
    starts, offsets = zone_offsets(history.time_zone)
    return HotArrays(
        pages=np.empty((1, layout.CODES + len(sources) + shape[0], shape[1]), np.int64),
        page_index=np.zeros((layout.N_INDEX, 1), np.int64),
        extremes=np.empty((2, 1)),
        free=np.zeros(1, np.int64),
        states=states,
        bounds=bounds,
        counts=np.zeros((n_codes, len(bounds)), np.int32),
        keys=np.full((n_codes, 3), -1, np.int64),
        refs=np.zeros(n_codes, np.int64),
        table=empty_places(n_codes),
        sources=sources,
        meta=meta,
        dropped=np.array([-np.inf, np.inf, *[np.nan] * (layout.N_DROPPED_FLOATS - 2)]),
        key=HASH_KEY,
        zone_starts=starts,
        zone_offsets=offsets,
    )


def _bounds(history: History, measures: set[str]) -> Array:
    """Return the bounds of the windows, and of the parts of the longest window before the other windows."""
    widths = history.widths.tolist()
    longest = max(widths)
    bounds = [(width, 0, 0, width == ALL) for width in widths]
    if "new" in measures:
        bounds += [(longest, width, 1, longest == ALL) for width in widths if width != longest]
    return np.array(bounds, np.int64)


def _with_more_pages(stream: HotArrays) -> HotArrays:
    """Return the arrays with room for more pages, when none is free."""
    n_slots = len(stream.pages)
    n_more = min(n_slots, MAX_MORE_PAGES)
    stream.pages.resize(
        (n_slots + n_more, *stream.pages.shape[1:]), refcheck=False
    )  # in place: large arrays are not copied
    free = np.concatenate([np.arange(n_slots, n_slots + n_more)[::-1], np.empty(n_slots, np.int64)])
    stream.meta[layout.N_FREE] = n_more
    return stream._replace(
        page_index=np.concatenate([stream.page_index, np.zeros((len(stream.page_index), n_more), np.int64)], axis=1),
        extremes=np.concatenate([stream.extremes, np.empty((2, n_more))], axis=1),
        free=free,
    )


def _with_more_codes(stream: HotArrays) -> HotArrays:
    """Return the arrays with room for twice as many codes."""
    n_codes = len(stream.keys)
    for array in (stream.counts, stream.keys, stream.refs):
        array.resize((2 * n_codes, *array.shape[1:]), refcheck=False)
    stream = stream._replace(table=empty_places(4 * n_codes))
    fill_table(stream)
    return stream
