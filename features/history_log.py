"""A log of coded events, and the history at any moments of it: the one place where measures meet columns.

NumPy and Numba alone: batches and the scorer both call `fill_history`.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .history import History
from .history_codes import codes_in_window, hours_of_day, paired_keys
from .history_ids import code_numbers
from .history_measures import AT_HAND, OF_AMOUNTS, OF_COUNTERPARTIES
from .history_spread import (
    DERIVED,
    extreme_in_window,
    fill_derived,
    fill_ends,
    gaps,
    label_runs,
    std_in_window,
    trailing_counts,
)
from .history_windows import HOUR, WINDOW_MEASURES, clock_counts, totals_in_window

__all__ = ["EventLog", "Moments", "fill_history", "fill_labels"]

Array = npt.NDArray[Any]
NONE = np.empty(0)
SECOND = 1_000_000


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
    codes : dict of str to ndarray of int32, shape (n_events,), optional
        By column, the counterparties and other identifiers; -1 for none.
    n_codes : dict of str to int, optional
        How many codes a column has.
    kinds : ndarray of int32, shape (n_events,), default=empty
        Places in the declared kinds; any other number for another kind.
    firsts, lasts : ndarray of int64, shape (n_entities,), default=empty
        When the first and the last events were that are no longer here; `NEVER` where there were none.
    """

    starts: Array
    times: Array
    amounts: Array = field(default_factory=lambda: NONE)
    codes: dict[str, Array] = field(default_factory=dict)
    n_codes: dict[str, int] = field(default_factory=dict)
    kinds: Array = field(default_factory=lambda: np.empty(0, np.int32))
    firsts: Array = field(default_factory=lambda: np.empty(0, np.int64))
    lasts: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def where(self, kept: Array) -> "EventLog":
        """Return the log of some of its events alone.

        Parameters
        ----------
        kept : ndarray of bool, shape (n_events,)
            Which.

        Returns
        -------
        EventLog

        Examples
        --------
        >>> log = EventLog(np.array([0, 2]), np.array([5, 9]), kinds=np.array([1, 0], np.int32))
        >>> log.where(log.kinds == 0).times.tolist(), log.where(log.kinds == 0).starts.tolist()
        ([9], [0, 1])
        """
        starts = np.concatenate(([0], np.cumsum(kept)))[self.starts]
        amounts = self.amounts[kept] if self.amounts.size else self.amounts
        codes = {name: values[kept] for name, values in self.codes.items()}
        return EventLog(starts, self.times[kept], amounts, codes, self.n_codes)


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
    amounts : ndarray of float64, shape (n_subjects,), default=empty
        The subjects' own, in the order of the output; empty where they have none, and then the last event's counts.
    """

    starts: Array
    times: Array
    rows: Array
    amounts: Array = field(default_factory=lambda: NONE)


def fill_history(history: History, log: EventLog, moments: Moments, out: Array) -> None:
    """Compute every column of a declaration but those of labels.

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

    Raises
    ------
    ValueError
        If the log lacks what a measure needs.

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
    _fill_events(history, log, moments, "", out)
    for number, kind in enumerate(history.kinds):
        _fill_events(history, log.where(log.kinds == number), moments, kind, out)


def _check_log(history: History, log: EventLog) -> None:
    # Kernels do not check their bounds.
    asked = set(history.measures)
    needs = {"kinds": (log.kinds, set(history.kinds)), "amounts": (log.amounts, asked & set(OF_AMOUNTS))}
    for name in (history.counterparty, *history.identifiers):
        askers = asked & set(OF_COUNTERPARTIES)
        needs[f"codes of {name}"] = (log.codes.get(name, NONE), askers)
    for name, (values, askers) in needs.items():
        if askers and values.size != log.times.size:
            raise ValueError(f"{', '.join(sorted(askers))}: {log.times.size} {name} expected; got {values.size}.")


