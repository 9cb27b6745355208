"""The complete content of a live state, for comparisons to the last bit."""

from typing import Any

from fraudsieve._typing import Array
from fraudsieve.features.live_state import HistoryState


def content(state: HistoryState) -> dict[str, Any]:
    """Return all that a state holds, without the order in which entities, links and ids arrived."""
    network = state.network
    return {
        "views": [
            {
                key: (line.block[: line.size].tolist(), line.first, line.last)
                for table in (view.timelines, view.labels)
                for key, line in table.items()
            }
            for view in state.views
        ],
        "network": None if network is None else _sorted_rows(network.dump()),
        "seen": {name: values.tolist() for name, values in _sorted_ids(state).items()},
        "watermark": state.watermark,
        "n_events": state.n_events,
    }


def _sorted_ids(state: HistoryState) -> dict[str, Any]:
    dumped = state.seen.dump()
    dumped["ids"].sort()
    return dumped


def _sorted_rows(arrays: dict[str, Array]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the links and the labels of a network, each as sorted rows."""
    parts: dict[str, list[Array]] = {}
    for name, cells in arrays.items():
        parts.setdefault(name.rpartition(".")[0], []).append(cells)
    return {part: sorted(zip(*(cells.tolist() for cells in columns), strict=True)) for part, columns in parts.items()}
