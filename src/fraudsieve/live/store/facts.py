"""Facts about the rows of a store, sealed with a digest, because SQLite does not detect a flipped bit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

from fraudsieve._io import which_version
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.records import delivery_of
from fraudsieve.features.history.timeline import signed

from .chain import RESTORE, START, Position

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


def read_sealed(text: Any, origin: str) -> dict[str, Any]:
    """Return the facts of sealed text."""
    digest, _, content = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if not content or digest != _digest(content):
        raise StateError(origin, "its facts differ from their digest", RESTORE)
    return dict(json.loads(content))


def _digest(content: str) -> str:
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
