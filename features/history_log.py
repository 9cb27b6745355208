"""A log of coded events, and the history at any moments of it: the one place where measures meet columns.

NumPy and Numba alone: batches and the scorer both call `fill_history`.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .history import BY_KIND, FAMILIES, OF_AMOUNTS, OF_COUNTERPARTIES, WITHOUT_WINDOW, History, window_seconds
from .history_spread import extreme_in_window, since_last, std_in_window
from .history_windows import (
    WINDOW_MEASURES,
    clock_flags,
    count_first_meetings,
    running_count,
    totals_in_window,
)

__all__ = ["EventLog", "Moments", "fill_history"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class EventLog:
    """Events in order of entity and time.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_entities + 1,)
        The events of entity ``e`` are those from ``starts[e]`` up to ``starts[e + 1]``.
    times : ndarray of int64, shape (n_events,)
        Microseconds since 1970, UTC; ascending within an entity.
    amounts : ndarray of float64, shape (n_events,), default=empty
        NaN for none.
    counterparties : ndarray of int32, shape (n_events,), default=empty
        Codes; -1 for none.
    n_counterparties : int, default=0
        How many codes there are.
    kinds : ndarray of int32, shape (n_events,), default=empty
        Places in the declared kinds; any other number for another kind.
    """

    starts: Array
    times: Array
    amounts: Array = field(default_factory=lambda: np.empty(0))
    counterparties: Array = field(default_factory=lambda: np.empty(0, np.int32))
    n_counterparties: int = 0
    kinds: Array = field(default_factory=lambda: np.empty(0, np.int32))

    def of_kind(self, place: int) -> "EventLog":
        """Return the log of one kind alone.

        Examples
        --------
        >>> log = EventLog(np.array([0, 2]), np.array([5, 9]), kinds=np.array([1, 0], np.int32))
        >>> log.of_kind(0).times.tolist(), log.of_kind(0).starts.tolist()
        ([9], [0, 1])
        """
        kept = self.kinds == place
        starts = np.concatenate(([0], np.cumsum(kept)))[self.starts]
        return EventLog(starts, self.times[kept], self.amounts[kept] if self.amounts.size else self.amounts)


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments that are asked about, in order of entity and time.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_entities + 1,)
        As in the log, and for the same entities.
    times : ndarray of int64, shape (n_subjects,)
        Microseconds since 1970, UTC; ascending within an entity.
    rows : ndarray of int32, shape (n_subjects,)
        The row of the output that belongs to a moment.
    """

    starts: Array
    times: Array
    rows: Array


def fill_history(history: History, log: EventLog, moments: Moments, out: Array) -> None:
    """Compute every column of a declaration.

    Parameters
    ----------
    history : History
        The declaration.
    log : EventLog
        The events, with whatever the measures need.
    moments : Moments
        What is asked about.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; what is undefined stays as it is (NaN, by custom).

    Examples
    --------
    >>> log = EventLog(np.array([0, 2]), np.array([0, 40_000_000]))
    >>> moments = Moments(np.array([0, 1]), np.array([70_000_000]), np.array([0], np.int32))
    >>> out = np.full((1, 2), np.nan)
    >>> fill_history(History(("1m",), measures=("count", "since_last")), log, moments, out)
    >>> out.tolist()
    [[1.0, 30.0]]
    """
    _check_log(history, log)
    at = {name: place for place, name in enumerate(history.columns)}
    _fill_windows(history, log, moments, at, out)
    place = at.get(_column("since_last"))
    if place is not None:
        since_last(log.starts, log.times, moments.starts, moments.times, moments.rows, out[:, place])
    by_kind = tuple(measure for measure in history.measures if measure in BY_KIND)
    for number, kind in enumerate(history.kinds):
        plain = replace(history, kinds=(), measures=by_kind)
        _fill_windows(plain, log.of_kind(number), moments, at, out, f"_{kind}")


def _check_log(history: History, log: EventLog) -> None:
    # Kernels do not check their bounds.
    needs = {
        "amounts": (log.amounts, set(history.measures) & set(OF_AMOUNTS)),
        "counterparties": (log.counterparties, set(history.measures) & set(OF_COUNTERPARTIES)),
        "kinds": (log.kinds, set(history.kinds)),
    }
    for name, (values, askers) in needs.items():
        if askers and values.size != log.times.size:
            raise ValueError(f"{', '.join(sorted(askers))}: {log.times.size} {name} expected; got {values.size}.")


def _fill_windows(
    history: History, log: EventLog, moments: Moments, at: dict[str, int], out: Array, ending: str = ""
) -> None:
    counts = _running_counts(history, log)
    for window in history.windows:
        asked = {name: at[_column(name, window) + ending] for name in history.measures if name not in WITHOUT_WINDOW}
        places = np.array([asked.get(name, -1) for name in WINDOW_MEASURES])
        bounds = (
            log.starts,
            log.times,
            moments.starts,
            moments.times,
            moments.rows,
            window_seconds(window) * 1_000_000,
        )
        if (places >= 0).any():
            totals_in_window(*bounds, log.amounts, log.counterparties, log.n_counterparties, counts, places, out)
        if "max" in asked:
            extreme_in_window(*bounds, log.amounts, 1.0, out[:, asked["max"]])
        if "min" in asked:
            extreme_in_window(*bounds, log.amounts, -1.0, out[:, asked["min"]])
        if "std" in asked:
            std_in_window(*bounds, log.amounts, out[:, asked["std"]])


def _column(measure: str, window: str = "") -> str:
    return f"{FAMILIES[measure]}__{measure}" + (f"_{window}" if window else "")


def _running_counts(history: History, log: EventLog) -> tuple[Array, Array, Array]:
    """First meetings, nights and weekends; empty where they are not asked for."""
    asked, n = set(history.measures), log.times.size
    firsts = np.empty(n if "new" in asked else 0, np.int32)
    if firsts.size:
        count_first_meetings(log.starts, log.counterparties, log.n_counterparties, firsts)
    nights, weekends = np.empty(0, np.bool_), np.empty(0, np.bool_)
    if asked & {"night", "weekend"}:
        nights, weekends = np.empty(n, np.bool_), np.empty(n, np.bool_)
        clock_flags(log.times, history.night[0], history.night[1], nights, weekends)
    return firsts, running_count(nights), running_count(weekends)
