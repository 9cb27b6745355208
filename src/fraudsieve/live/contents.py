"""The contents of a store: a description, and its rows as records."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from fraudsieve.features.history.records import required_time
from fraudsieve.live.store.snapshots import list_removals

from .labels import LABEL, is_effect
from .records import OWN
from .store.event_store import EventStore
from .store.score_rows import FIRST_TIME, LAST_TIME, log_size
from .store.snapshots import list_snapshots

FIELDS = {"events": "occurred_at", "messages": "sent_at"}
COUNTED = "counted"
"""The part of what a state counts of labels."""


def describe_store(store: EventStore) -> dict[str, Any]:
    """Describe a store, without identifiers."""
    with store.reading() as transaction:
        ((rows, oldest, newest),) = transaction.sql.execute("SELECT count(*), min(time), max(time) FROM events")
        ((of_snapshots,),) = transaction.sql.execute("SELECT sum(length(content)) FROM chunks")
        snapshots, last, facts = list_snapshots(transaction), transaction.last, transaction.facts
        logged = log_size(transaction)
    nbytes = store.nbytes
    return {
        "kind": store.kind,
        "address": store.origin,
        "rows": rows,
        "offset": last.offset,
        "oldest": time_text(oldest),
        "newest": time_text(newest),
        "complete_since": time_text(facts.dropped_before),
        "fields": sorted({*facts.ids, *facts.amounts}),
        "bytes": nbytes,
        "bytes_per_row": round((nbytes - (of_snapshots or 0) - logged.nbytes) / rows) if rows else None,
        "logged_scores": logged.scores,
        "logged_records": logged.records,
        "log_bytes": logged.nbytes,
        "snapshots": [one.position.offset for one in snapshots],
        "removals": list_removals(store),
    }


def stored_records(store: EventStore) -> Iterator[tuple[str, dict[str, Any]]]:
    """Iterate over the events, messages and labels of a store as they were sent, in the order of their acceptance."""
    return ((part, record) for _, part, record in numbered_records(store) if part != COUNTED)


def numbered_records(store: EventStore) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Iterate over all rows of a store as offset, part and record; those of what a state counts of labels, too."""
    for rows in store.rows():
        for offset, time, entry, _ in rows:
            content = json.loads(entry)
            ((part, (_, fields)),) = content.items()
            if part == LABEL:
                yield offset, "labels", {**fields, "labelled_at": np.datetime64(time, "us")}
            elif is_effect(content):
                yield offset, COUNTED, fields
            else:
                yield offset, part, {**fields.pop(OWN, {}), **fields, FIELDS[part]: np.datetime64(time, "us")}


def span_of(since: datetime | str | None, until: datetime | str | None) -> tuple[int, int]:
    """Return a span in microseconds since 1970: from one time on and before another; without them, it has no end."""
    first = FIRST_TIME if since is None else required_time(since, "since")
    return first, LAST_TIME if until is None else required_time(until, "until")


def time_text(time: int | None) -> str | None:
    """Return a time in microseconds as text."""
    return None if time is None else f"{np.datetime64(time, 'us').astype('datetime64[s]')}Z"