def _fill_events(history: History, log: EventLog, moments: Moments, kind: str, out: Array) -> None:
    _fill_totals(history, log, moments, kind, out)
    _fill_codes(history, log, moments, kind, out)
    _fill_pairs_and_hours(history, log, moments, kind, out)
    _fill_spread(history, log, moments, kind, out)
    _fill_ends(history, log, moments, kind, out)


def _bounds(log: EventLog, moments: Moments) -> tuple[Array, Array, Array, Array, Array]:
    return log.starts, log.times, moments.starts, moments.times, moments.rows


def _fill_totals(history: History, log: EventLog, moments: Moments, kind: str, out: Array) -> None:
    n_clocked = log.times.size if history.asked(kind) & {"night", "weekend"} else 0
    flags = np.empty(n_clocked, np.int32), np.empty(n_clocked, np.int32)
    if n_clocked:
        clock_counts(log.times, history.night[0], history.night[1], *flags)
    others = log.codes.get(history.counterparty, np.empty(0, np.int32))
    n_others = log.n_codes.get(history.counterparty, 0)
    bounds = _bounds(log, moments)
    for window, width in history.lengths.items():
        places = history.find(WINDOW_MEASURES, window, "", kind)
        if (places >= 0).any():
            totals_in_window(*bounds, width * SECOND, log.amounts, others, n_others, flags, places, out)


def _fill_codes(history: History, log: EventLog, moments: Moments, kind: str, out: Array) -> None:
    """Entropies, distinct identifiers, and those that are new."""
    longest, bounds = history.lengths[history.longest] * SECOND, _bounds(log, moments)
    for identifier in ("", *history.identifiers):
        name = identifier or history.counterparty
        coded = log.codes.get(name, np.empty(0, np.int32)), log.n_codes.get(name, 0)
        met = None
        for window, width in history.lengths.items():
            distinct, entropy, new = history.find(("distinct", "entropy", "new"), window, identifier, kind).tolist()
            places = np.array([distinct if identifier else -1, entropy, -1])  # counterparties stand with the totals
            if (places >= 0).any():
                codes_in_window(*bounds, width * SECOND, 0, *coded, places, out)
            if new >= 0:
                if met is None:
                    met = np.empty((len(out), 1))
                    codes_in_window(*bounds, longest, 0, *coded, np.array([0, -1, -1]), met)
                codes_in_window(*bounds, longest, width * SECOND, *coded, np.array([new, -1, -1]), out)
                out[:, new] = met[:, 0] - out[:, new]


def _fill_pairs_and_hours(history: History, log: EventLog, moments: Moments, kind: str, out: Array) -> None:
    asked, bounds = history.asked(kind), _bounds(log, moments)
    coded = {}
    if "repeats" in asked:
        coded["repeats"] = code_numbers(*paired_keys(log.codes[history.counterparty], log.amounts))
    if "hour_entropy" in asked:
        coded["hour_entropy"] = hours_of_day(log.times), 24
    for measure, codes in coded.items():
        for window, width in history.lengths.items():
            place = int(history.find((measure,), window, "", kind)[0])
            places = np.array([-1, -1, place] if measure == "repeats" else [-1, place, -1])
            codes_in_window(*bounds, width * SECOND, 0, *codes, places, out)


def _fill_spread(history: History, log: EventLog, moments: Moments, kind: str, out: Array) -> None:
    asked, bounds = history.asked(kind), _bounds(log, moments)
    between = gaps(log.starts, log.times) if "gap_std" in asked else NONE
    trailing = trailing_counts(log.starts, log.times, HOUR) if "burst" in asked else NONE
    for window, width in history.lengths.items():
        largest, smallest, std, gap_std, burst, since = history.find(_SPREAD, window, "", kind).tolist()
        extremes = (largest, log.amounts, 1.0), (smallest, log.amounts, -1.0), (burst, trailing, 1.0)
        for place, values, sign in extremes:
            if place >= 0:
                when = since if place == largest and since >= 0 else place
                extreme_in_window(*bounds, width * SECOND, values, sign, out[:, place], out[:, when])
        for place, values, skip in ((std, log.amounts, 0), (gap_std, between, 1)):
            if place >= 0:
                std_in_window(*bounds, width * SECOND, values, skip, out[:, place])


