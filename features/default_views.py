"""The default feature views and network, chosen by the columns of a table of events."""

from collections.abc import Iterable
from dataclasses import replace

from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.measures import (
    AMOUNT_MEASURES,
    COUNTERPARTY_MEASURES,
    DERIVED_FROM,
    LABEL_MEASURES,
    MEASURES,
    TIMELESS,
)
from fraudsieve.features.network.declaration import Network

__all__ = ["default_histories", "default_network", "identifier_columns", "without_times"]

NOT_IDENTIFIERS = frozenset(
    {"account_id", "counterparty_id", "event_id", "occurred_at", "kind", "amount", "label", "labelled_at"}
)
PAIR = ("count", "sum", "mean", "max", "to_mean", "to_max", "since_last", "since_first")


def identifier_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of events that are further identifiers: names that end with ``_id``, and ``ip``.

    Parameters
    ----------
    columns : iterable of str
        The columns of a table of events.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> identifier_columns(["account_id", "device_id", "ip", "amount"])
    ('device_id', 'ip')
    """
    return tuple(name for name in columns if name not in NOT_IDENTIFIERS and (name.endswith("_id") or name == "ip"))


def default_histories(
    columns: Iterable[str], *, subject: str = "account", kinds: tuple[str, ...] = (), labels: bool = False
) -> tuple[History, ...]:
    """Return the default feature views for a table of events.

    Parameters
    ----------
    columns : iterable of str
        Names of the columns of the table.
    subject : {"account", "event"}, default="account"
        For an account, views of the events it sent and received. For an event, views of its account, its counterparty
        and the pair of both.
    kinds : tuple of str, default=()
        Kinds of event that have columns of their own.
    labels : bool, default=False
        Whether there are labels of events.

    Returns
    -------
    tuple of History

    Examples
    --------
    >>> [view.name for view in default_histories(["account_id", "occurred_at", "kind", "counterparty_id"])]
    ['', 'received']
    """
    columns = tuple(columns)
    measures = _measures(columns, MEASURES + (LABEL_MEASURES if labels and subject == "event" else ()))
    identifiers = identifier_columns(columns) if "counterparty_id" in columns else ()
    own = History(kinds=kinds, identifiers=identifiers, measures=measures)
    if "counterparty_id" not in columns:
        return (own,)
    other = History(entity="counterparty_id", counterparty="account_id", measures=measures)
    if subject == "account":
        return own, replace(other, subject="account_id", name="received")
    pair = History(entity=("account_id", "counterparty_id"), measures=_measures(columns, PAIR), name="pair")
    return own, replace(other, name="counterparty"), pair


def _measures(columns: tuple[str, ...], measures: tuple[str, ...]) -> tuple[str, ...]:
    """Return the measures that can be computed from the columns."""
    excluded: set[str] = set()
    if "amount" not in columns:
        excluded |= set(AMOUNT_MEASURES)
    if "counterparty_id" not in columns:
        excluded |= set(COUNTERPARTY_MEASURES)
    return tuple(name for name in measures if name not in excluded)


def default_network(columns: Iterable[str], *, labels: bool) -> Network | None:
    """Return the default network for a table of events; None if accounts share no column.

    Parameters
    ----------
    columns : iterable of str
        Names of the columns of the table.
    labels : bool
        Whether there are labels of accounts.

    Returns
    -------
    Network or None

    Examples
    --------
    >>> default_network(["account_id", "device_id"], labels=False).links
    ('device_id',)
    """
    columns = tuple(columns)
    counterparty, identifiers = "counterparty_id" if "counterparty_id" in columns else "", identifier_columns(columns)
    return Network(counterparty, identifiers, labels) if counterparty or identifiers else None


def without_times(history: History) -> History:
    """Return a feature view over all events, with the measures that need no times.

    Examples
    --------
    >>> without_times(History(measures=("count", "mean", "trend"))).columns
    ('volume__count_all', 'value__mean_all')
    """

    def select(measures: tuple[str, ...]) -> tuple[str, ...]:
        # Measures of the current amount are excluded: without times there is no last event.
        return tuple(name for name in measures if name in TIMELESS and name not in DERIVED_FROM)

    return replace(
        history, windows=("all",), measures=select(history.measures) or ("count",), by_kind=select(history.by_kind)
    )
