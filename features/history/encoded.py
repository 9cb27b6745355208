"""A log of coded events, and the history at any moments of it: the one place where measures meet columns.

NumPy and Numba alone: batches and the scorer both call `fill_history`.
"""

from dataclasses import dataclass, field

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.categories import (
    CODE_MEASURES,
    codes_in_windows,
    hours_in_windows,
    pairs_in_windows,
)
from fraudsieve.features.history.kernels.extremes import SPREAD_MEASURES, spread_in_windows
from fraudsieve.features.history.kernels.recency import DERIVED, END_MEASURES, fill_derived, fill_ends, label_runs
from fraudsieve.features.history.kernels.windows import WINDOW_MEASURES, totals_in_windows

from .declaration import History
from .measures import AT_HAND, BY_IDENTIFIER, OF_AMOUNTS, OF_COUNTERPARTIES

__all__ = ["CutoffTimes", "EncodedEvents", "fill_history", "fill_labels"]

NONE = np.empty(0)
NO_CODES = np.empty(0, np.int32)
SECOND = 1_000_000


@dataclass(frozen=True, eq=False)
class EncodedEvents:
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

    def coded(self, name: str) -> tuple[Array, int]:
        """Return the codes of a column, and how many different ones there are; nothing where they are not held.

        Parameters
        ----------
        name : str
            The column.

        Returns
        -------
        codes : ndarray of int32, shape (n_events,) or empty
        n_codes : int
        """
        return self.codes.get(name, NO_CODES), self.n_codes.get(name, 0)

    def where(self, kept: Array) -> "EncodedEvents":
        """Return the log of some of its events alone.

        Parameters
        ----------
        kept : ndarray of bool, shape (n_events,)
            Which.

        Returns
        -------
        EncodedEvents

        Examples
        --------
        >>> log = EncodedEvents(np.array([0, 2]), np.array([5, 9]), kinds=np.array([1, 0], np.int32))
        >>> log.where(log.kinds == 0).times.tolist(), log.where(log.kinds == 0).starts.tolist()
        ([9], [0, 1])
        """
        starts = np.concatenate(([0], np.cumsum(kept)))[self.starts]
        amounts = self.amounts[kept] if self.amounts.size else self.amounts
        codes = {name: values[kept] for name, values in self.codes.items()}
        return EncodedEvents(starts, self.times[kept], amounts, codes, self.n_codes)


@dataclass(frozen=True, eq=False)
class CutoffTimes:
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


def fill_history(history: History, log: EncodedEvents, moments: CutoffTimes, out: Array) -> None:
    """Compute every column of a declaration but those of labels.

    Parameters
    ----------
    history : History
        The declaration.
    log : EncodedEvents
        The events, with whatever the measures need.
    moments : CutoffTimes
        What is asked about.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; what is undefined stays as it is (NaN, by custom).

    Raises
    ------
    ValueError
        If the log lacks what a measure needs.

    Examples
    --------
    >>> log = EncodedEvents(np.array([0, 2]), np.array([0, 40_000_000]))
    >>> moments = CutoffTimes(np.array([0, 1]), np.array([70_000_000]), np.array([0], np.int32))
    >>> out = np.full((1, 2), np.nan)
    >>> fill_history(History(("1m",), measures=("count", "since_last")), log, moments, out)
    >>> out.tolist()
    [[1.0, 30.0]]
    """
    _check_log(history, log)
    _fill_events(history, log, moments, "", out)
    for number, kind in enumerate(history.kinds):
        _fill_events(history, log.where(log.kinds == number), moments, kind, out)


def _check_log(history: History, log: EncodedEvents) -> None:
    # Kernels do not check their bounds.
    asked = set(history.measures)
    needs = {"kinds": (log.kinds, set(history.kinds)), "amounts": (log.amounts, asked & set(OF_AMOUNTS))}
    for name in (history.counterparty, *history.identifiers):
        askers = asked & set(OF_COUNTERPARTIES)
        needs[f"codes of {name}"] = (log.codes.get(name, NONE), askers)
    for name, (values, askers) in needs.items():
        if askers and values.size != log.times.size:
            raise ValueError(f"{', '.join(sorted(askers))}: {log.times.size} {name} expected; got {values.size}.")


