"""Windowed account history, declared as data: windows, kinds of event, measures, and what the columns are called.

A declaration is all that the batch runner, the live runner and a model folder need to agree on. Every measure sees only
the events strictly before the moment that is asked about, and of these the ones in ``[as_of - window, as_of)``.

=============  ==============  =====================================================  ================
measure        family          of the events in the window                            without events
=============  ==============  =====================================================  ================
`count`        volume          how many there are (by kind too)                       0
`sum`          value           their amounts added up (by kind too)                   0
`mean`         value           the mean amount                                        NaN
`std`          value           the standard deviation of the amounts (population)     NaN
`max`, `min`   value           the largest and the smallest amount                    NaN
`distinct`     counterparties  how many counterparties there are                      0
`new`          novelty         counterparties that the account first met in them      0
`night`        rhythm          the share at night, UTC                                NaN
`weekend`      rhythm          the share on Saturdays and Sundays, UTC                NaN
`gap_mean`     rhythm          mean seconds from one to the next                      NaN (below two)
`since_last`   rhythm          seconds since the last event of all; has no window     NaN
=============  ==============  =====================================================  ================

A missing amount counts in `count` and in no measure of amounts; a missing counterparty is nobody.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

__all__ = ["FAMILIES", "MEASURES", "History", "window_seconds"]

FAMILIES: Final[Mapping[str, str]] = {
    "count": "volume",
    "sum": "value",
    "mean": "value",
    "std": "value",
    "max": "value",
    "min": "value",
    "distinct": "counterparties",
    "new": "novelty",
    "night": "rhythm",
    "weekend": "rhythm",
    "gap_mean": "rhythm",
    "since_last": "rhythm",
}
"""The family of every measure."""

MEASURES: Final = tuple(FAMILIES)
BY_KIND: Final = ("count", "sum")
OF_AMOUNTS: Final = ("sum", "mean", "std", "max", "min")
OF_COUNTERPARTIES: Final = ("distinct", "new")
WITHOUT_WINDOW: Final = ("since_last",)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST: Final = 100 * 366 * 86_400


def window_seconds(window: str) -> int:
    """Return the length of a window.

    Parameters
    ----------
    window : str
        A whole number and a unit: ``s``, ``m``, ``h``, ``d`` or ``w``.

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
    match = re.fullmatch(r"([1-9][0-9]{0,9})([smhdw])", window)
    if match is None:
        raise ValueError(
            f"A window is a whole number and one of the units {', '.join(_UNITS)}, such as '7d'; got {window!r}."
        )
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST:
        raise ValueError(f"A window lasts at most 100 years; got {window!r}.")
    return seconds


