"""The complete content of a live state, for comparisons to the last bit."""

from copy import deepcopy
from typing import Any

from fraudsieve.features.live_state import HistoryState


def content(state: HistoryState) -> dict[str, Any]:
    """Return all that a state holds, without the order in which entities, links and ids arrived."""
    network = state.network
    return {
        "views": [timelines(pool.dump()) for view in state.views for pool in (view.events, view.labels)],
        "network": None if network is None else deepcopy((network.values, network.accounts, network.labels)),
        "seen": {name: values.tolist() for name, values in _sorted_ids(state).items()},
        "watermark": state.watermark,
        "n_events": state.n_events,
    }


def timelines(dumped: dict[str, Any]) -> dict[Any, Any]:
    """Return the ends and the rows of every entity."""
    stops = dumped["ends"][:, 0].cumsum()
    parts = zip(dumped["keys"].tolist(), dumped["ends"].tolist(), stops.tolist(), strict=True)
    return {tuple(key): (ends, dumped["rows"][stop - ends[0] : stop].tolist()) for key, ends, stop in parts}


def _sorted_ids(state: HistoryState) -> dict[str, Any]:
    dumped = state.seen.dump()
    order = dumped["ids"].argsort()
    return dumped | {name: dumped[name][order] for name in ("ids", "marks")}
