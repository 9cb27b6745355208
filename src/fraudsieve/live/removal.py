"""Removal of rows from a store: all events of one account, or all events after a time."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np

from fraudsieve.features.history.reader import CAMPAIGN
from fraudsieve.features.history.records import required_time
from fraudsieve.tables.values.reading import read_id

from .score_log import erase_scores
from .store.chain import Row
from .store.event_store import EventStore, StoreTransaction
from .store.row_removal import remove_rows

__all__ = ["erase", "rewind"]

NOT_IDS = {*CAMPAIGN, "event_id", "kind"}


def erase(store: EventStore, *, account_id: str | int) -> int:
    """Erase an account: all rows that name it in any id field, the labels of its messages, and its logged scores.

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
    >>> from fraudsieve.live.store import open_store
    >>> with open_store(getfixture("tmp_path") / "live.db") as store:
    ...     erase(store, account_id="ann")
    0
    """
    text = read_id(account_id, "account_id")
    if text is None:
        raise ValueError("account_id: expected an id, got a blank.")
    account = json.loads(json.dumps(text))  # as it is read from an entry

    def choose(transaction: StoreTransaction) -> tuple[Callable[[Row], bool], int]:
        messages = _messages_of(transaction, account)
        n_scores = erase_scores(transaction, account, messages)
        return lambda row: not _names(row, account) and not _labels(row, messages), n_scores

    return remove_rows(store, choose, {"kind": "erase"})


def rewind(store: EventStore, time: datetime | str) -> int:
    """Remove events, messages and labels after a time, such as those from a clock that was ahead.

    The newest event determines which events are too late. If one is wrongly dated in the future, correct events are
    rejected until that time. Logged scores stay. The store records the removal. Processes that follow the store rebuild
    their states.

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
    >>> from fraudsieve.live.store import open_store
    >>> with open_store(getfixture("tmp_path") / "live.db") as store:
    ...     rewind(store, "2026-05-01T10:00:00Z")
    0
    """
    limit = required_time(time, "time")
    record = {"kind": "rewind", "until": f"{np.datetime64(limit, 'us')}Z"}
    return remove_rows(store, lambda _: (lambda row: row[1] <= limit, 0), record)


def _messages_of(transaction: StoreTransaction, account: str) -> set[str]:
    """Return the ids of the messages that name an account."""
    rows = (row for batch in transaction.batches() for row in batch if _names(row, account))
    messages = (json.loads(entry).get("messages") for _, _, entry, _ in rows)
    return {message[1]["event_id"] for message in messages if message and "event_id" in message[1]}


def _names(row: Row, account: str) -> bool:
    return any(name not in NOT_IDS and value == account for name, value in _fields(row).items())


def _labels(row: Row, messages: set[str]) -> bool:
    fields = _fields(row)
    return "labelled" in fields and isinstance(fields["labelled"], list) and fields.get("event_id") in messages


def _fields(row: Row) -> dict[str, Any]:
    ((_, fields),) = json.loads(row[2]).values()
    return dict(fields)
