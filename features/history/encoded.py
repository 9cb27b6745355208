"""Events encoded as arrays, and the feature views computed on them at any cutoff times.

The batch runner and the live runner both call `fill_history` and `fill_labels`. Needs only NumPy and Numba.
"""

from dataclasses import dataclass, field

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.bound import count_bounded, fill_floors
from fraudsieve.features.history.kernels.categories import (
    CODE_MEASURES,
    codes_in_windows,
    hours_in_windows,
    pairs_in_windows,
)
from fraudsieve.features.history.kernels.digest_table import HASH_KEY
from fraudsieve.features.history.kernels.extremes import SPREAD_MEASURES, spread_in_windows
from fraudsieve.features.history.kernels.labels import labels_in_windows
from fraudsieve.features.history.kernels.latest import fill_latest
from fraudsieve.features.history.kernels.recency import DERIVED, END_MEASURES, fill_derived, fill_ends
from fraudsieve.features.history.kernels.windows import WINDOW_MEASURES, Bounds, Codes, totals_in_windows
from fraudsieve.tables.values.moments import to_local

from .declaration import History
from .measures import (
    AMOUNT_MEASURES,
    CLOCK_MEASURES,
    COUNTERPARTY_MEASURES,
    CURRENT_AMOUNT_MEASURES,
    IDENTIFIER_MEASURES,
    LAST_AGES,
    LAST_AMOUNTS,
    LATEST_MEASURES,
)

NO_AMOUNTS = np.empty(0)
NO_CODES = np.empty(0, np.int32)
NO_FLOORS = np.empty(0, np.int64)
NO_ENDS = np.full(3, -1)


@dataclass(frozen=True, eq=False)
class EncodedEvents:
    """Events sorted by entity and time, one array per column."""

    # Shape (n_entities + 1,). Entity `e` has the events from `starts[e]` up to `starts[e + 1]`.
    starts: Array
    # Shape (n_events,). Microseconds since 1970, UTC; ascending within an entity.
    times: Array
    # Shape (n_events,). Amounts; NaN if missing.
    amounts: Array = field(default_factory=lambda: NO_AMOUNTS)
    # Shape (n_events,). Counterparties and other identifiers as codes from 0, by column; -1 if missing.
    codes: dict[str, Array] = field(default_factory=dict)
    # Number of distinct codes, by column.
    n_codes: dict[str, int] = field(default_factory=dict)
    # Shape (n_events,). Indices into the declared kinds; any other number for another kind.
    kinds: Array = field(default_factory=lambda: np.empty(0, np.int32))
    # Shape (n_entities,). Times of the first and the last event before these, which a live state dropped or left out;
    # `NEVER` without any.
    firsts: Array = field(default_factory=lambda: np.empty(0, np.int64))
    lasts: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def coded(self, name: str) -> Codes:
        """Return the codes of a column and their number; an empty array and 0 without the column."""
        return self.codes.get(name, NO_CODES), self.n_codes.get(name, 0)

    def where(self, mask: Array, floors: Array) -> tuple["EncodedEvents", Array]:
        """Return the events that a mask selects, without their kinds, and the floors among them."""
        before = np.concatenate(([0], np.cumsum(mask)))
        amounts = self.amounts[mask] if self.amounts.size else self.amounts
        codes = {name: values[mask] for name, values in self.codes.items()}
        return EncodedEvents(before[self.starts], self.times[mask], amounts, codes, self.n_codes), before[floors]


@dataclass(frozen=True, eq=False)
class CutoffTimes:
    """Cutoff times of subjects, sorted by entity and time."""

    # Shape (n_entities + 1,). As in `EncodedEvents`, for the same entities.
    starts: Array
    # Shape (n_subjects,). Microseconds since 1970, UTC; ascending within an entity.
    times: Array
    # Shape (n_subjects,). Row of the output that each cutoff time belongs to.
    rows: Array
    # Shape (n_subjects,). Amounts of the subjects, in the order of the output. If empty, the amount of the last event
    # is used.
    amounts: Array = field(default_factory=lambda: NO_AMOUNTS)


def fill_history(history: History, events: EncodedEvents, cutoffs: CutoffTimes, out: Array) -> None:
    """Compute every column of a feature view, except those of labels.

    To be `is_new` is missing, and not true, for a subject that does not name the entity: callers know.
    """
    _check_columns(history, events)
    floors = _floors(history, events, cutoffs)
    _fill_events(history, events, cutoffs, floors, "", out)
    for index, kind in enumerate(history.kinds):
        # The events of every kind are bounded together, so that a live state can drop them together.
        of_kind, floors_of_kind = events.where(events.kinds == index, floors)
        _fill_events(history, of_kind, cutoffs, floors_of_kind, kind, out)
    if "is_new" in history.measures:
        is_new, since_first = history.indices(("is_new", "since_first"), "")
        out[:, is_new] = np.isnan(out[:, since_first])
    if "held" in history.measures:
        kinds = events.kinds if history.kinds else np.zeros(events.times.size, np.int32)
        columns = np.hstack([history.indices_by_window(("held",), "", kind) for kind in (*history.kinds, "")])
        counted = kinds, events.codes[history.counterparty], columns, NO_ENDS
        labels_in_windows(_bounds(events, cutoffs, floors), history.widths, *counted, out)


