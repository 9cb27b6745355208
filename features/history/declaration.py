"""Feature views of an account's history, declared as data: entity, windows, measures and column names.

The batch runner, the live runner and a model folder share only this declaration. The measures are described in
`measures`; each is computed from events strictly before the cutoff time.

The measures of a history: those that the kernels declare, by what they need, and the checks of a declaration.

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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array, JsonObject
from fraudsieve.tables.values.moments import time_zone

from .kernels import categories, labels, recency, windows
from .kernels.measure import Measure, Reads, names_of

MEASURES: Final = (
    *("count", "trend", "sum", "mean", "std", "max", "min", "z", "to_mean", "to_max", "peak", "since_max"),
    *("distinct", "entropy", "repeats", "new", "night", "weekend", "gap_mean", "gap_std", "burst", "hour_entropy"),
    *("since_last", "since_first"),
)
"""The measures of `History` by default, and the order of their columns. They need no labels."""

_MODULES: Final = (windows, categories, recency, labels)
DECLARED: Final[Mapping[str, Measure]] = {measure.name: measure for module in _MODULES for measure in module.MEASURES}
"""The declaration of every measure, by its name."""
FAMILIES: Final[Mapping[str, str]] = {name: DECLARED[name].family for name in dict.fromkeys((*MEASURES, *DECLARED))}
"""The family of every measure."""


def _reading(value: Reads) -> tuple[str, ...]:
    return tuple(name for name in FAMILIES if value in DECLARED[name].reads)


LABEL_MEASURES: Final = _reading("label")
LATEST_MEASURES: Final = names_of(recency.LATEST)
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


ONE_KIND: Final = "event"
"""The kind of an event without a kind: in a table without the column, or in a row with a missing value."""


class HistoryColumn(NamedTuple):
    """The measure, window, identifier and kind of one column; an empty string where one does not apply."""

    measure: str
    window: str = ""
    identifier: str = ""
    kind: str = ""


@dataclass(frozen=True)
class History:
    """The declaration of one feature view: the entity whose events are measured, and the measures.

    Parameters
    ----------
    windows : tuple of str, default=("1h", "1d", "7d", "30d")
        Window lengths, each a whole number and a unit; closed left, open right: ``[as_of - window, as_of)``.
    kinds : tuple of str, default=()
        Kinds of event with their own columns.
    by_kind : tuple of str, default=("count", "sum")
        Measures that are also computed per kind; those not in `measures` are ignored.
    entity : str or tuple of str, default="account_id"
        Column of an event that identifies the entity: an account, a device, a card or a terminal. Several columns
        identify a pair, such as ``("account_id", "counterparty_id")``. Events without a value are ignored.
    subject : str or tuple of str, default=""
        Columns of a subject that identify the entity; empty if they are the same as in the events. The entity
        ``"counterparty_id"`` with the subject ``"account_id"`` measures the events that an account received.
    amount : str, default="amount"
        Column that the measures of amounts are computed on: any numeric column of events. A subject's own value, if it
        has the column, is the current amount.
    counterparty : str, default="counterparty_id"
        Column that ``distinct``, ``entropy``, ``new`` and ``repeats`` are computed on.
    identifiers : tuple of str, default=()
        Further columns, such as ``"device_id"``, that ``distinct``, ``entropy`` and ``new`` are also computed on.
    measures : tuple of str, default=MEASURES
        Measures to compute. The default is every measure that needs no labels, except ``span`` and the latest events.
    night : tuple of int, default=(0, 6)
        Hours at which the night begins and ends; ``(22, 6)`` includes midnight.
    prior : tuple of float, default=(0.01, 10.0)
        Fraud rate towards which rates from few labels are shrunk, and its weight, in labels.
    name : str, default=""
        Name of the view, part of its column names: ``family__name_measure_window``.
    time_zone : str, default="UTC"
        Name of the zone of hours and days, such as ``Asia/Shanghai``: for nights, weekends and the hours of the day.
    max_events : int, default=4096
        A window holds at most the latest events of an entity, of any kind, up to this number; likewise for labels.
        Events at one time are in the order of a keyed digest of their ids and fields.
    order_key : str, default=""
        The key. `train` makes one: with a known key, clients could choose ids so that events of others do not count.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type, or a name is unknown or repeated.

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
    amount: str = "amount"
    counterparty: str = "counterparty_id"
    identifiers: tuple[str, ...] = ()
    measures: tuple[str, ...] = MEASURES
    night: tuple[int, int] = (0, 6)
    prior: tuple[float, float] = (0.01, 10.0)
    name: str = ""
    time_zone: str = "UTC"
    max_events: int = 4096
    order_key: str = ""

    def __post_init__(self) -> None:
        for name in ("windows", "kinds", "by_kind", "identifiers", "measures"):
            check_names(name, getattr(self, name))
        check_view_columns({"amount": self.amount, "counterparty": self.counterparty}, self.name)
        check_entity(self.entity, self.subject)
        check_windows(self.windows)
        check_measures(self.measures, "measures")
        if self.kinds:
            check_measures(tuple(name for name in self.by_kind if name in self.measures), "by_kind")
        check_night(self.night)
        check_prior(self.prior)
        check_max_events(self.max_events)
        time_zone(self.time_zone)

    @cached_property
    def entities(self) -> tuple[str, ...]:
        """The columns of an event that identify its entity."""
        return (self.entity,) if isinstance(self.entity, str) else self.entity

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """The columns of a subject that identify its entity."""
        columns = self.subject or self.entity
        return (columns,) if isinstance(columns, str) else columns

    @cached_property
    def is_of_account(self) -> bool:
        """Whether it measures the events of the subject's own account."""
        return self.entities == self.subjects == ("account_id",)

    @cached_property
    def needs_labels(self) -> bool:
        """Whether a measure is computed from labels."""
        return bool(set(self.measures) & set(LABEL_MEASURES))

    @cached_property
    def counted_ids(self) -> tuple[str, ...]:
        """The columns of ids that a measure is computed on."""
        return (self.counterparty, *self.identifiers) if set(self.measures) & set(COUNTERPARTY_MEASURES) else ()

    @cached_property
    def reads_amounts(self) -> bool:
        """Whether a measure is computed from amounts."""
        return bool(set(self.measures) & set(AMOUNT_MEASURES))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an event that are used, except its time."""
        others = (*([self.amount] if self.reads_amounts else []), *(["kind"] if self.kinds else []))
        return (*self.entities, *self.counted_ids, *others)

    @cached_property
    def lengths(self) -> dict[str, int]:
        """The length of each window, in seconds."""
        return {window: window_seconds(window) for window in self.windows}

    @cached_property
    def widths(self) -> Array:
        """The length of each window in microseconds, shape (n_windows,)."""
        return np.array([length * SECOND for length in self.lengths.values()])

    @cached_property
    def longest(self) -> str:
        """The longest window."""
        return max(self.lengths, key=self.lengths.__getitem__)

    @cached_property
    def shortest(self) -> str:
        """The shortest window."""
        return min(self.lengths, key=self.lengths.__getitem__)

    @cached_property
    def positions(self) -> dict[HistoryColumn, int]:
        """The position of each column."""
        windowed = [
            column
            for window in self.windows
            for measure in self.measures
            if measure not in WITHOUT_WINDOW and self._has_column(measure, window)
            for column in self._columns_of(measure, window)
        ]
        without_window = [
            column for measure in self.measures if measure in WITHOUT_WINDOW for column in self._columns_of(measure, "")
        ]
        return {column: position for position, column in enumerate([*windowed, *without_window])}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: ``family__measure_window``, with the name, identifier and kind if there are any."""
        return tuple(self._column_name(column) for column in self.positions)

    def indices(self, measures: tuple[str, ...], window: str, identifier: str = "", kind: str = "") -> Array:
        """Return the column index of each of several measures.

        Parameters
        ----------
        measures : tuple of str
            Names of measures.
        window, identifier, kind : str
            As in `HistoryColumn`.

        Returns
        -------
        ndarray of int64, shape (n_measures,)
            Column indices; -1 for a measure without such a column.

        Examples
        --------
        >>> History(("1h",), measures=("count", "sum")).indices(("sum", "mean"), "1h").tolist()
        [1, -1]
        """
        key = measures, window, identifier, kind
        if key not in self._index_cache:
            columns = [HistoryColumn(measure, window, identifier, kind) for measure in measures]
            self._index_cache[key] = np.array([self.positions.get(column, -1) for column in columns])
        return self._index_cache[key]

    def indices_by_window(self, measures: tuple[str, ...], identifier: str = "", kind: str = "") -> Array:
        """Return the column index of each of several measures, for every window.

        Parameters
        ----------
        measures : tuple of str
            Names of measures; an empty string gives -1.
        identifier, kind : str, default=""
            As in `HistoryColumn`.

        Returns
        -------
        ndarray of int64, shape (n_windows, n_measures)
            Column indices, as from `indices`.

        Examples
        --------
        >>> History(("1h", "1d"), measures=("count", "sum")).indices_by_window(("sum", "mean")).tolist()
        [[1, -1], [3, -1]]
        """
        key = measures, "every", identifier, kind
        if key not in self._index_cache:
            rows = [self.indices(measures, window, identifier, kind) for window in self.windows]
            self._index_cache[key] = np.array(rows)
        return self._index_cache[key]

    @cached_property
    def _index_cache(self) -> dict[tuple[tuple[str, ...], str, str, str], Array]:
        return {}  # a live state looks up the same indices for every record

    def measures_of(self, kind: str = "") -> set[str]:
        """Return the measures that are computed on all events, or on the events of a kind.

        Parameters
        ----------
        kind : str, default=""
            The kind of event; empty for all events.

        Returns
        -------
        set of str
        """
        return set(self.measures) & set(self.by_kind) if kind else set(self.measures)

    def _has_column(self, measure: str, window: str) -> bool:
        left_out = DECLARED[measure].left_out
        return not left_out or window != (self.shortest if left_out == "shortest" else self.longest)

    def _columns_of(self, measure: str, window: str) -> list[HistoryColumn]:
        columns = [HistoryColumn(measure, window)]
        if measure in IDENTIFIER_MEASURES:
            columns += [HistoryColumn(measure, window, identifier) for identifier in self.identifiers]
        if measure in self.by_kind:
            columns += [HistoryColumn(measure, window, "", kind) for kind in self.kinds]
        return columns

    def _column_name(self, column: HistoryColumn) -> str:
        parts = (self.name, column.measure, column.identifier, column.window, column.kind)
        return f"{FAMILIES[column.measure]}__" + "_".join(part for part in parts if part)

    def to_dict(self) -> JsonObject:
        """Return the declaration in plain JSON types.

        Returns
        -------
        dict
            One key per parameter.

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
            One key per parameter; missing keys have their defaults.

        Returns
        -------
        History

        Raises
        ------
        TypeError, ValueError
            If a key is unknown, or a value is not valid.

        Examples
        --------
        >>> History.from_dict({"window": ["1d"]})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: 'window' is not a parameter of History; expected one of windows, kinds, by_kind, entity, ...
        """
        parameters = [field.name for field in fields(cls)]
        for name in declared:
            if name not in parameters:
                raise ValueError(f"{name!r} is not a parameter of History; expected one of {', '.join(parameters)}.")
        values: JsonObject = {
            name: tuple(value) if isinstance(value, list) else value for name, value in declared.items()
        }
        return cls(**values)


def check_histories(histories: History | Sequence[History]) -> tuple[History, ...]:
    """Check that the column names of several feature views differ, and return the views as a tuple."""
    views = (histories,) if isinstance(histories, History) else tuple(histories)
    seen: set[str] = set()
    for view in views:
        if not isinstance(view, History):
            raise TypeError(f"Expected a History, got {type(view).__name__}.")
        repeated = [name for name in view.columns if name in seen]
        if repeated:
            raise ValueError(f"Two feature views have a column {repeated[0]!r}; give one of them a name.")
        seen.update(view.columns)
    return views


def history_columns(histories: Sequence[History]) -> tuple[str, ...]:
    """Return the column names of several feature views, in order."""
    return tuple(name for history in histories for name in history.columns)
