"""The measures of an account history: their families, what they are worked out of, and checks of a declaration.

Every measure sees only the events strictly before the moment that is asked about, and of these the ones in
``[as_of - window, as_of)``.

==============  ==============  ===================================================================  ================
measure         family          of the events in the window                                          without events
==============  ==============  ===================================================================  ================
`count`         volume          how many there are                                                   0
`trend`         volume          their rate in the shortest window over their rate in this one        NaN
`sum`           value           their amounts added up                                               0
`mean`          value           the mean amount                                                      NaN
`std`           value           the standard deviation of the amounts (population)                   NaN
`max`, `min`    value           the largest and the smallest amount                                  NaN
`z`             value           the amount at hand less `mean`, over `std`                           NaN
`to_mean`       value           the amount at hand over `mean`                                       NaN
`to_max`        value           the amount at hand over `max`                                        NaN
`peak`          value           `max` over the mean amount of the longest window                     NaN
`since_max`     value           seconds since the largest amount, the last of several                NaN
`distinct`      counterparties  how many counterparties there are                                    0
`entropy`       counterparties  their entropy, in nats                                               NaN
`repeats`       counterparties  events whose counterparty and amount an earlier one had              0
`new`           novelty         counterparties not met in the rest of the longest window             0
`night`         rhythm          the share at night, UTC                                              NaN
`weekend`       rhythm          the share on Saturdays and Sundays, UTC                              NaN
`gap_mean`      rhythm          mean seconds from one to the next                                    NaN (below two)
`gap_std`       rhythm          the standard deviation of these                                      NaN (below two)
`span`          rhythm          seconds since the first event; only where it is asked for            NaN
`burst`         rhythm          the most events within an hour that ends with one of these           NaN
`hour_entropy`  rhythm          the entropy of their hours of day, in nats                           NaN
`since_last`    rhythm          seconds since the last event of all; has no window                   NaN
`since_first`   profile         seconds since the first event of all; has no window                  NaN
`known`         network         labels that became known in the window                               0
`frauds`        network         how many of these were of fraud                                      0
`fraud_rate`    network         ``(frauds + weight * rate) / (known + weight)``, from `prior`        the rate
`since_fraud`   network         seconds since the last label of fraud; has no window                 NaN
`since_clean`   network         seconds since the last label of none; has no window                  NaN
`fraud_run`     network         labels of fraud since the last label of none; has no window          0
==============  ==============  ===================================================================  ================

The amount at hand is the subject's own where subjects have one (a payment), else the last one. A missing amount counts
in `count` and in no measure of amounts; a missing counterparty is nobody. `trend` has no column for the shortest window
and `new` none for the longest, where it would be `distinct`. `since_last` of a kind is missing where the longest window
holds none; so are `since_clean`, and `fraud_run` counts no label that is older. The last six need labels of events.
"""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["FAMILIES", "MEASURES", "OF_LABELS", "window_seconds"]

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
    "known": "network",
    "frauds": "network",
    "fraud_rate": "network",
    "since_fraud": "network",
    "since_clean": "network",
    "fraud_run": "network",
}
"""The family of every measure."""

OF_LABELS: Final = ("known", "frauds", "fraud_rate", "since_fraud", "since_clean", "fraud_run")
MEASURES: Final = tuple(name for name in FAMILIES if name not in (*OF_LABELS, "span"))
"""What is measured by default: all that needs no labels, but `span`."""
TAKEN_FROM: Final[Mapping[str, tuple[str, ...]]] = {
    "trend": ("count",),
    "z": ("mean", "std"),
    "to_mean": ("mean",),
    "to_max": ("max",),
    "peak": ("max", "mean"),
    "since_max": ("max",),
    "fraud_rate": ("known", "frauds"),
}
"""What a measure is worked out of, when that is other measures."""
AT_HAND: Final = frozenset({"z", "to_mean", "to_max"})
OF_AMOUNTS: Final = ("sum", "mean", "std", "max", "min", "z", "to_mean", "to_max", "peak", "since_max", "repeats")
TIMELESS: Final = frozenset({"count", "sum", "mean", "std", "max", "min", "distinct", "entropy", "repeats"})
"""What can be measured of events without times."""
OF_COUNTERPARTIES: Final = ("distinct", "entropy", "repeats", "new")
BY_IDENTIFIER: Final = ("distinct", "entropy", "new")
WITHOUT_WINDOW: Final = ("since_last", "since_first", "since_fraud", "since_clean", "fraud_run")

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST: Final = 100 * 366 * 86_400


