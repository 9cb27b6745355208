"""The measures of an account's history: their families, dependencies and the checks of a declaration.

Every measure is computed from the events in ``[as_of - window, as_of)``, strictly before the cutoff time.

==============  ==============  ===================================================================  ================
measure         family          meaning, for the events in the window                                without events
==============  ==============  ===================================================================  ================
`count`         volume          number of events                                                     0
`trend`         volume          rate of events in the shortest window / rate in this window          NaN
`sum`           value           sum of the amounts                                                   0
`mean`          value           mean of the amounts                                                  NaN
`std`           value           standard deviation of the amounts (population)                       NaN
`max`, `min`    value           largest and smallest amount                                          NaN
`z`             value           (current amount - `mean`) / `std`                                    NaN
`to_mean`       value           current amount / `mean`                                              NaN
`to_max`        value           current amount / `max`                                               NaN
`peak`          value           `max` / mean amount in the longest window                            NaN
`since_max`     value           seconds since the largest amount, the last one of equal amounts      NaN
`distinct`      counterparties  number of distinct counterparties                                    0
`entropy`       counterparties  entropy of the counterparties, in nats                               NaN
`repeats`       counterparties  events with the counterparty and amount of an earlier event          0
`new`           novelty         counterparties without an event before it in the longest window      0
`night`         rhythm          share of events at night                                             NaN
`weekend`       rhythm          share of events on Saturdays and Sundays                             NaN
`gap_mean`      rhythm          mean seconds between consecutive events                              NaN (below two)
`gap_std`       rhythm          standard deviation of the seconds between them                       NaN (below two)
`span`          rhythm          seconds since the first event; not computed by default               NaN
`burst`         rhythm          largest number of events within an hour                              NaN
`hour_entropy`  rhythm          entropy of the hours of day, in nats                                 NaN
`since_last`    rhythm          seconds since the last event ever; has no window                     NaN
`since_first`   profile         seconds since the first event ever; has no window                    NaN
`last_1`, ...   value           amount of the latest event, the second latest, to the fifth; no window  NaN
`ago_2`, ...    rhythm          seconds since the second latest event, to the fifth; no window       NaN
`known`         network         number of labels that became known in the window                     0
`frauds`        network         number of these labels that are fraud                                0
`fraud_rate`    network         ``(frauds + weight * rate) / (known + weight)``, from `prior`        the rate
`since_fraud`   network         seconds since the last fraud label; has no window                    NaN
`since_clean`   network         seconds since the last label that is not fraud; has no window        NaN
`fraud_run`     network         fraud labels since the last label that is not fraud; has no window   0
==============  ==============  ===================================================================  ================

The current amount is the subject's own amount if subjects have one (a payment), and the last amount otherwise. An event
without an amount counts in `count`, and in no measure of amounts. An event without a counterparty counts in no measure
of counterparties. `trend` has no column for the shortest window; `new` has none for the longest, where it would equal
`distinct`. Hours and days are those of `time_zone`. `since_last` of a kind, `since_clean` and `fraud_run` use only what
lies within the longest window. The last six measures need labels of events. `last_1` to `last_5` and `ago_2` to `ago_5`
look back as far as the longest window; of events at the same time, the one with the larger amount counts as the later
one.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

__all__ = ["EVERY_EVENT", "FAMILIES", "LABEL_MEASURES", "MEASURES", "window_seconds"]

FAMILIES: Final[Mapping[str, str]] = {
    "count": "volume",
    "trend": "volume",
    "sum": "value",
    "mean": "value",
    "std": "value",
    "max": "value",
    "min": "value",
    "z": "value",
    "to_mean": "value",
    "to_max": "value",
    "peak": "value",
    "since_max": "value",
    "distinct": "counterparties",
    "entropy": "counterparties",
    "repeats": "counterparties",
    "new": "novelty",
    "night": "rhythm",
    "weekend": "rhythm",
    "gap_mean": "rhythm",
    "gap_std": "rhythm",
    "span": "rhythm",
    "burst": "rhythm",
    "hour_entropy": "rhythm",
    "since_last": "rhythm",
    "since_first": "profile",
    "last_1": "value",
    "last_2": "value",
    "last_3": "value",
    "last_4": "value",
    "last_5": "value",
    "ago_2": "rhythm",
    "ago_3": "rhythm",
    "ago_4": "rhythm",
    "ago_5": "rhythm",
    "known": "network",
    "frauds": "network",
    "fraud_rate": "network",
    "since_fraud": "network",
    "since_clean": "network",
    "fraud_run": "network",
}
"""The family of every measure."""

LABEL_MEASURES: Final = ("known", "frauds", "fraud_rate", "since_fraud", "since_clean", "fraud_run")
LAST_AMOUNTS: Final = ("last_1", "last_2", "last_3", "last_4", "last_5")
LAST_AGES: Final = ("since_last", "ago_2", "ago_3", "ago_4", "ago_5")
"""The amounts of the latest events and the seconds since them, the latest first."""
CLOCK_MEASURES: Final = ("night", "weekend", "hour_entropy")
"""Those of hours and days of the time zone of a view."""
LATEST_MEASURES: Final = (*LAST_AMOUNTS, *LAST_AGES[1:])
MEASURES: Final = tuple(name for name in FAMILIES if name not in (*LABEL_MEASURES, *LATEST_MEASURES, "span"))
"""The measures of `History` by default: all that need no labels, except `span` and the latest events one by one."""
DERIVED_FROM: Final[Mapping[str, tuple[str, ...]]] = {
    "trend": ("count",),
    "z": ("mean", "std"),
    "to_mean": ("mean",),
    "to_max": ("max",),
    "peak": ("max", "mean"),
    "since_max": ("max",),
    "fraud_rate": ("known", "frauds"),
}
"""The measures that a measure is computed from."""
CURRENT_AMOUNT_MEASURES: Final = frozenset({"z", "to_mean", "to_max"})
AMOUNT_MEASURES: Final = (
    *("sum", "mean", "std", "max", "min", "z", "to_mean", "to_max", "peak", "since_max", "repeats"),
    *LAST_AMOUNTS,
)
TIMELESS: Final = frozenset({"count", "sum", "mean", "std", "max", "min", "distinct", "entropy", "repeats"})
"""Measures that can be computed on events without times."""
COUNTERPARTY_MEASURES: Final = ("distinct", "entropy", "repeats", "new")
IDENTIFIER_MEASURES: Final = ("distinct", "entropy", "new")
WITHOUT_WINDOW: Final = ("since_last", "since_first", *LATEST_MEASURES, "since_fraud", "since_clean", "fraud_run")

EVERY_EVENT: Final = 2**31 - 1
"""As `max_events`, for windows without a bound: more than a call may have."""

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MAX_SECONDS: Final = 100 * 366 * 86_400


def window_seconds(window: str) -> int:
    """Return the length of a window.

    Parameters
    ----------
    window : str
        A whole number and a unit, ``s``, ``m``, ``h``, ``d`` or ``w``; or ``all``, which stands for 100 years.

    Returns
    -------
    int
        Length in seconds.

    Raises
    ------
    ValueError
        If the window cannot be read, or is longer than 100 years.

    Examples
    --------
    >>> window_seconds("90m"), window_seconds("7d")
    (5400, 604800)
    """
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
        if parameter == "by_kind" and measure in (*LABEL_MEASURES, *LATEST_MEASURES, "since_first"):
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
