"""A live state as arrays, and read from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fraudsieve._typing import Array
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.store import read_state
from fraudsieve.features.network.declaration import Network

if TYPE_CHECKING:
    from .state import HistoryState

__all__ = ["dump_state", "load_state", "restore_state"]

State = TypeVar("State", bound="HistoryState")


def dump_state(state: "HistoryState") -> tuple[dict[str, Any], list[dict[str, Array]]]:
    """Return a copy of a state: facts in plain JSON types, and arrays of views, network and ids."""
    facts = {
        "histories": [history.to_dict() for history in state.histories],
        "network": state.network.declaration.to_dict() if state.network else None,
        "lateness": state.lateness,
        "ahead": state.ahead,
        "watermark": None if state.watermark == NEVER else state.watermark,
    }
    arrays = [view.dump() for view in state.views]
    return facts, [*arrays, *([state.network.dump()] if state.network else []), state.seen.dump()]


def load_state(cls: type[State], folder: str | Path) -> State:
    """Read a state from a folder.

    Raises
    ------
    StateError
        If the folder is damaged, or its files do not agree.
    """
    facts, arrays = read_state(folder)
    try:
        return restore_state(cls, facts, arrays)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
        problem = f"the files are not a consistent state ({type(error).__name__})"
        raise StateError(str(folder), problem, "Build the state again from the events.") from None


def restore_state(cls: type[State], facts: Mapping[str, Any], arrays: list[dict[str, Array]]) -> State:
    """Return the state of a dump, wherever its bytes come from; the arrays must not be used afterwards.

    Raises many types if they do not agree.
    """
    histories = [History.from_dict(declared) for declared in facts["histories"]]
    network = facts["network"] and Network.from_dict(facts["network"])
    state = cls(histories, network=network, lateness=facts["lateness"], ahead=facts["ahead"])
    state.watermark = NEVER if facts["watermark"] is None else int(facts["watermark"])
    state.seen.load(arrays.pop())
    if state.network is not None:
        state.network.restore(arrays.pop())
    for view, view_arrays in zip(state.views, arrays, strict=True):
        state.n_events += view.restore(view_arrays)
    return state
