"""Account history, declared as data: whose, over which windows, measured how, and what the columns are called.

A declaration is all that the batch runner, the live runner and a model folder need to agree on. The measures stand in
`history_measures`; every one sees only the events strictly before the moment that is asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fraudsieve._typing import Array

from .measures import (
    BY_IDENTIFIER,
    FAMILIES,
    MEASURES,
    OF_AMOUNTS,
    OF_COUNTERPARTIES,
    OF_LABELS,
    WITHOUT_WINDOW,
    check_measures,
    check_names,
    check_night,
    check_prior,
    check_windows,
    window_seconds,
)

__all__ = ["History", "HistoryColumn", "check_histories", "history_columns"]


class HistoryColumn(NamedTuple):
    """What one column holds: a measure, of a window, of an identifier, of a kind; an empty string for none or all."""

    measure: str
    window: str = ""
    identifier: str = ""
    kind: str = ""


@dataclass(frozen=True)
class History:
    """The declaration of one view of the events: whose history it is, and what is measured in it.

    Parameters
    ----------
    windows : tuple of str, default=("1h", "1d", "7d", "30d")
        Lengths, each a whole number and a unit; closed left, open right: ``[as_of - window, as_of)``.
    kinds : tuple of str, default=()
        The kinds of event that get columns of their own.
    by_kind : tuple of str, default=("count", "sum")
        The measures that are taken by kind too, those of them that are measured.
    entity : str or tuple of str, default="account_id"
        The column that says whose history it is: an account, or a device, a card, a terminal. Several for what two
        have in common, such as ``("account_id", "counterparty_id")``. An event without it is in nobody's history.
    subject : str or tuple of str, default=""
        The columns of a subject that name the entity; empty for the same as in the events. With the entity
        ``"counterparty_id"`` and the subject ``"account_id"`` it is what an account received.
    counterparty : str, default="counterparty_id"
        The column of ``distinct``, ``entropy``, ``new`` and ``repeats``.
    identifiers : tuple of str, default=()
        Further columns, such as ``"device_id"``, that ``distinct``, ``entropy`` and ``new`` are taken of too.
    measures : tuple of str, by default all of `MEASURES`
        What is measured: by default all that needs no labels, but for `span`.
    night : tuple of int, default=(0, 6)
        The hours (UTC) from which and up to which it is night; ``(22, 6)`` runs over midnight.
    prior : tuple of float, default=(0.01, 10.0)
        The rate of fraud that few labels are shrunk to, and how many labels it weighs.
    name : str, default=""
        Tells the columns of several views apart: ``family__name_measure_window``.

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
    by_kind: tuple[str, ...] = ("count", "sum")
    entity: str | tuple[str, ...] = "account_id"
    subject: str | tuple[str, ...] = ""
    counterparty: str = "counterparty_id"
    identifiers: tuple[str, ...] = ()
    measures: tuple[str, ...] = MEASURES
    night: tuple[int, int] = (0, 6)
    prior: tuple[float, float] = (0.01, 10.0)
    name: str = ""

    def __post_init__(self) -> None:
        for name in ("windows", "kinds", "by_kind", "identifiers", "measures"):
            check_names(name, getattr(self, name))
        _check_views(self)
        check_windows(self.windows)
        check_measures(self.measures, "measures")
        if self.kinds:
            check_measures(tuple(name for name in self.by_kind if name in self.measures), "by_kind")
        check_night(self.night)
        check_prior(self.prior)

    @property
    def entities(self) -> tuple[str, ...]:
        """The columns of an event that name its entity."""
        return (self.entity,) if isinstance(self.entity, str) else self.entity

    @property
    def subjects(self) -> tuple[str, ...]:
        """The columns of a subject that name the entity."""
        named = self.subject or self.entity
        return (named,) if isinstance(named, str) else named

    @property
    def needs_labels(self) -> bool:
        """Whether a measure is taken of labels."""
        return bool(set(self.measures) & set(OF_LABELS))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an event that are looked at, but for its time."""
        asked = set(self.measures)
        others = (self.counterparty, *self.identifiers) if asked & set(OF_COUNTERPARTIES) else ()
        amount = ("amount",) if asked & set(OF_AMOUNTS) else ()
        return (*self.entities, *others, *amount, *(("kind",) if self.kinds else ()))

    @cached_property
    def lengths(self) -> dict[str, int]:
        """The seconds of every window."""
        return {window: window_seconds(window) for window in self.windows}

    @cached_property
    def widths(self) -> Array:
        """The microseconds of every window, shape (n_windows,)."""
        return np.array([length * 1_000_000 for length in self.lengths.values()])

    @cached_property
    def longest(self) -> str:
        """The longest window."""
        return max(self.lengths, key=self.lengths.__getitem__)

    @cached_property
    def shortest(self) -> str:
        """The shortest window."""
        return min(self.lengths, key=self.lengths.__getitem__)

    @cached_property
    def places(self) -> dict[HistoryColumn, int]:
        """Every column, and where it stands."""
        windowed = [
            column
            for window in self.windows
            for measure in self.measures
            if measure not in WITHOUT_WINDOW and self._has(measure, window)
            for column in self._of_measure(measure, window)
        ]
        plain = [
            column for measure in self.measures if measure in WITHOUT_WINDOW for column in self._of_measure(measure, "")
        ]
        return {column: place for place, column in enumerate([*windowed, *plain])}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: ``family__measure_window``, with name, identifier and kind where there are any."""
        return tuple(self._named(column) for column in self.places)

    def find(self, measures: tuple[str, ...], window: str, identifier: str = "", kind: str = "") -> Array:
        """Find where measures stand among the columns.

        Parameters
        ----------
        measures : tuple of str
            Names.
        window, identifier, kind : str
            As in `HistoryColumn`.

        Returns
        -------
        ndarray of int64, shape (n_measures,)
            Places; -1 where a measure is not taken so.

        Examples
        --------
        >>> History(("1h",), measures=("count", "sum")).find(("sum", "mean"), "1h").tolist()
        [1, -1]
        """
        asked = measures, window, identifier, kind
        if asked not in self._found:
            columns = [HistoryColumn(measure, window, identifier, kind) for measure in measures]
            self._found[asked] = np.array([self.places.get(column, -1) for column in columns])
        return self._found[asked]

    def grid(self, measures: tuple[str, ...], identifier: str = "", kind: str = "") -> Array:
        """Find where measures stand among the columns, for every window.

        Parameters
        ----------
        measures : tuple of str
            Names; an empty one stands for none.
        identifier, kind : str, default=""
            As in `HistoryColumn`.

        Returns
        -------
        ndarray of int64, shape (n_windows, n_measures)
            Places, as from `find`.

        Examples
        --------
        >>> History(("1h", "1d"), measures=("count", "sum")).grid(("sum", "mean")).tolist()
        [[1, -1], [3, -1]]
        """
        asked = measures, "every", identifier, kind
        if asked not in self._found:
            self._found[asked] = np.array([self.find(measures, window, identifier, kind) for window in self.windows])
        return self._found[asked]

    @cached_property
    def _found(self) -> dict[tuple[tuple[str, ...], str, str, str], Array]:
        return {}  # a live state asks the same for every event

    def asked(self, kind: str = "") -> set[str]:
        """Return the measures that are taken, of all events or of a kind.

        Parameters
        ----------
        kind : str, default=""
            The kind; empty for all events.

        Returns
        -------
        set of str
        """
        return set(self.measures) & set(self.by_kind) if kind else set(self.measures)

    def _has(self, measure: str, window: str) -> bool:
        return window != {"trend": self.shortest, "new": self.longest}.get(measure)

    def _of_measure(self, measure: str, window: str) -> list[HistoryColumn]:
        columns = [HistoryColumn(measure, window)]
        if measure in BY_IDENTIFIER:
            columns += [HistoryColumn(measure, window, identifier) for identifier in self.identifiers]
        if measure in self.by_kind:
            columns += [HistoryColumn(measure, window, "", kind) for kind in self.kinds]
        return columns

    def _named(self, column: HistoryColumn) -> str:
        parts = (self.name, column.measure, column.identifier, column.window, column.kind)
        return f"{FAMILIES[column.measure]}__" + "_".join(part for part in parts if part)

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
        >>> History.from_dict({"window": ["1d"]})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: A history has no 'window'; it has windows, kinds, by_kind, entity, subject, counterparty, ...
        """
        known = [field.name for field in fields(cls)]
        for name in declared:
            if name not in known:
                raise ValueError(f"A history has no {name!r}; it has {', '.join(known)}.")
        parts: dict[str, Any] = {
            name: tuple(part) if isinstance(part, list) else part for name, part in declared.items()
        }
        return cls(**parts)


def _check_views(history: History) -> None:
    for name in ("counterparty", "name"):
        value = getattr(history, name)
        if not isinstance(value, str) or (not value and name != "name"):
            raise TypeError(f"{name} is a string; got {value!r}.")
    for name in ("entity", "subject"):
        value = getattr(history, name)
        if isinstance(value, tuple):
            check_names(name, value)
        if not isinstance(value, str | tuple) or (not value and name == "entity"):
            raise TypeError(f"{name} is the name of a column, or a tuple of names; got {value!r}.")
    if len(history.subjects) != len(history.entities):
        raise ValueError(f"The entity is of {len(history.entities)} columns, the subject of {len(history.subjects)}.")


def check_histories(histories: History | Sequence[History]) -> tuple[History, ...]:
    """Return several views as a tuple, once their columns are told apart.

    Parameters
    ----------
    histories : History or sequence of History
        The views.

    Returns
    -------
    tuple of History

    Raises
    ------
    TypeError
        If one is no History.
    ValueError
        If two would give a column of the same name.

    Examples
    --------
    >>> check_histories([History(), History(entity="device_id")])
    Traceback (most recent call last):
    ValueError: Two views give the column 'volume__count_1h'; give one of them a name.
    """
    views = (histories,) if isinstance(histories, History) else tuple(histories)
    seen: set[str] = set()
    for view in views:
        if not isinstance(view, History):
            raise TypeError(f"Expected a History, got {type(view).__name__}.")
        both = [name for name in view.columns if name in seen]
        if both:
            raise ValueError(f"Two views give the column {both[0]!r}; give one of them a name.")
        seen.update(view.columns)
    return views


def history_columns(histories: Sequence[History]) -> tuple[str, ...]:
    """Return the names of the columns of several views, one after the other.

    Parameters
    ----------
    histories : sequence of History
        The views.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> history_columns([History(("1h",), measures=("count",)), History(("1h",), measures=("count",), name="pair")])
    ('volume__count_1h', 'volume__pair_count_1h')
    """
    return tuple(name for history in histories for name in history.columns)