def _fill_ends(history: History, log: EventLog, moments: Moments, kind: str, out: Array) -> None:
    """Fill in what has no window, and what is worked out of other columns."""
    asked, own = history.asked(kind), moments.amounts.size > 0
    at_hand = bool(asked & AT_HAND)
    ends = np.full((3, len(out)), np.nan)
    if asked & set(_ENDS) or (at_hand and not own):
        amounts = log.amounts if at_hand else NONE
        fill_ends(log.starts, log.times, log.firsts, log.lasts, *_bounds(log, moments)[2:], amounts, *ends)
    for place, found in zip(history.find(_ENDS, "", "", kind).tolist(), ends, strict=False):
        if place >= 0:
            # Of a kind nothing is remembered beyond the longest window.
            forgotten = bool(kind) & (found > history.lengths[history.longest])
            out[:, place] = np.where(forgotten, np.nan, found)
    if at_hand or asked & {"trend", "peak"}:
        places = np.array([history.find(DERIVED, window, "", kind) for window in history.windows])
        fill_derived(moments.amounts if own else ends[2], history.widths, places, out)


_SPREAD = ("max", "min", "std", "gap_std", "burst", "since_max")
_ENDS = ("since_first", "since_last")


def fill_labels(history: History, labels: EventLog, moments: Moments, out: Array) -> None:
    """Compute the columns of labels.

    Parameters
    ----------
    history : History
        The declaration.
    labels : EventLog
        What became known of events, at the times when it became known; the amount is 1 for fraud and 0 for none.
    moments : Moments
        What is asked about.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; the other columns stay as they are.

    Examples
    --------
    >>> labels = EventLog(np.array([0, 2]), np.array([0, 40_000_000]), np.array([0.0, 1.0]))
    >>> moments = Moments(np.array([0, 1]), np.array([50_000_000]), np.array([0], np.int32))
    >>> history = History(("1m",), measures=("known", "frauds", "fraud_rate", "since_fraud"), prior=(0.0, 2.0))
    >>> out = np.full((1, 4), np.nan)
    >>> fill_labels(history, labels, moments, out)
    >>> out.tolist()
    [[2.0, 1.0, 0.25, 10.0]]
    """
    counts = np.empty(0, np.int32), np.empty(0, np.int32)
    rate, weight = history.prior
    bounds, codes = _bounds(labels, moments), np.empty(0, np.int32)
    for window, width in history.lengths.items():
        known, frauds, fraud_rate = history.find(("known", "frauds", "fraud_rate"), window).tolist()
        places = np.array([{"count": known, "sum": frauds}.get(name, -1) for name in WINDOW_MEASURES])
        if (places >= 0).any():
            totals_in_window(*bounds, width * SECOND, labels.amounts, codes, 0, counts, places, out)
        if fraud_rate >= 0:
            out[:, fraud_rate] = (out[:, frauds] + weight * rate) / (out[:, known] + weight)
    since_fraud, since_clean, run = history.find(("since_fraud", "since_clean", "fraud_run"), "").tolist()
    if since_clean >= 0 or run >= 0:
        found = np.full((2, len(out)), np.nan)
        label_runs(*bounds, history.lengths[history.longest] * SECOND, labels.amounts, *found)
        for place, values in zip((since_clean, run), found, strict=True):
            if place >= 0:
                out[:, place] = values
    if since_fraud >= 0:
        of_fraud, ends = labels.where(labels.amounts > 0), np.full((3, len(out)), np.nan)
        lasts = labels.firsts, labels.lasts
        fill_ends(of_fraud.starts, of_fraud.times, *lasts, *bounds[2:], NONE, *ends)
        out[:, since_fraud] = ends[1]
