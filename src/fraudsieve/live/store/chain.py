"""The chain of digests over the rows of a store: each row carries a digest of itself and of all rows before it.

SQLite does not detect a flipped bit in an amount. If a bit of its write-ahead log flips, it silently drops commits. The
chain detects both: every reader computes the digests of rows again, from a known position.
"""

import json
import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from fraudsieve.exceptions import StateError

Row: TypeAlias = tuple[int, int, bytes, bytes]
"""Offset, time in microseconds since 1970, log entry as JSON, and digest."""

to_json = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""Encodes what a store keeps."""
RESTORE = "Restore the store from a backup."
_NUMBERS = struct.Struct("<qq")


class Position(NamedTuple):
    """A place in the chain: the offset and the digest of a row."""

    offset: int
    digest: bytes


class Head(NamedTuple):
    """The newest row of a store, and how often its rows were rewritten before."""

    generation: int
    offset: int
    digest: bytes


START = Position(0, bytes(16))
"""The position before the first row."""


def row_digest(previous: bytes, offset: int, time: int, entry: bytes) -> bytes:
    """Return the digest of a row."""
    return blake2b(previous + _NUMBERS.pack(offset, time) + entry, digest_size=16).digest()


def extend_chain(position: Position, entries: Sequence[tuple[int, bytes]]) -> tuple[list[Row], Position]:
    """Return entries as the rows that follow a position, and the position of the last."""
    rows: list[Row] = []
    offset, digest = position
    for time, entry in entries:
        offset += 1
        digest = row_digest(digest, offset, time, entry)
        rows.append((offset, time, entry, digest))
    return rows, Position(offset, digest)


def check_chain(position: Position, rows: Sequence[Row], origin: str) -> Position:
    """Check that rows follow a position, and return the position of the last."""
    offset, digest = position
    for number, time, entry, stored in rows:
        offset += 1
        if number != offset or not isinstance(entry, bytes) or not isinstance(time, int):
            raise damaged(origin, offset)
        digest = row_digest(digest, offset, time, entry)
        if digest != stored:
            raise damaged(origin, offset)
    return Position(offset, digest)


def damaged(origin: str, offset: int) -> StateError:
    """Return the error for a row that is missing or changed."""
    problem = f"the rows are damaged from offset {offset} on: one is missing, or differs from its digest"
    return StateError(origin, problem, RESTORE)
