"""The fold: rows of a store, added to a history state in order."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.live_state import HistoryState

from .records import read_entry
from .store.chain import RESTORE, Row

__all__ = ["encode_entry", "fold_rows"]


def encode_entry(entry: dict[str, Any]) -> tuple[int, bytes]:
    """Return a log entry as a store keeps it: its time, and JSON.

    Examples
    --------
    >>> encode_entry({"events": [7, {"account_id": "ann"}]})
    (7, b'{"events":[7,{"account_id":"ann"}]}')
    """
    ((time, _),) = entry.values()
    return time, json.dumps(entry, allow_nan=False, separators=(",", ":")).encode("ascii")


def fold_rows(state: HistoryState, rows: Sequence[Row], origin: str) -> int:
    """Add rows to a state.

    Parameters
    ----------
    state : HistoryState
        A state that has all rows before them.
    rows : sequence of Row
        The rows, whose digests were checked.
    origin : str
        Name of the store, for the error.

    Returns
    -------
    int
        Number of repeated deliveries among them.

    Raises
    ------
    StateError
        If a row cannot be read.
    """
    n_repeats = 0
    for run in _runs(rows, origin):
        try:
            prepared = [record for entry in run for record in read_entry(state, entry, stored=True)]
        except RejectedRecordError as error:
            raise StateError(origin, f"a row of the store is rejected: {error}", RESTORE) from None
        except ValueError:
            raise _unreadable(origin) from None
        n_repeats += state.apply(prepared)
    return n_repeats


def _runs(rows: Sequence[Row], origin: str) -> Iterator[list[Any]]:
    """Decode rows, and yield those that follow each other and have the same type."""
    try:
        entries = json.loads(b"[" + b",".join([row[2] for row in rows]) + b"]")
    except (ValueError, RecursionError):
        raise _unreadable(origin) from None
    if len(entries) != len(rows):
        raise _unreadable(origin)
    for _, run in groupby(entries, lambda entry: next(iter(entry), None) if isinstance(entry, dict) else None):
        yield list(run)


def _unreadable(origin: str) -> StateError:
    return StateError(origin, "a row of the store cannot be read", RESTORE)