@dataclass(frozen=True)
class History:
    """The declaration of an account history.

    Parameters
    ----------
    windows : tuple of str, default=("1h", "1d", "7d", "30d")
        Lengths, each a whole number and a unit; closed left, open right: ``[as_of - window, as_of)``.
    kinds : tuple of str, default=()
        The kinds of event that get columns of their own.
    entity : str, default="account_id"
        The column that says whose history it is: an account, or a device, a card, a terminal.
    counterparty : str, default="counterparty_id"
        The column that is counted by ``distinct`` and ``new``.
    measures : tuple of str, by default all of `MEASURES`
        What is measured.
    night : tuple of int, default=(0, 6)
        The hours (UTC) from which and up to which it is night; ``(22, 6)`` runs over midnight.

    Raises
    ------
    TypeError, ValueError
        If a part is of the wrong type, unknown, or there twice.

    Examples
    --------
    >>> history = History(windows=("1h",), kinds=("transfer",), measures=("count", "mean", "since_last"))
    >>> history.columns
    ('volume__count_1h', 'volume__count_1h_transfer', 'value__mean_1h', 'rhythm__since_last')
    >>> History.from_dict(history.to_dict()) == history
    True
    """

    windows: tuple[str, ...] = ("1h", "1d", "7d", "30d")
    kinds: tuple[str, ...] = ()
    entity: str = "account_id"
    counterparty: str = "counterparty_id"
    measures: tuple[str, ...] = MEASURES
    night: tuple[int, int] = (0, 6)

    def __post_init__(self) -> None:
        for name in ("windows", "kinds", "measures"):
            _check_names(name, getattr(self, name))
        for name in ("entity", "counterparty"):
            _check_column(name, getattr(self, name))
        _check_windows(self.windows)
        _check_measures(self.measures, self.kinds)
        _check_night(self.night)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__measure_window`` and, by kind, ``family__measure_window_kind``."""
        names = [name for window in self.windows for name in self._columns_of(window)]
        plain = [f"{FAMILIES[measure]}__{measure}" for measure in self.measures if measure in WITHOUT_WINDOW]
        return (*names, *plain)

    def _columns_of(self, window: str) -> list[str]:
        names = []
        for measure in self.measures:
            if measure not in WITHOUT_WINDOW:
                name = f"{FAMILIES[measure]}__{measure}_{window}"
                names += [name, *(f"{name}_{kind}" for kind in self.kinds if measure in BY_KIND)]
        return names

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration in plain JSON types.

        Returns
        -------
        dict
            A key a parameter.

        Examples
        --------
        >>> History(windows=("1d",)).to_dict()["windows"]
        ['1d']
        """
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any]) -> "History":
        """Read a declaration from plain JSON types.

        Parameters
        ----------
        declared : mapping
            A key a parameter; what is not there has its default.

        Returns
        -------
        History

        Raises
        ------
        TypeError, ValueError
            If a key is unknown, or a part is wrong.

        Examples
        --------
        >>> History.from_dict({"window": ["1d"]})
        Traceback (most recent call last):
        ValueError: A history has no 'window'; it has windows, kinds, entity, counterparty, measures, night.
        """
        known = [field.name for field in fields(cls)]
        for name in declared:
            if name not in known:
                raise ValueError(f"A history has no {name!r}; it has {', '.join(known)}.")
        parts: dict[str, Any] = {
            name: tuple(part) if isinstance(part, list) else part for name, part in declared.items()
        }
        return cls(**parts)


def _check_names(name: str, value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(part, str) for part in value):
        raise TypeError(f"{name} is a tuple of strings; got {value!r}.")
    if "" in value:
        raise ValueError(f"{name} holds an empty string.")
    twice = sorted({part for part in value if value.count(part) > 1})
    if twice:
        raise ValueError(f"{name} names {', '.join(map(repr, twice))} twice.")


def _check_column(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} is the name of a column; got {value!r}.")


def _check_windows(windows: tuple[str, ...]) -> None:
    if not windows:
        raise ValueError("A history needs a window at least, such as '1d'.")
    by_length: dict[int, str] = {}
    for window in windows:
        other = by_length.setdefault(window_seconds(window), window)
        if other != window:
            raise ValueError(f"The windows {other!r} and {window!r} are equally long.")


def _check_measures(measures: tuple[str, ...], kinds: tuple[str, ...]) -> None:
    if not measures:
        raise ValueError(f"A history needs a measure at least, out of {', '.join(MEASURES)}.")
    for measure in measures:
        if measure not in FAMILIES:
            raise ValueError(f"There is no measure {measure!r}; there are {', '.join(MEASURES)}.")
    if kinds and not set(measures) & set(BY_KIND):
        raise ValueError(f"Kinds are declared, but no measure that is taken by kind: {', '.join(BY_KIND)}.")


def _check_night(night: object) -> None:
    if not isinstance(night, tuple) or len(night) != 2 or not all(type(hour) is int for hour in night):
        raise TypeError(f"night is two whole hours, from and up to; got {night!r}.")
    start, stop = night
    if not (0 <= start < 24 and 0 <= stop <= 24) or start == stop:
        raise ValueError(f"night runs from an hour in 0..23 up to another in 0..24; got {night!r}.")
