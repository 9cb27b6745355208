"""The subjects of rows: by which labels find their event or message, and that their labels."""

from collections.abc import Mapping
from typing import Any

from fraudsieve.features.history.records import delivery_id
from fraudsieve.features.history.timeline import signed


def key_of_record(kind: str, identifier: str) -> int:
    """Return the key of an event or a message with an id."""
    return signed(delivery_id({"event_id": identifier}, kind))


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
