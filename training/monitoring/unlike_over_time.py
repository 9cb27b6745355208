"""Records that look like nothing in training, over time."""

from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.unlike_training.shares import UNFAMILIAR

from .bounds import Share, compare_shares
from .measures import ShareChange, UnlikeOverTime, UnlikePeriod
from .scored_table import ScoredTable

PERIODS = {"day": 1, "week": 7, "month": 30}
"""Lengths in days."""
MAX_PERIODS = 26
MIN_ROWS = 30
"""With fewer records in a period, the share carries no information."""


def compare_unlike(model: Model, before: ScoredTable, after: ScoredTable) -> ShareChange | None:
    """Compare the shares of records with an ``unlike_training`` above .99; None if the model does not know it."""
    if model.unlike is None:
        return None
    return compare_shares(*(Share.of(_is_unfamiliar(table), table.clusters) for table in (before, after)))


def unlike_over_time(model: Model, before: ScoredTable, after: ScoredTable) -> UnlikeOverTime | None:
    """Return the share of such records in every period, for the shortest ``period`` that gives no more than 26.

    A month has 30 days, and is used for any longer time.
    None if the model does not know unfamiliar records, or these have no times.
    """
    tables = {"reference": before, "current": after}
    times = {name: table.cutoff_times(model.subject) for name, table in tables.items()}
    known = [values[~np.isnat(values)] for values in times.values() if values is not None]
    if model.unlike is None or not known:
        return None
    start, last = min(values.min() for values in known).astype("M8[D]"), max(values.max() for values in known)
    days = (last - start) / np.timedelta64(1, "D")
    period = next((name for name, length in PERIODS.items() if days < MAX_PERIODS * length), "month")
    length = np.timedelta64(PERIODS[period], "D")
    periods = tuple(
        UnlikePeriod(name, str(start + place * length), rows, share)
        for name, values in times.items()
        if values is not None
        for place, rows, share in _shares(values, start, length, _is_unfamiliar(tables[name]))
    )
    return UnlikeOverTime(period, periods)


def _shares(times: Array, start: Any, length: Any, hits: Array) -> list[tuple[int, int, float]]:
    """Return number, rows and share of hits of every period with enough rows."""
    known = ~np.isnat(times)
    places = (times[known] - start) // length
    rows, counts = np.bincount(places), np.bincount(places, hits[known])
    return [(int(i), int(rows[i]), float(counts[i] / rows[i])) for i in np.flatnonzero(rows >= MIN_ROWS)]


def _is_unfamiliar(table: ScoredTable) -> Array:
    return table.scores["unlike_training"] > UNFAMILIAR