def window_seconds(window: str) -> int:
    """Return the length of a window.

    Parameters
    ----------
    window : str
        A whole number and a unit, ``s``, ``m``, ``h``, ``d`` or ``w``; or ``all``, which is 100 years.

    Returns
    -------
    int
        Its seconds.

    Raises
    ------
    ValueError
        If that is no window, or one beyond 100 years.

    Examples
    --------
    >>> window_seconds("90m"), window_seconds("7d")
    (5400, 604800)
    """
    if window == "all":
        return _LONGEST
    match = re.fullmatch(r"([1-9][0-9]{0,9})([smhdw])", window)
    if match is None:
        raise ValueError(
            f"A window is a whole number and one of the units {', '.join(_UNITS)}, such as '7d'; got {window!r}."
        )
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST:
        raise ValueError(f"A window lasts at most 100 years; got {window!r}.")
    return seconds


def check_names(name: str, value: object) -> None:
    """Check a tuple of names."""
    if not isinstance(value, tuple) or not all(isinstance(part, str) for part in value):
        raise TypeError(f"{name} is a tuple of strings; got {value!r}.")
    if "" in value:
        raise ValueError(f"{name} holds an empty string.")
    twice = sorted({part for part in value if value.count(part) > 1})
    if twice:
        raise ValueError(f"{name} names {', '.join(map(repr, twice))} twice.")


def check_windows(windows: tuple[str, ...]) -> None:
    """Check the windows."""
    if not windows:
        raise ValueError("A history needs a window at least, such as '1d'.")
    by_length: dict[int, str] = {}
    for window in windows:
        other = by_length.setdefault(window_seconds(window), window)
        if other != window:
            raise ValueError(f"The windows {other!r} and {window!r} are equally long.")


def check_measures(measures: tuple[str, ...], what: str) -> None:
    """Check measures, and that what they are worked out of is there."""
    if not measures:
        raise ValueError(f"{what} names none of the measures that are taken; there are {', '.join(FAMILIES)}.")
    for measure in measures:
        if measure not in FAMILIES:
            raise ValueError(f"There is no measure {measure!r}; there are {', '.join(FAMILIES)}.")
        if what == "by_kind" and measure in (*OF_LABELS, "since_first"):
            raise ValueError(f"{measure!r} is not taken by kind: neither labels nor first events have one.")
        missing = [base for base in TAKEN_FROM.get(measure, ()) if base not in measures]
        if missing:
            raise ValueError(f"{what}: {measure!r} is worked out of {' and '.join(missing)}; name these too.")


def check_night(night: object) -> None:
    """Check the hours of night."""
    if not isinstance(night, tuple) or len(night) != 2 or not all(type(hour) is int for hour in night):
        raise TypeError(f"night is two whole hours, from and up to; got {night!r}.")
    start, stop = night
    if not (0 <= start < 24 and 0 <= stop <= 24) or start == stop:
        raise ValueError(f"night runs from an hour in 0..23 up to another in 0..24; got {night!r}.")


def check_prior(prior: object) -> None:
    """Check the rate and weight of a prior."""
    if not isinstance(prior, tuple) or len(prior) != 2 or not all(isinstance(part, int | float) for part in prior):
        raise TypeError(f"prior is a rate and a weight; got {prior!r}.")
    if not (0 <= prior[0] <= 1 and 0 < prior[1] < float("inf")):
        raise ValueError(f"prior is a rate from 0 to 1 and a weight above 0; got {prior!r}.")
