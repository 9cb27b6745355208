"""The declaration of the history features: models with equal declarations can share a live state."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from .history.declaration import EVERY_EVENT, WITHOUT_WINDOW, History
from .network.declaration import Network
from .record_fields import RecordField


class HistoryDeclaration(NamedTuple):
    """The feature views and the network that a feature matrix needs, or that a live state computes.

    Two declarations are compared part by part: columns of the same name may belong to another entity, night or prior.
    A matrix knows its declaration without building a state.
    """

    histories: tuple[History, ...]
    network: Network | None = None


def event_fields(views: Sequence[History], network: Network | None = None) -> tuple[RecordField, ...]:
    """Return the fields of an event that feature views and a network read, except its time, by name."""
    names = {name for view in views for name in view.fields} | set(network.links if network else ())
    amounts = {view.amount for view in views} & names
    return tuple(RecordField(name, "amount" if name in amounts else "id") for name in sorted(names))


def with_key(histories: Iterable[History], key: str) -> tuple[History, ...]:
    """Return feature views with an `order_key`; those that have one keep it."""
    return tuple(replace(view, order_key=view.order_key or key) for view in histories)


def status_views(views: Sequence[History]) -> tuple[History, ...]:
    """Return the feature views whose events decide whether a subject has history.

    These are the views of its own account. Without one, they are all views: one event of any of their entities is
    enough.
    """
    return tuple(view for view in views if view.is_of_account) or tuple(views)


def event_counts(views: Sequence[History]) -> tuple[History, ...]:
    """Return views that count the events which decide, as in a live state, whether a subject has history."""
    counts: dict[tuple[tuple[str, ...], tuple[str, ...], str], History] = {}
    for view in status_views(views):
        # A live state forgets an entity other than an account, unless a measure looks back without end.
        is_kept = view.entities == ("account_id",) or {*view.measures} & {*WITHOUT_WINDOW}
        window = "all" if is_kept else view.longest
        key, name = (view.entities, view.subjects, window), f"history_{len(counts)}"
        count = History(
            (window,), entity=view.entity, subject=view.subject, measures=("count",), name=name, max_events=EVERY_EVENT
        )
        counts.setdefault(key, count)
    return tuple(counts.values())