def _floors(history: History, events: EncodedEvents, cutoffs: CutoffTimes) -> Array:
    bounds = events.starts, events.times, cutoffs.starts, cutoffs.times, history.max_events
    if not count_bounded(*bounds, history.lengths[history.longest] * SECOND):
        return NO_FLOORS
    floors = np.empty(cutoffs.times.size, np.int64)
    fill_floors(*bounds, floors)
    return floors


def _check_columns(history: History, events: EncodedEvents) -> None:
    # Compiled kernels do not check array bounds.
    measures = set(history.measures)
    columns = {
        "kinds": (events.kinds, set(history.kinds)),
        "amounts": (events.amounts, measures & set(AMOUNT_MEASURES)),
    }
    for name in (history.counterparty, *history.identifiers):
        columns[f"codes of {name}"] = (events.codes.get(name, NO_AMOUNTS), measures & set(COUNTERPARTY_MEASURES))
    for name, (values, users) in columns.items():
        if users and values.size != events.times.size:
            raise ValueError(f"{', '.join(sorted(users))}: expected {events.times.size} {name}, got {values.size}.")


def _fill_events(
    history: History, events: EncodedEvents, cutoffs: CutoffTimes, floors: Array, kind: str, out: Array
) -> None:
    bounds = _bounds(events, cutoffs, floors)
    measures, windows = history.measures_of(kind), (bounds, history.widths)
    amounts, counterparties, indices = events.amounts, events.coded(history.counterparty), history.indices_by_window
    # A clock is only read where a measure needs it.
    local = to_local(events.times, history.time_zone) if measures & set(CLOCK_MEASURES) else events.times
    totals_in_windows(*windows, amounts, counterparties, history.night, local, indices(WINDOW_MEASURES, "", kind), out)
    spread_in_windows(*windows, amounts, indices(SPREAD_MEASURES, "", kind), out)
    if measures & {"entropy", "new"}:  # totals_in_windows counts distinct counterparties
        codes_in_windows(*windows, *counterparties, indices(("", "entropy", "", "new"), "", kind), out)
    if measures & set(IDENTIFIER_MEASURES):
        for name in history.identifiers:
            codes_in_windows(*windows, *events.coded(name), indices(CODE_MEASURES, name, kind), out)
    if "repeats" in measures:
        columns = indices(("", "", "repeats", ""), "", kind)
        pairs_in_windows(*windows, counterparties[0], amounts, HASH_KEY, columns, out)
    if "hour_entropy" in measures:
        hours_in_windows(*windows, local, indices(("", "hour_entropy", "", ""), "", kind), out)
    if measures & set(LATEST_MEASURES) and not kind:
        latest = history.indices(LAST_AMOUNTS, ""), history.indices(("", *LAST_AGES[1:]), "")
        width = history.lengths[history.longest] * SECOND
        fill_latest(bounds, amounts, width, *latest, out)
    _fill_ends(history, events, cutoffs, bounds, kind, out)


def _bounds(events: EncodedEvents, cutoffs: CutoffTimes, floors: Array) -> Bounds:
    return events.starts, events.times, cutoffs.starts, cutoffs.times, floors, cutoffs.rows


def _fill_ends(
    history: History, events: EncodedEvents, cutoffs: CutoffTimes, bounds: Bounds, kind: str, out: Array
) -> None:
    """Fill in the columns without a window, and those computed from other columns."""
    measures, has_own_amounts = history.measures_of(kind), cutoffs.amounts.size > 0
    needs_last = bool(measures & CURRENT_AMOUNT_MEASURES) and not has_own_amounts
    last_amounts = np.empty(len(out) if needs_last else 0)
    if measures & set(END_MEASURES) or needs_last:
        # A live state drops the events of a kind after the longest window, and keeps no times for them.
        max_age = float(history.lengths[history.longest]) if kind else np.inf
        amounts, indices = events.amounts if needs_last else NO_AMOUNTS, history.indices(END_MEASURES, "", "", kind)
        ends = events.firsts, events.lasts
        fill_ends(bounds, *ends, amounts, max_age, indices, out, last_amounts)
    if measures & {*CURRENT_AMOUNT_MEASURES, "trend", "peak"}:
        amounts = cutoffs.amounts if has_own_amounts else last_amounts
        fill_derived(amounts, history.widths, history.indices_by_window(DERIVED, "", kind), out)


def fill_labels(history: History, labels: EncodedEvents, cutoffs: CutoffTimes, out: Array) -> None:
    """Compute the columns of a feature view that are measures of labels."""
    rate, weight = history.prior
    bounds, classes = _bounds(labels, cutoffs, _floors(history, labels, cutoffs)), labels.amounts.astype(np.int32)
    columns = history.indices_by_window(("", "frauds", "known"))
    ends = history.indices(("since_fraud", "since_clean", "fraud_run"), "")
    labels_in_windows(bounds, history.widths, classes, labels.coded("event_id")[0], columns, ends, out)
    for known, frauds, fraud_rate in history.indices_by_window(("known", "frauds", "fraud_rate")).tolist():
        if fraud_rate >= 0:
            out[:, fraud_rate] = (out[:, frauds] + weight * rate) / (out[:, known] + weight)
