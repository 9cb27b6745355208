"""The tables of a store, the chain of digests over their rows, and sealed facts about them.

SQLite does not detect a flipped bit in an amount. If a bit of its write-ahead log flips, it silently drops commits. The
chain detects both: each row carries a digest of itself and of all rows before it, and every reader computes the digests
again, from a known position. Facts are sealed with a digest.

The tables are in plain SQL that SQLite and PostgreSQL share. About ten statements do not justify a dependency on
SQLAlchemy. The two databases differ in the lock, the head, and the detection of changes by other processes, which
SQLAlchemy does not abstract: `SqliteDatabase` and `PostgresDatabase` have the same methods, which raise StateError.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from typing import Any, NamedTuple, TypeAlias

from fraudsieve._io import which_version
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.records import delivery_of
from fraudsieve.features.history.timeline import signed

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


FORMAT = 3
"""The version of the schema and of the log entries."""


def key_of_record(kind: str, identifier: str) -> int:
    """Return the key of an event or a message with an id."""
    return signed(delivery_of(identifier, kind))


def key_of_labels(kind: str, identifier: str) -> int:
    """Return the key that all labels of an event, a message or an account share."""
    return key_of_record(f"label of {kind}", identifier)


def subject_key(entry: Mapping[str, Any]) -> int | None:
    """Return the key of a log entry; None for one that nothing looks for."""
    ((part, (_, fields)),) = entry.items()
    if part == "label":
        return key_of_labels(fields["of"], fields["subject_id"])
    if part not in ("events", "messages") or "event_id" not in fields:
        return None
    return key_of_record(part[:-1], fields["event_id"])


@dataclass(frozen=True)
class StoreFacts:
    """The facts of a store."""

    # How often rows were removed by an erasure or a rewind. A process that has read another generation reads everything
    # again.
    generation: int = 0
    # The position before the first stored row.
    start: Position = START
    # The fields that every row has stored, from `fraudsieve.live.records.logged_fields`.
    ids: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    # Rows before this time, in microseconds since 1970, may have been deleted; None if none were since the last erasure
    # or rewind, after which the rows that are left are the history.
    dropped_before: int | None = None
    # Microseconds for which events waited for their labels when rows were deleted.
    label_span: int = 0
    # Whether rows were erased and the files may still contain their bytes.
    needs_shrinking: bool = False

    def to_text(self) -> str:
        """Return the facts as sealed text."""
        written = {"fraudsieve": version("fraudsieve"), "written": datetime.now(UTC).isoformat()}
        start = [self.start.offset, self.start.digest.hex()]
        return sealed({"format": FORMAT, **written, **vars(self), "start": start})

    @classmethod
    @lru_cache(maxsize=8)  # every transaction reads them, and they seldom change
    def from_text(cls, text: Any, origin: str) -> "StoreFacts":
        """Read facts from sealed text."""
        facts = read_sealed(text, origin)
        found, *written = (facts.pop(name, None) for name in ("format", "fraudsieve", "written"))
        if found != FORMAT:
            problem = f"expected a store of format {FORMAT}, got {found!r}"
            raise StateError(origin, problem, f"Load the events into a new store. {which_version(*written)}")
        offset, digest = facts.pop("start")
        ids, amounts = (tuple(facts.pop(name)) for name in ("ids", "amounts"))
        return cls(start=Position(offset, bytes.fromhex(digest)), ids=ids, amounts=amounts, **facts)


def sealed(facts: Mapping[str, Any]) -> str:
    """Return facts as JSON with a digest."""
    content = json.dumps(facts)
    return f"{_digest(content)} {content}"


def read_sealed(text: Any, origin: str) -> JsonObject:
    """Return the facts of sealed text."""
    digest, _, content = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if not content or digest != _digest(content):
        raise StateError(origin, "its facts differ from their digest", RESTORE)
    return dict(json.loads(content))


def _digest(content: str) -> str:
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


SCORE_TABLES = ("scores", "scored_records")
"""The score log, and the scored records under the numbers of their scores."""
SCHEMA = (
    'CREATE TABLE events ("offset" {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, '
    "digest {bytes} NOT NULL, subject {integer})",
    "CREATE INDEX events_subject ON events (subject)",
    "CREATE TABLE meta (name {text} PRIMARY KEY, content {text} NOT NULL)",
    'CREATE TABLE snapshots (id {text} PRIMARY KEY, "offset" {integer} NOT NULL, started {real} NOT NULL, '
    "facts {text} NOT NULL)",
    "CREATE TABLE chunks (snapshot {text} NOT NULL, number {integer} NOT NULL, content {bytes} NOT NULL, "
    "PRIMARY KEY (snapshot, number))",
    "CREATE TABLE erasures (number {integer} PRIMARY KEY, facts {text} NOT NULL)",
    "CREATE TABLE scores (number {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, "
    "digest {bytes} NOT NULL, recorded {integer})",
    "CREATE INDEX scores_recorded ON scores (recorded) WHERE recorded IS NOT NULL",
    "CREATE TABLE scored_records (number {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, "
    "digest {bytes} NOT NULL)",
    *(f"CREATE INDEX {table}_by_time ON {table} (time, number)" for table in SCORE_TABLES),
)


def tables(types: dict[str, str]) -> list[str]:
    """Return the statements that create the tables of a store."""
    return [statement.format(**types) for statement in SCHEMA]
