"""Handover of a live state from one model to another."""

from pathlib import Path
from typing import Any

from fraudsieve.exceptions import StateError
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.live_state import HistoryState

from .records import logged_fields

__all__ = ["continue_state", "declaration"]


def continue_state(stored: HistoryState, new: HistoryState, folder: Path) -> HistoryState:
    """Return the state that a model continues.

    Parameters
    ----------
    stored : HistoryState
        State in the folder; it must not be used afterwards.
    new : HistoryState
        Empty state with the declarations of the model.
    folder : Path
        Folder of the state, for the error.

    Returns
    -------
    HistoryState
        `stored` if the declarations are equal; or `new` with its views from `stored`; or `new`, empty, if the log is
        complete and holds the fields that it needs.

    Raises
    ------
    StateError
        If none of these is possible.
    """
    if declaration(stored) == declaration(new):
        return stored
    if stored.watermark == NEVER and logged_fields(new).are_in(logged_fields(stored)):
        return new  # no checkpoint yet, so the log is complete
    views = {view.history: view for view in stored.views}
    is_subset = set(new.histories) <= set(views) and new.declared_network in (None, stored.declared_network)
    if not is_subset or window_seconds(new.lateness) > window_seconds(stored.lateness):
        problem = "was written for a model with other history features, or for a smaller lateness"
        fix = f"Open it with that model, or choose a new folder and send the events of {_longest(new)} again."
        raise StateError(str(folder), problem, fix)
    new.views = [views[history] for history in new.histories]
    new.network = stored.network if new.network else None
    new.watermark = stored.watermark
    new.seen.load(stored.seen.dump())
    new.n_events = sum(view.n_rows for view in new.views)
    return new


def declaration(state: HistoryState) -> tuple[Any, ...]:
    """Return declaration and lateness; states with equal ones hold the same data after the same events."""
    return state.declaration, state.lateness


def _longest(state: HistoryState) -> str:
    longest = [view.longest for view in state.histories]
    return f"the last {max(longest, key=window_seconds)}" if longest and "all" not in longest else "all time"
