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


def id_digest(value: Any, field: str) -> int:
    """Return a digest of 64 bits of an id, as `read_id` reads it; 0 if the id is missing."""
    text = read_id(value, field)
    return 0 if text is None else _digest_of(text.encode())


def delivery_id(record: Mapping[str, Any], kind: str, time: int | None = None) -> int:
    """Return a digest of 64 bits that repeated deliveries of a record share; 0 if the record has no ``event_id``."""
    text = read_id(record.get("event_id"), "event_id")
    return 0 if text is None else delivery_of(text, kind, time)


def delivery_of(identifier: str, kind: str, time: int | None = None) -> int:
    """Return the `delivery_id` of a record with an id that was read."""
    return _digest_of(f"{kind} {time} {identifier}".encode())


def label_kind(label: bool | str) -> str:
    """Return the kind of a label for `delivery_id`: whether it is fraud, or the class of a message."""
    return f"label {label!r}"


def entity_key(record: Mapping[str, Any], columns: Sequence[str]) -> bytes | None:
    """Return a digest of 16 bytes of the fields that identify an entity; None if one is missing."""
    content = b""
    for column in columns:
        text = read_id(record.get(column), column)
        if text is None:
            return None
        part = text.encode()
        content += len(part).to_bytes(4, "little") + part
    return blake2b(content, digest_size=16).digest()


def _digest_of(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little") or 1
