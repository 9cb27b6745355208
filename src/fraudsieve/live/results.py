"""What a live state returns: its size, and scores with the offset that they were computed from."""

from typing import Any, NamedTuple


class LiveSize(NamedTuple):
    """The size of a live state.

    Attributes
    ----------
    events : int
        Events and labels, over all views.
    entities : int
        Accounts, campaigns and other entities, over all views.
    at_bound : int
        Those of them with as many events or labels as a window may have, or more.
    ids : int
        Ids that are kept, so that repeated deliveries count once.
    repeats : int
        Repeated deliveries since the state was opened.
    state_bytes : int
        Bytes of the arrays in memory.
    store_bytes : int
        Bytes of the store on disk; 0 without a store.
    rows_since_snapshot : int
        Rows that a restart would read; 0 without a store.
    """

    events: int
    entities: int
    at_bound: int
    ids: int
    repeats: int
    state_bytes: int
    store_bytes: int
    rows_since_snapshot: int


class Scored(NamedTuple):
    """Scores, and the offset of the state that they were computed from.

    Attributes
    ----------
    scores : dict or list of dict
        As from `Scorer.score`.
    offset : int
        At the same offset, the same model gives equal scores for the same records in every process.
    """

    scores: Any
    offset: int
