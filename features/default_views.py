"""The default feature views and network, chosen by the columns of a table of events."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from fraudsieve._microseconds import DAY, SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import (
    AMOUNT_MEASURES,
    COUNTERPARTY_MEASURES,
    DERIVED_FROM,
    EVERY_EVENT,
    LABEL_MEASURES,
    LATEST_MEASURES,
    MEASURES,
    TIMELESS,
    History,
    window_seconds,
)
from fraudsieve.features.network.declaration import Network
from fraudsieve.tables.schema import is_identifier

WINDOW_LENGTHS = ("1m", "10m", "1h", "1d", "7d", "30d", "90d", "365d")
NOT_IDENTIFIERS = frozenset(
    {"account_id", "counterparty_id", "event_id", "occurred_at", "kind", "amount", "label", "labelled_at"}
)
NUMBER_MEASURES = ("sum", "mean", "std", "max", "min", "z", "to_mean", "last_1", "last_2", "last_3")
FEW_NUMBER_MEASURES = ("mean", "std", "max", "z", "to_mean", "last_1")
"""Those of events, in the shortest window and in that of all events: an event has the number itself."""
LEFT_OUT_OF_OTHERS = frozenset({"weekend", "hour_entropy"})
LEFT_OUT = LEFT_OUT_OF_OTHERS | {"min", "peak", "gap_std"}
"""Measures of a counterparty and of an account without which trees rank events as well
(benchmarks/results/choices.md)."""
KNOWN = ("count", "is_new", "since_last", "since_first")
MAX_IDENTIFIERS = 6
"""Further identifiers are counted, and have no views: each view holds the events of its entities."""
PAIR = ("count", "sum", "mean", "max", "to_mean", "to_max", "since_last", "since_first")


def identifier_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of events that are further identifiers, by their names."""
    return tuple(name for name in columns if name not in NOT_IDENTIFIERS and is_identifier(name))


def default_histories(
    columns: Iterable[str],
    *,
    subject: str = "account",
    kinds: tuple[str, ...] = (),
    labels: bool = False,
    numbers: tuple[str, ...] = (),
    windows: tuple[str, ...] = History().windows,
    time_zone: str = "UTC",
) -> tuple[History, ...]:
    """Return the default feature views for a table of events."""
    columns = tuple(columns)
    label_measures = LABEL_MEASURES if labels and subject == "event" else ()
    # Without counterparties the first identifier, such as a device, takes their place.
    further, ids = ("counterparty_id",) if "counterparty_id" in columns else (), identifier_columns(columns)
    counterparty, *identifiers = (*further, *ids) or ("counterparty_id",)
    measures = possible_measures(columns, (*MEASURES, *LATEST_MEASURES, *label_measures), counterparty=counterparty)
    view = partial(History, windows, time_zone=time_zone)
    own = view(kinds=kinds, counterparty=counterparty, identifiers=tuple(identifiers), measures=measures)
    other = view(entity="counterparty_id", counterparty="account_id", measures=measures, name="counterparty")
    if subject == "account":
        received = [replace(other, subject="account_id", name="received")] if further else []
        sides = (own, *received)
        return _with_distinct_names(*sides, *(one for side in sides for one in _of_numbers(side, numbers)))
    # Identifiers have views of their own, except those beyond `MAX_IDENTIFIERS`.
    own = replace(own, by_kind=("count",), identifiers=ids[MAX_IDENTIFIERS:])
    own = replace(own, measures=tuple(name for name in measures if name not in LEFT_OUT))
    other = replace(other, measures=tuple(name for name in measures if name not in LEFT_OUT_OF_OTHERS))
    pair = view(entity=("account_id", "counterparty_id"), measures=possible_measures(columns, PAIR), name="pair")
    others = (other, replace(pair, windows=("all",))) if further else ()
    few = [replace(one, windows=_few(windows), measures=FEW_NUMBER_MEASURES) for one in _of_numbers(own, numbers)]
    return _with_distinct_names(own, *others, *_of_identifiers(own, ids), *few)


