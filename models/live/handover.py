"""Whether a model can continue the live state of another model."""

from pathlib import Path
from typing import Any

from fraudsieve.exceptions import StateError
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.live_state import HistoryState

from .records import logged_fields

__all__ = ["continue_state", "declaration"]


def continue_state(held: HistoryState, wanted: HistoryState, folder: Path) -> HistoryState:
    """Return the state that a model continues.

    Parameters
    ----------
    held : HistoryState
        Content of the folder; it is not used afterwards.
    wanted : HistoryState
        Empty state with the declarations of the model.
    folder : Path
        Folder of the state, for the error.

    Returns
    -------
    HistoryState
        `held` if the declarations are equal; or `wanted` with the views that both have; or `wanted`, empty, if the log
        is complete and holds the fields that it needs.

    Raises
    ------
    StateError
        If none of these is possible.
    """
    if declaration(held) == declaration(wanted):
        return held
    if held.watermark == NEVER and logged_fields(wanted) <= logged_fields(held):
        return wanted  # no checkpoint yet, so the log is complete
    views = {view.history: view for view in held.views}
    is_subset = set(wanted.histories) <= set(views) and wanted.declared_network in (None, held.declared_network)
    if not is_subset or window_seconds(wanted.lateness) > window_seconds(held.lateness):
        problem = "was written for a model with other features of the history, or for less lateness"
        fix = f"Open it with that model, or choose a new folder and send the events of {_longest(wanted)} again."
        raise StateError(str(folder), problem, fix)
    wanted.views = [views[history] for history in wanted.histories]
    wanted.network = held.network if wanted.network else None
    wanted.watermark = held.watermark
    timelines = [line for view in wanted.views for part in (view.timelines, view.labels) for line in part.values()]
    wanted.n_events = sum(line.size for line in timelines)
    return wanted


def declaration(state: HistoryState) -> tuple[Any, ...]:
    """Return declaration and lateness: states with equal ones hold the same of the same events."""
    return state.declaration, state.lateness


def _longest(state: HistoryState) -> str:
    longest = [view.longest for view in state.histories]
    return f"the last {max(longest, key=window_seconds)}" if longest and "all" not in longest else "all time"
