"""The contents of a store: a description, and its rows as records.

Removal of rows from a store: all events of one account, or all events after a time.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeAlias

import numpy as np

from fraudsieve._typing import JsonObject
from fraudsieve.features.history.records import required_time
from fraudsieve.features.history.timeline import CAMPAIGN
from fraudsieve.live.store.facts import Row
from fraudsieve.live.store.snapshots import list_removals, remove_rows
from fraudsieve.tables.values.reading import read_id

from .labels import LABEL, RETRACTED, is_effect
from .promises import forget_drawn
from .recording import erase_scores
from .records import OWN
from .store.event_store import EventStore, StoreTransaction
from .store.score_rows import FIRST_TIME, LAST_TIME, forget_recorded, log_size
from .store.snapshots import list_snapshots

FIELDS = {"events": "occurred_at", "messages": "sent_at"}
COUNTED = "counted"
"""The part of what a state counts of labels."""


def describe_store(store: EventStore) -> JsonObject:
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


def stored_records(store: EventStore) -> Iterator[tuple[str, JsonObject]]:
    """Iterate over the events, messages and labels of a store as they were sent, in the order of their acceptance."""
    return ((part, record) for _, part, record in numbered_records(store) if part != COUNTED)


def numbered_records(store: EventStore) -> Iterator[tuple[int, str, JsonObject]]:
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


NOT_IDS = {*CAMPAIGN, "event_id", "kind", "of", "subject_id", "label", "source"}
SUBJECTS = {"labels": "event", "messages": "message", "account_labels": "account"}
"""Whose labels a state counts in a part of the log."""

Subject: TypeAlias = tuple[str, str]
"""Type of a record, and its id."""


def erase(store: EventStore, *, account_id: str | int) -> int:
    """Erase an account: rows that name it in any id field, labels of it and of these, and its logged scores.

    The other rows are rewritten, snapshots are deleted, and the files no longer contain the bytes of the account. The
    store records only the time and the number of rows. Processes that follow the store rebuild their states.

    Parameters
    ----------
    store : EventStore
        From `open_store`.
    account_id : str or int
        The account. Rows name it in ``account_id``, ``counterparty_id`` or another id field that a model uses.

    Returns
    -------
    int
        Number of erased rows, those of the score log among them.

    Raises
    ------
    StateError
        If it fails. Then nothing was erased.
    ValueError
        If the id is missing.

    Examples
    --------
    >>> from .store import open_store
    >>> with open_store(getfixture("tmp_path") / "live.db") as store:
    ...     erase(store, account_id="ann")
    0
    """
    text = read_id(account_id, "account_id")
    if text is None:
        raise ValueError("account_id: expected an id, got a blank.")
    account = json.loads(json.dumps(text))  # as it is read from an entry

    def choose(transaction: StoreTransaction) -> tuple[Callable[[Row], bool], int]:
        subjects = _subjects_of(transaction, account)
        n_scores = erase_scores(transaction, account, subjects)
        forget_drawn(transaction, subjects)
        return lambda row: not _names(row, account) and _labelled_by(row) not in subjects, n_scores

    return remove_rows(store, choose, {"kind": "erase"})


def rewind(store: EventStore, time: datetime | str) -> int:
    """Remove events, messages and labels after a time, such as those from a clock that was ahead.

    If a label of a record is removed, all labels of it are: send the earlier ones again.

    The newest event determines which events are too late. If one is wrongly dated in the future, correct events are
    rejected until that time. Logged scores stay, but a record that was removed can be scored and recorded again. The
    store records the removal. Processes that follow the store rebuild their states.

    Parameters
    ----------
    store : EventStore
        From `open_store`.
    time : datetime or str
        Rows with a later time are removed.

    Returns
    -------
    int
        Number of removed rows.

    Raises
    ------
    StateError
        If it fails. Then nothing was removed.

    Examples
    --------
    >>> from .store import open_store
    >>> with open_store(getfixture("tmp_path") / "live.db") as store:
    ...     rewind(store, "2026-05-01T10:00:00Z")
    0
    """
    limit = required_time(time, "time")
    record = {"kind": "rewind", "until": f"{np.datetime64(limit, 'us')}Z"}

    def choose(transaction: StoreTransaction) -> tuple[Callable[[Row], bool], int]:
        forget_recorded(transaction, limit)
        # What a state counts of a label depends on the other labels of the record.
        late = (row for batch in transaction.batches() for row in batch if row[1] > limit)
        subjects = {subject for row in late if (subject := _labelled_by(row)) is not None}
        return lambda row: row[1] <= limit and _labelled_by(row) not in subjects, 0

    return remove_rows(store, choose, record)


def _subjects_of(transaction: StoreTransaction, account: str) -> set[Subject]:
    """Return an account, and the events and messages that name it."""
    rows = (row for batch in transaction.batches() for row in batch if _names(row, account))
    parts = (_content(row) for row in rows)
    return {("account", account)} | {(part[:-1], fields["event_id"]) for part, fields in parts if "event_id" in fields}


def _names(row: Row, account: str) -> bool:
    return any(name not in NOT_IDS and value == account for name, value in _content(row)[1].items())


def _labelled_by(row: Row) -> Subject | None:
    """Return the subject of a label, or of what a state counts of it."""
    part, fields = _content(row)
    identifier = fields.get("subject_id")
    return None if identifier is None else (fields.get("of") or SUBJECTS[part], identifier)


def _content(row: Row) -> tuple[str, JsonObject]:
    """Return the part and the fields of a row, or of the one that it takes back."""
    ((part, (_, fields)),) = json.loads(row[2]).items()
    if part == RETRACTED:
        ((part, fields),) = fields.items()
    return part, fields
