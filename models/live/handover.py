"""From one model to the next: whether it can go on with the live state that another has left."""

from pathlib import Path
from typing import Any

from fraudsieve.exceptions import StateError
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.live_state import HistoryState

from .records import logged_fields

__all__ = ["continued", "declared"]


def continued(held: HistoryState, wanted: HistoryState, folder: Path) -> HistoryState:
    """Return the state from which a model goes on.

    Parameters
    ----------
    held : HistoryState
        What the folder holds; it is not used any more.
    wanted : HistoryState
        An empty one, as the model wants it.
    folder : Path
        Where it is kept, for the error.

    Returns
    -------
    HistoryState
        The same; or `wanted`, with the views that it has in common; or `wanted`, empty, where the log holds all that
        ever came and the fields that it needs.

    Raises
    ------
    StateError
        When neither will do.
    """
    if declared(held) == declared(wanted):
        return held
    if held.watermark == NEVER and logged_fields(wanted) <= logged_fields(held):
        return wanted  # the log is whole
    views = {view.history: view for view in held.views}
    is_less = set(wanted.histories) <= set(views) and wanted.declared_network in (None, held.declared_network)
    if not is_less or window_seconds(wanted.lateness) > window_seconds(held.lateness):
        problem = "was written for a model that looks at other things, or for less lateness"
        fix = f"Open it with that model, or name a new folder and send it the events of {_longest(wanted)} again."
        raise StateError(str(folder), problem, fix)
    wanted.views = [views[history] for history in wanted.histories]
    wanted.network = held.network if wanted.network else None
    wanted.watermark = held.watermark
    lines = [line for view in wanted.views for part in (view.timelines, view.labels) for line in part.values()]
    wanted.n_events = sum(line.size for line in lines)
    return wanted


def declared(state: HistoryState) -> tuple[Any, ...]:
    """Return what two states have in common that hold the same of the same events.

    Parameters
    ----------
    state : HistoryState
        With any declaration.

    Returns
    -------
    tuple
        The declaration and the lateness.
    """
    return state.declaration, state.lateness


def _longest(state: HistoryState) -> str:
    longest = [view.longest for view in state.histories]
    return f"the last {max(longest, key=window_seconds)}" if longest and "all" not in longest else "all times"