def _few(windows: tuple[str, ...]) -> tuple[str, ...]:
    """Return the shortest window and that of all events."""
    return tuple(dict.fromkeys((windows[0], "all")))


def _of_identifiers(own: History, identifiers: Sequence[str]) -> list[History]:
    """Return two views of each identifier: whether the account of an event knows it, and what all accounts do with it.

    A device that is new for its account gives a payment away more often than any amount.
    """
    view, views = replace(own, kinds=(), identifiers=()), []
    labels = tuple(name for name in ("known", "frauds", "fraud_rate") if name in own.measures)
    for name in identifiers[:MAX_IDENTIFIERS]:
        short = name.removesuffix("_id")
        known = replace(view, entity=("account_id", name), windows=("all",), measures=KNOWN, name=f"known_{short}")
        everyone = replace(view, entity=name, counterparty="account_id", windows=_few(view.windows), name=short)
        everyone = replace(everyone, measures=("count", "distinct", *KNOWN[1:], *labels))
        views += [known, everyone]
    return views


def default_windows(times: Array) -> tuple[str, ...]:
    """Return the windows that fit the span of a table of events: up to four lengths, and ``all``.

    A window is at most a third of the span, so that it differs from the window of all events. If every time is a date,
    no window is shorter than a day.
    """
    if not len(times):
        return History().windows
    shortest = DAY if (times % DAY == 0).all() else 1
    longest = max((int(times.max()) - int(times.min())) // 3, 1)
    lengths = [name for name in WINDOW_LENGTHS if shortest <= window_seconds(name) * SECOND <= longest]
    return (*lengths[-4:], "all")


def _of_numbers(view: History, numbers: tuple[str, ...]) -> list[History]:
    """Return views of the same events that measure further numeric columns."""
    base = replace(view, kinds=(), identifiers=(), measures=NUMBER_MEASURES)
    return [replace(base, amount=name, name="_".join(filter(None, (view.name, name)))) for name in numbers]


def _with_distinct_names(*views: History) -> tuple[History, ...]:
    """Rename views whose names are taken, such as that of a numeric column ``received``."""
    distinct: dict[str, History] = {}
    for view in views:
        name = view.name
        while name in distinct:
            name = f"number_{name}"
        distinct[name] = replace(view, name=name)
    return tuple(distinct.values())


def possible_measures(
    columns: Iterable[str],
    measures: tuple[str, ...] = MEASURES,
    *,
    amount: str = "amount",
    counterparty: str = "counterparty_id",
) -> tuple[str, ...]:
    """Return the measures that can be computed from the columns of events."""
    columns = tuple(columns)
    excluded: set[str] = set()
    if amount not in columns:
        excluded |= set(AMOUNT_MEASURES)
    if counterparty not in columns:
        excluded |= set(COUNTERPARTY_MEASURES)
    return tuple(name for name in measures if name not in excluded)


def default_network(columns: Iterable[str], *, labels: bool) -> Network | None:
    """Return the default network for a table of events; None if accounts share no column."""
    columns = tuple(columns)
    counterparty, identifiers = "counterparty_id" if "counterparty_id" in columns else "", identifier_columns(columns)
    return Network(counterparty, identifiers, labels) if counterparty or identifiers else None


def without_times(history: History) -> History:
    """Return a feature view over all events, with the measures that need no times."""

    def select(measures: tuple[str, ...]) -> tuple[str, ...]:
        # Measures of the current amount are excluded: without times there is no last event.
        return tuple(name for name in measures if name in TIMELESS and name not in DERIVED_FROM)

    return replace(
        history,
        windows=("all",),
        measures=select(history.measures) or ("count",),
        by_kind=select(history.by_kind),
        max_events=EVERY_EVENT,  # events without times all have the same one
    )
