"""The measures of a history: those that the kernels declare, by what they need, and the checks of a declaration.

Every measure is declared beside its kernel, in the ``MEASURES`` of a module of `kernels`, with its family and meaning.
It is computed from the events in ``[as_of - window, as_of)``, strictly before the cutoff time. A window holds at most
the latest events of an entity, up to the `max_events` of the view.

The current amount is the subject's own amount if subjects have one (a payment), and the last amount otherwise. An event
without an amount counts in `count`, and in no measure of amounts. An event without a counterparty counts in no measure
of counterparties. Hours and days are those of `time_zone`. `since_last` of a kind, `since_clean` and `fraud_run` use
only what lies within the longest window. `last_1` to `last_5` and `ago_2` to `ago_5` look back as far as the longest
window; of events at the same time, the one with the larger amount counts as the later one.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from .kernels import categories, extremes, labels, latest, recency, windows
from .kernels.measure import Measure, Reads, names_of

MEASURES: Final = (
    *("count", "trend", "sum", "mean", "std", "max", "min", "z", "to_mean", "to_max", "peak", "since_max"),
    *("distinct", "entropy", "repeats", "new", "night", "weekend", "gap_mean", "gap_std", "burst", "hour_entropy"),
    *("since_last", "since_first"),
)
"""The measures of `History` by default, and the order of their columns. They need no labels."""

_MODULES: Final = (windows, extremes, categories, recency, latest, labels)
DECLARED: Final[Mapping[str, Measure]] = {measure.name: measure for module in _MODULES for measure in module.MEASURES}
"""The declaration of every measure, by its name."""
FAMILIES: Final[Mapping[str, str]] = {name: DECLARED[name].family for name in dict.fromkeys((*MEASURES, *DECLARED))}
"""The family of every measure."""


def _reading(value: Reads) -> tuple[str, ...]:
    return tuple(name for name in FAMILIES if value in DECLARED[name].reads)


LABEL_MEASURES: Final = _reading("label")
LATEST_MEASURES: Final = names_of(latest.MEASURES)
LAST_AMOUNTS: Final = tuple(name for name in LATEST_MEASURES if name.startswith("last_"))
LAST_AGES: Final = ("since_last", *(name for name in LATEST_MEASURES if name.startswith("ago_")))
"""The amounts of the latest events and the seconds since them, the latest first."""
CLOCK_MEASURES: Final = _reading("clock")
"""Those of hours and days of the time zone of a view."""
DERIVED_FROM: Final[Mapping[str, tuple[str, ...]]] = {
    name: measure.derived_from for name, measure in DECLARED.items() if measure.derived_from
}
"""The measures that a measure is computed from."""
CURRENT_AMOUNT_MEASURES: Final = frozenset(_reading("current amount"))
AMOUNT_MEASURES: Final = _reading("amount")
TIMELESS: Final = frozenset(name for name, measure in DECLARED.items() if not measure.needs_times)
"""Measures that can be computed on events without times."""
COUNTERPARTY_MEASURES: Final = _reading("counterparty")
IDENTIFIER_MEASURES: Final = tuple(name for name in FAMILIES if DECLARED[name].has_identifiers)
WITHOUT_WINDOW: Final = tuple(name for name in FAMILIES if not DECLARED[name].has_window)

EVERY_EVENT: Final = 2**31 - 1
"""As `max_events`, for windows without a bound: more than a call may have."""

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MAX_SECONDS: Final = 100 * 366 * 86_400


def window_seconds(window: str) -> int:
    """Return the length of a window."""
    if window == "all":
        return _MAX_SECONDS
    match = re.fullmatch(r"([1-9][0-9]{0,9})([smhdw])", window)
    if match is None:
        raise ValueError(
            f"Expected a window of a whole number and one of the units {', '.join(_UNITS)}, "
            f"such as '7d', got {window!r}."
        )
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _MAX_SECONDS:
        raise ValueError(f"Expected a window of at most 100 years, got {window!r}.")
    return seconds


def check_names(name: str, value: object) -> None:
    """Check that a parameter is a tuple of distinct, non-empty names."""
    if not isinstance(value, tuple) or not all(isinstance(part, str) for part in value):
        raise TypeError(f"{name}: expected a tuple of strings, got {value!r}.")
    if "" in value:
        raise ValueError(f"{name}: expected names, got an empty string.")
    repeated = sorted(part for part, n in Counter(value).items() if n > 1)
    if repeated:
        raise ValueError(f"{name}: expected each name once, got {', '.join(map(repr, repeated))} more than once.")


def check_view_columns(columns: Mapping[str, object], name: object) -> None:
    """Check the columns of a view and its name, which may be empty."""
    for parameter, value in (*columns.items(), ("name", name)):
        if not isinstance(value, str) or (not value and parameter != "name"):
            raise TypeError(f"{parameter}: expected a string, got {value!r}.")


def check_entity(entity: str | tuple[str, ...], subject: str | tuple[str, ...]) -> None:
    """Check the columns that identify the entity of an event and of a subject."""
    for name, value in (("entity", entity), ("subject", subject)):
        if isinstance(value, tuple):
            check_names(name, value)
        if not isinstance(value, str | tuple) or (not value and name == "entity"):
            raise TypeError(f"{name}: expected the name of a column or a tuple of names, got {value!r}.")
    n_columns = [len(value) if isinstance(value, tuple) else 1 for value in (entity, subject or entity)]
    if n_columns[0] != n_columns[1]:
        raise ValueError(
            f"Expected an entity and a subject of as many columns, got {n_columns[0]} and {n_columns[1]} columns."
        )


def check_windows(windows: tuple[str, ...]) -> None:
    """Check that windows are valid and differ in length."""
    if not windows:
        raise ValueError("windows: expected at least one window, such as '1d'.")
    by_length: dict[int, str] = {}
    for window in windows:
        other = by_length.setdefault(window_seconds(window), window)
        if other != window:
            raise ValueError(f"windows: expected different lengths, but {other!r} and {window!r} are equal.")


def check_measures(measures: tuple[str, ...], parameter: str) -> None:
    """Check that measures exist, and that the measures they are computed from are included."""
    if not measures:
        raise ValueError(f"{parameter}: expected at least one computed measure, of {', '.join(FAMILIES)}.")
    for measure in measures:
        if measure not in FAMILIES:
            raise ValueError(f"{parameter}: unknown measure {measure!r}; expected one of {', '.join(FAMILIES)}.")
        if parameter == "by_kind" and not DECLARED[measure].has_kinds:
            raise ValueError(f"by_kind: {measure!r} cannot be computed per kind; remove it.")
        missing = [base for base in DERIVED_FROM.get(measure, ()) if base not in measures]
        if missing:
            raise ValueError(f"{parameter}: {measure!r} is computed from {' and '.join(missing)}; add these.")


def check_night(night: object) -> None:
    """Check the first and the last hour of the night."""
    if not isinstance(night, tuple) or len(night) != 2 or not all(type(hour) is int for hour in night):
        raise TypeError(f"night: expected two whole hours, a start and an end; got {night!r}.")
    start, stop = night
    if not (0 <= start < 24 and 0 <= stop <= 24) or start == stop:
        raise ValueError(f"night: expected a start in 0..23 and a different end in 0..24, got {night!r}.")


def check_prior(prior: object) -> None:
    """Check the rate and the weight of a prior."""
    if not isinstance(prior, tuple) or len(prior) != 2 or not all(isinstance(part, int | float) for part in prior):
        raise TypeError(f"prior: expected a rate and a weight, got {prior!r}.")
    if not (0 <= prior[0] <= 1 and 0 < prior[1] < float("inf")):
        raise ValueError(f"prior: expected a rate from 0 to 1 and a weight above 0, got {prior!r}.")


def check_max_events(max_events: object) -> None:
    """Check the maximum number of events of a window."""
    if type(max_events) is not int:
        raise TypeError(f"max_events: expected a whole number, got {max_events!r}.")
    if not 1 <= max_events <= EVERY_EVENT:
        raise ValueError(f"max_events: expected a number from 1 to {EVERY_EVENT:,}, got {max_events!r}.")
