"""The complete content of a live state, for comparisons to the last bit."""

from copy import deepcopy
from typing import Any

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
        "network": None if network is None else deepcopy((network.values, network.accounts, network.labels)),
        "seen": {name: values.tolist() for name, values in _sorted_ids(state).items()},
        "watermark": state.watermark,
        "n_events": state.n_events,
    }


def _sorted_ids(state: HistoryState) -> dict[str, Any]:
    dumped = state.seen.dump()
    dumped["ids"].sort()
    return dumped
