"""The default feature views and network, chosen by the columns of a table of events."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from fraudsieve._microseconds import DAY, SECOND
from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.measures import (
    AMOUNT_MEASURES,
    COUNTERPARTY_MEASURES,
    DERIVED_FROM,
    EVERY_EVENT,
    LABEL_MEASURES,
    LATEST_MEASURES,
    MEASURES,
    TIMELESS,
    window_seconds,
)
from fraudsieve.features.network.declaration import Network

WINDOW_LENGTHS = ("1m", "10m", "1h", "1d", "7d", "30d", "90d", "365d")
NOT_IDENTIFIERS = frozenset(
    {"account_id", "counterparty_id", "event_id", "occurred_at", "kind", "amount", "label", "labelled_at"}
)
NUMBER_MEASURES = ("sum", "mean", "std", "max", "min", "z", "to_mean", "last_1", "last_2", "last_3")
KNOWN = ("count", "is_new", "since_last", "since_first")
MAX_IDENTIFIERS = 6
"""Further identifiers are counted, and have no views: each view holds the events of its entities."""
PAIR = ("count", "sum", "mean", "max", "to_mean", "to_max", "since_last", "since_first")


def identifier_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of events that are further identifiers: names that end with ``_id``, and ``ip``."""
    return tuple(name for name in columns if name not in NOT_IDENTIFIERS and (name.endswith("_id") or name == "ip"))


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
    further = ("counterparty_id",) if "counterparty_id" in columns else ()
    counterparty, *identifiers = (*further, *identifier_columns(columns)) or ("counterparty_id",)
    measures = possible_measures(columns, (*MEASURES, *LATEST_MEASURES, *label_measures), counterparty=counterparty)
    view = partial(History, windows, time_zone=time_zone)
    own = view(kinds=kinds, counterparty=counterparty, identifiers=tuple(identifiers), measures=measures)
    of_ids = _of_identifiers(own, identifier_columns(columns)) if subject == "event" else []
    if "counterparty_id" not in columns:
        return _with_distinct_names(own, *of_ids, *_of_numbers(own, numbers))
    other = view(entity="counterparty_id", counterparty="account_id", measures=measures)
    if subject == "account":
        received = replace(other, subject="account_id", name="received")
        return _with_distinct_names(own, received, *_of_numbers(own, numbers), *_of_numbers(received, numbers))
    pair = view(entity=("account_id", "counterparty_id"), measures=possible_measures(columns, PAIR), name="pair")
    other = replace(other, name="counterparty")
    return _with_distinct_names(own, other, pair, *of_ids, *_of_numbers(own, numbers), *_of_numbers(other, numbers))


def _of_identifiers(own: History, identifiers: Sequence[str]) -> list[History]:
    """Return two views of each identifier: whether the account of an event knows it, and what all accounts do with it.

    A device that is new for its account gives a payment away more often than any amount.
    """
    view, views = replace(own, kinds=(), identifiers=()), []
    labels = tuple(name for name in ("known", "frauds", "fraud_rate") if name in own.measures)
    for name in identifiers[:MAX_IDENTIFIERS]:
        short = name.removesuffix("_id")
        known = replace(view, entity=("account_id", name), windows=("all",), measures=KNOWN, name=f"known_{short}")
        windows, measures = tuple(dict.fromkeys((view.windows[0], "all"))), ("count", "distinct", *KNOWN[1:], *labels)
        everyone = replace(view, entity=name, counterparty="account_id", windows=windows, measures=measures, name=short)
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
