"""The contents of a store: a description, and its rows as records."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from fraudsieve.features.history.reader import TIME_FIELDS

from .store.event_store import EventStore
from .store.row_removal import list_removals
from .store.score_rows import log_size
from .store.snapshots import list_snapshots

__all__ = ["describe_store", "stored_records"]

FIELDS: dict[str, str] = {"messages": "occurred_at", **{str(part): field for part, field in TIME_FIELDS.items()}}


def describe_store(store: EventStore) -> dict[str, Any]:
    """Describe a store, without identifiers.

    Parameters
    ----------
    store : EventStore
        From `open_store`.

    Returns
    -------
    dict
        Kind, address without a password, number of rows, newest offset, times of the oldest and the newest event,
        stored fields, bytes, numbers of logged scores and records with their bytes, offsets of snapshots, and removals
        with their times.

    Examples
    --------
    >>> from fraudsieve.live.store import open_store
    >>> with open_store(getfixture("tmp_path") / "live.db") as store:
    ...     describe_store(store)["rows"]
    0
    """
    with store.reading() as transaction:
        ((rows, oldest, newest),) = transaction.sql.execute("SELECT count(*), min(time), max(time) FROM events")
        snapshots, last, facts = list_snapshots(transaction), transaction.last, transaction.facts
        logged = log_size(transaction)
    return {
        "kind": store.kind,
        "address": store.origin,
        "rows": rows,
        "offset": last.offset,
        "oldest": _time_text(oldest),
        "newest": _time_text(newest),
        "fields": sorted({*facts.ids, *facts.amounts}),
        "bytes": store.nbytes,
        "logged_scores": logged.scores,
        "logged_records": logged.records,
        "log_bytes": logged.nbytes,
        "snapshots": [one.position.offset for one in snapshots],
        "removals": list_removals(store),
    }


def stored_records(store: EventStore) -> Iterator[tuple[str, dict[str, Any]]]:
    """Iterate over the rows of a store as records, in the order in which they were accepted.

    Raises
    ------
    StateError
        If the rows are damaged, or were rewritten during the iteration.
    """
    for rows in store.rows():
        for _, time, entry, _ in rows:
            ((part, (_, fields)),) = json.loads(entry).items()
            yield part, {**fields, FIELDS[part]: np.datetime64(time, "us")}


def _time_text(time: int | None) -> str | None:
    return None if time is None else f"{np.datetime64(time, 'us').astype('datetime64[s]')}Z"