def _fill_events(history: History, log: EncodedEvents, moments: CutoffTimes, kind: str, out: Array) -> None:
    asked, windows = history.asked(kind), (*_bounds(log, moments), history.widths)
    amounts, others = log.amounts, log.coded(history.counterparty)
    totals_in_windows(*windows, amounts, *others, history.night, history.grid(WINDOW_MEASURES, "", kind), out)
    spread_in_windows(*windows, amounts, history.grid(SPREAD_MEASURES, "", kind), out)
    if asked & {"entropy", "new"}:  # distinct counterparties stand with the totals
        codes_in_windows(*windows, *others, history.grid(("", "entropy", "", "new"), "", kind), out)
    if asked & set(BY_IDENTIFIER):
        for name in history.identifiers:
            codes_in_windows(*windows, *log.coded(name), history.grid(CODE_MEASURES, name, kind), out)
    if "repeats" in asked:
        pairs_in_windows(*windows, others[0], amounts, history.grid(("", "", "repeats", ""), "", kind), out)
    if "hour_entropy" in asked:
        hours_in_windows(*windows, history.grid(("", "hour_entropy", "", ""), "", kind), out)
    _fill_ends(history, log, moments, kind, out)


def _bounds(log: EncodedEvents, moments: CutoffTimes) -> tuple[Array, Array, Array, Array, Array]:
    return log.starts, log.times, moments.starts, moments.times, moments.rows


def _fill_ends(history: History, log: EncodedEvents, moments: CutoffTimes, kind: str, out: Array) -> None:
    """Fill in what has no window, and what is worked out of other columns."""
    asked, own = history.asked(kind), moments.amounts.size > 0
    needs_last = bool(asked & AT_HAND) and not own
    last = np.empty(len(out) if needs_last else 0)
    if asked & set(END_MEASURES) or needs_last:
        # Of a kind nothing is remembered beyond the longest window.
        furthest = float(history.lengths[history.longest]) if kind else np.inf
        amounts, places = log.amounts if needs_last else NONE, history.find(END_MEASURES, "", "", kind)
        fill_ends(*_bounds(log, moments), log.firsts, log.lasts, amounts, furthest, places, out, last)
    if asked & {*AT_HAND, "trend", "peak"}:
        fill_derived(moments.amounts if own else last, history.widths, history.grid(DERIVED, "", kind), out)


def fill_labels(history: History, labels: EncodedEvents, moments: CutoffTimes, out: Array) -> None:
    """Compute the columns of labels.

    Parameters
    ----------
    history : History
        The declaration.
    labels : EncodedEvents
        What became known of events, at the times when it became known; the amount is 1 for fraud and 0 for none.
    moments : CutoffTimes
        What is asked about.
    out : ndarray of float64, shape (n_subjects, n_columns)
        Filled in; the other columns stay as they are.

    Examples
    --------
    >>> labels = EncodedEvents(np.array([0, 2]), np.array([0, 40_000_000]), np.array([0.0, 1.0]))
    >>> moments = CutoffTimes(np.array([0, 1]), np.array([50_000_000]), np.array([0], np.int32))
    >>> history = History(("1m",), measures=("known", "frauds", "fraud_rate", "since_fraud"), prior=(0.0, 2.0))
    >>> out = np.full((1, 4), np.nan)
    >>> fill_labels(history, labels, moments, out)
    >>> out.tolist()
    [[2.0, 1.0, 0.25, 10.0]]
    """
    rate, weight = history.prior
    bounds, nobody = _bounds(labels, moments), (NO_CODES, 0)
    grid = history.grid(("known", "frauds", *[""] * (len(WINDOW_MEASURES) - 2)))
    totals_in_windows(*bounds, history.widths, labels.amounts, *nobody, history.night, grid, out)
    for known, frauds, fraud_rate in history.grid(("known", "frauds", "fraud_rate")).tolist():
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
        of_fraud, lasts = _bounds(labels.where(labels.amounts > 0), moments), (labels.firsts, labels.lasts)
        fill_ends(*of_fraud, *lasts, NONE, np.inf, np.array([-1, since_fraud]), out, NONE)
