"""Handover of a live state: how a model continues a store that it, or another model, has filled."""

import logging

from fraudsieve._microseconds import HOUR, SECOND
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.declaration import WITHOUT_WINDOW, window_seconds
from fraudsieve.features.history_declaration import HistoryDeclaration
from fraudsieve.features.live_state import HistoryState

from .records import LoggedFields, logged_fields
from .store.chain import RESTORE, Position
from .store.event_store import StoreTransaction
from .store.facts import StoreFacts
from .store.snapshots import SnapshotFacts, list_snapshots, read_snapshot

logger = logging.getLogger("fraudsieve.live")

ALL = window_seconds("all") * SECOND


def continued_state(transaction: StoreTransaction, new: HistoryState) -> tuple[HistoryState, Position]:
    """Return the state to which a model adds further rows of a store, and the position of its newest row."""
    facts, damage = transaction.facts, None
    snapshots = [one for one in list_snapshots(transaction) if one.position.offset >= facts.start.offset]
    equal = [one for one in snapshots if one.declaration == new.declaration_digest]
    for snapshot in equal:
        try:
            return stored_state(transaction, snapshot), snapshot.position
        except StateError as error:
            logger.error("a snapshot of the live state is not used: %s", error.problem)
            damage = error
    if logged_fields(new).are_in(stored_fields(facts)) and _reach_back(transaction, new):
        return new, facts.start
    if damage is not None:
        raise damage
    others = [one for one in snapshots if one not in equal]
    return _from_others(transaction, others, new)


def stored_state(transaction: StoreTransaction, snapshot: SnapshotFacts) -> HistoryState:
    """Return the state of a snapshot."""
    return HistoryState.decode(read_snapshot(transaction, snapshot), transaction.origin, RESTORE)


def holds_history(transaction: StoreTransaction, declaration: HistoryDeclaration) -> bool:
    """Return whether a store has the state of a declaration, or none yet."""
    snapshots = list_snapshots(transaction)
    states = (stored_state(transaction, snapshot) for snapshot in snapshots)  # decoded only as far as needed
    return not snapshots or any(state.declaration == declaration for state in states)


def stored_fields(facts: StoreFacts) -> LoggedFields:
    """Return the fields that every row of a store has stored."""
    return LoggedFields(frozenset(facts.ids), frozenset(facts.amounts))


def reach(state: HistoryState) -> int | None:
    """Return how far before the newest event a state can read, in microseconds; None without a bound.

    The network, the window ``all`` and the measures without a window have none.
    """
    if state.network is not None or any({*view.measures} & {*WITHOUT_WINDOW} for view in state.histories):
        return None
    longest = max((window_seconds(view.longest) for view in state.histories), default=0) * SECOND
    return None if longest >= ALL else longest + window_seconds(state.lateness) * SECOND + HOUR


def training_reach(state: HistoryState, label_span: int) -> int | None:
    """Return how far before an event a training of it reads, in microseconds; None without a bound.

    A measure of labels counts those that became known in a window. Their events are older, by the time until a label.
    """
    length = reach(state)
    if length is None or not any(view.needs_labels for view in state.histories):
        return length
    return length + label_span


def _reach_back(transaction: StoreTransaction, state: HistoryState) -> bool:
    """Return whether the deleted rows are older than all that a state can read."""
    dropped_before, length = transaction.facts.dropped_before, reach(state)
    if dropped_before is None or length is None:
        return dropped_before is None
    ((newest,),) = transaction.sql.execute("SELECT max(time) FROM events")
    return newest is not None and dropped_before <= newest - length


def _from_others(
    transaction: StoreTransaction, snapshots: list[SnapshotFacts], new: HistoryState
) -> tuple[HistoryState, Position]:
    for snapshot in snapshots:
        stored = stored_state(transaction, snapshot)
        if _has_views(stored, new):
            return _with_views(stored, new), snapshot.position
    problem = "was written for a model with other history features, or for a smaller lateness"
    fix = f"Open it with that model, or choose a new store and send the events of {_longest(new)} again."
    raise StateError(transaction.origin, problem, fix)


def _has_views(stored: HistoryState, new: HistoryState) -> bool:
    is_subset = {*new.histories} <= {*stored.histories} and new.declared_network in (None, stored.declared_network)
    return is_subset and window_seconds(new.lateness) <= window_seconds(stored.lateness)


def _with_views(stored: HistoryState, new: HistoryState) -> HistoryState:
    views = {view.history: view for view in stored.views}
    new.views = [views[history] for history in new.histories]
    new.network = stored.network if new.network else None
    new.watermark = stored.watermark
    new.seen.load(stored.seen.dump())
    new.n_events = sum(view.n_rows for view in new.views)
    return new


def _longest(state: HistoryState) -> str:
    longest = [view.longest for view in state.histories]
    return f"the last {max(longest, key=window_seconds)}" if longest and "all" not in longest else "all time"
