"""Identity of events and subjects, and their times, which must not be missing.

`fraudsieve.tables.values` defines what an id and a time are. Identifiers become digests of 8 or 16 bytes: a live state
compares identifiers without storing them. Needs only NumPy.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.tables.values.moments import read_time
from fraudsieve.tables.values.reading import PLAIN, Reading, read_id


class RejectedRecord(NamedTuple):
    """A rejected record: its position in the call, and a reason that contains no value of the record."""

    position: int
    reason: str


def as_records(records: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return one record or several records as a sequence."""
    if isinstance(records, Mapping):
        return [records]
    if not isinstance(records, list | tuple) or not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"Expected a dict or a list of dicts, got {type(records).__name__}.")
    return records


def record_time(
    value: Any, field: str, zone: str = "UTC", read: Callable[[Any, str, Reading], int | None] = read_time
) -> int | None:
    """Read a time of a record, in microseconds since 1970; None if it is missing.

    A string without a zone is in that of the model. Other values without one, such as ``datetime64``, are UTC.
    """
    return read(value, field, Reading(zone=zone) if zone != "UTC" and isinstance(value, str) else PLAIN)


def required_time(value: Any, field: str, zone: str = "UTC") -> int:
    """Read a time that a record must have, as `record_time` does."""
    time = record_time(value, field, zone)
    if time is None:
        raise RejectedRecordError(f"{field}: expected a time, the field is missing")
    return time


def check_time_between(time: int, field: str, oldest: int, limit: int) -> None:
    """Raise RejectedRecordError if a time is too old or in the future."""
    if time > limit:
        raise RejectedRecordError(f"{field}: expected a time that is not in the future, got a later one")
    if time < oldest:
        raise RejectedRecordError(f"{field}: expected a time within the declared lateness, got an older one")


class RecordIds:
    """The ids of a record, each of them read once, as `read_id` reads it."""

    __slots__ = ("_read", "record")

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self._read: dict[str, str | None] = {}

    def text(self, field: str) -> str | None:
        """Return an id; None if it is missing."""
        if field not in self._read:
            self._read[field] = read_id(self.record.get(field), field)
        return self._read[field]

    def digest(self, field: str) -> int:
        """Return a digest of 64 bits of an id; 0 if it is missing."""
        text = self.text(field)
        return 0 if text is None else id_digest(text)

    def delivery(self, kind: str, time: int | None = None) -> int:
        """Return a digest of 64 bits that repeated deliveries of the record share; 0 if it has no ``event_id``."""
        text = self.text("event_id")
        return 0 if text is None else delivery_of(text, kind, time)

    def entity(self, columns: Sequence[str]) -> bytes | None:
        """Return a digest of 16 bytes of the fields that identify an entity; None if one is missing."""
        content = b""
        for column in columns:
            text = self.text(column)
            if text is None:
                return None
            part = text.encode()
            content += len(part).to_bytes(4, "little") + part
        return blake2b(content, digest_size=16).digest()


def delivery_of(identifier: str, kind: str, time: int | None = None) -> int:
    """Return what `RecordIds.delivery` does for an id."""
    return id_digest(f"{kind} {time} {identifier}")


def label_kind(label: bool | str) -> str:
    """Return the kind of a label for `RecordIds.delivery`: whether it is fraud, or the class of a message."""
    return f"label {label!r}"


def id_digest(text: str) -> int:
    """Return a digest of 64 bits of an id, which is not 0."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1
