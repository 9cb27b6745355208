"""The complete content of a live state, for comparisons to the last bit."""

from typing import Any

from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.live_state import HistoryState


def content(state: HistoryState) -> dict[str, Any]:
    """Return all that a state holds, without the order in which entities, links and ids arrived."""
    network = state.network
    return {
        "views": [timelines(pool.dump()) for view in state.views for pool in (view.events, view.labels)],
        "network": None if network is None else _sorted_rows(network.dump()),
        "seen": {name: values.tolist() for name, values in _sorted_ids(state).items()},
        "watermark": state.watermark,
        "n_events": state.n_events,
    }


def drop_old_rows(state: HistoryState) -> None:
    """Drop what no cutoff time needs: which of it is still there depends on the order of entities."""
    if state.watermark != NEVER:
        state.n_events -= sum(view.sweep(state.horizon, 100_000) for view in state.views)


def timelines(dumped: dict[str, Any]) -> dict[Any, Any]:
    """Return the ends and the rows of every entity."""
    stops = dumped["ends"][:, 0].cumsum()
    parts = zip(dumped["keys"].tolist(), dumped["ends"].tolist(), stops.tolist(), strict=True)
    return {tuple(key): (ends, dumped["rows"][stop - ends[0] : stop].tolist()) for key, ends, stop in parts}


def _sorted_ids(state: HistoryState) -> dict[str, Any]:
    dumped = state.seen.dump()
    order = dumped["ids"].argsort()
    return dumped | {name: dumped[name][order] for name in ("ids", "marks")}


def _sorted_rows(arrays: dict[str, Array]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the links and the labels of a network, each as sorted rows."""
    parts: dict[str, list[Array]] = {}
    for name, cells in arrays.items():
        parts.setdefault(name.rpartition(".")[0], []).append(cells)
    return {part: sorted(zip(*(cells.tolist() for cells in columns), strict=True)) for part, columns in parts.items()}
