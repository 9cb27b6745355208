"""The fold: rows of a store, added to a history state in order, many at a time as columns."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from fraudsieve.exceptions import RejectedRecordError, StateError
from fraudsieve.features.history.reader import CAMPAIGN, TIME_FIELDS
from fraudsieve.features.live_state import HistoryState

from .records import PARTS, read_entry
from .store.chain import RESTORE, Row

MIN_COLUMN_LENGTH = 32
"""Fewer entries of one type are read one by one, which is then faster."""


def encode_entry(entry: dict[str, Any]) -> tuple[int, bytes]:
    """Return a log entry as a store keeps it: its time, and JSON."""
    ((time, _),) = entry.values()
    return time, json.dumps(entry, allow_nan=False, separators=(",", ":")).encode("ascii")


def fold_rows(state: HistoryState, rows: Sequence[Row], origin: str) -> int:
    """Add rows to a state.

    Returns the number of repeated deliveries among them.
    """
    n_repeats = 0
    for run in _runs(rows, origin):
        try:
            n_repeats += _fold_run(state, run)
        except RejectedRecordError as error:
            raise StateError(origin, f"a row of the store is rejected: {error}", RESTORE) from None
        except (ValueError, AttributeError, TypeError):
            raise _unreadable(origin) from None
    return n_repeats


def _runs(rows: Sequence[Row], origin: str) -> Iterator[list[Any]]:
    """Decode rows, and yield those that follow each other and have the same type."""
    try:
        entries = json.loads(b"[" + b",".join([row[2] for row in rows]) + b"]")
    except (ValueError, RecursionError):
        raise _unreadable(origin) from None
    if len(entries) != len(rows):
        raise _unreadable(origin)
    for _, run in groupby(entries, _type_of):
        yield list(run)


def _type_of(entry: Any) -> str | None:
    """Return the type of an entry; messages and labels of messages have different ones."""
    if not isinstance(entry, dict) or len(entry) != 1:
        return None
    ((part, content),) = entry.items()
    if part == "messages" and isinstance(content, list) and content and isinstance(content[-1], dict):
        return CAMPAIGN[1] if CAMPAIGN[1] in content[-1] else CAMPAIGN[0]
    return str(part)


def _fold_run(state: HistoryState, run: list[Any]) -> int:
    part = next(iter(run[0]), None) if isinstance(run[0], dict) else None
    if len(run) >= MIN_COLUMN_LENGTH and part in PARTS:
        columns = _columns(part, [entry[part] for entry in run])
        prepared, rejected = state.prepare_columns(columns, PARTS[part], stored=True)
        if rejected:
            raise RejectedRecordError(rejected[0].reason)
        return state.apply(prepared)
    return state.apply([record for entry in run for record in read_entry(state, entry, stored=True)])


def _columns(part: str, contents: list[Any]) -> dict[str, Any]:
    """Return the contents of entries of one type as columns."""
    times = [time for time, _ in contents]
    if any(type(time) is not int for time in times):
        raise ValueError("expected times in microseconds")
    names = dict.fromkeys(name for _, fields in contents for name in fields)
    columns: dict[str, Any] = {name: [fields.get(name) for _, fields in contents] for name in names}
    time_field = "occurred_at" if part == "messages" else TIME_FIELDS[PARTS[part]]  # type: ignore[index]
    return columns | {time_field: np.array(times, np.int64).astype("datetime64[us]")}


def _unreadable(origin: str) -> StateError:
    return StateError(origin, "a row of the store cannot be read", RESTORE)
