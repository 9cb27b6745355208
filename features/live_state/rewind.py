"""A live state taken back to an earlier time, after a clock that was ahead."""

from typing import TYPE_CHECKING

from fraudsieve.features.history.kernels.recency import NEVER

if TYPE_CHECKING:
    from .state import HistoryState

__all__ = ["rewind_state"]


def rewind_state(state: "HistoryState", time: int) -> int:
    """Drop what is later than a time, and return the number of rows dropped; see `HistoryState.rewind`."""
    if time >= state.watermark:
        return 0
    pools = [pool for view in state.views for pool in (view.events, view.labels)]
    newest = max((pool.newest_until(time) for pool in pools), default=NEVER)
    newest = max(newest, state.seen.newest_until(time))
    oldest = NEVER if newest == NEVER else newest - (state.watermark - state.oldest)
    for view in state.views:
        for pool in (view.events, view.labels):
            lacks = pool.newest_dropped != NEVER and (
                newest == NEVER or pool.newest_dropped >= view.oldest_needed(oldest)
            )
            if lacks or not pool.can_drop_after(time):
                raise ValueError(
                    "Expected a time whose windows are still in memory, got an earlier one. "
                    "Build the state from the events again, without the later ones."
                )
    n_dropped = sum(pool.drop_after(time) for pool in pools)
    if state.network is not None:
        state.network.rewind(time)
    state.seen.rewind(time, newest)
    state.n_events -= n_dropped
    state.watermark = newest
    return n_dropped
