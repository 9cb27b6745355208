"""The features of subjects, computed from a live state."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.records import parse_time
from fraudsieve.features.history_declaration import status_views

if TYPE_CHECKING:
    from .state import HistoryState

__all__ = ["compute_features"]


def compute_features(
    state: "HistoryState", subjects: Sequence[Mapping[str, Any]], histories: Sequence[History] | None
) -> tuple[Array, Array]:
    """Return the features of subjects, and whether each has history; see `HistoryState.compute`."""
    views = state.views if histories is None else [view for view in state.views if view.history in histories]
    of_status = status_views([view.history for view in views])
    is_of_status = [view.history in of_status for view in views]
    n_columns = len(state.columns) if histories is None else sum(len(view.history.columns) for view in views)
    out, has_history = np.empty((len(subjects), n_columns)), np.zeros(len(subjects), np.bool_)
    for row, subject in enumerate(subjects):
        cutoff = parse_time(subject.get("as_of"), "as_of")
        if cutoff < state.oldest:
            raise RejectedRecordError("as_of: expected a time within the lateness of the state, got an older one")
        start = 0
        for view, is_counted in zip(views, is_of_status, strict=True):
            stop = start + len(view.history.columns)
            # Two rows give columns the same memory layout as in a batch, so each kernel is compiled only once.
            block = np.full((2, stop - start), np.nan)
            has_events = view.fill(subject, cutoff, block)
            has_history[row] |= has_events and is_counted
            out[row, start:stop] = block[0]
            start = stop
        if state.network is not None and histories is None:
            out[row, start:] = state.network.compute(subject, cutoff)
    return out, has_history
