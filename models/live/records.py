"""Log entries of events, labels and messages: numbers and declared ids, without text.

An entry is ``{part: [time, fields]}``, the time in microseconds since 1970. A message is stored as the keys of its
fingerprint bands (`fraudsieve.features.campaign`), from which its text cannot be restored.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from fraudsieve.features.history.records import id_digest, parse_amount, parse_id
from fraudsieve.features.live_state import CAMPAIGN, HistoryState, RecordType

__all__ = ["LoggedPart", "delivery_id", "from_entry", "logged_fields", "message_to_entry", "to_entry"]

Record: TypeAlias = Mapping[str, Any]
LoggedPart: TypeAlias = RecordType | Literal["messages"]

COMMON_FIELDS = ("account_id", "event_id", "kind", *sorted(CAMPAIGN))
MESSAGE_FIELDS = ("sender_id", "recipient_id", "event_id", "kind")
MESSAGE_SALT = 0x5DEECE66D5DEECE6
"""Separates the ids of messages from those of events."""


def logged_fields(state: HistoryState) -> frozenset[str]:
    """Return the id fields that a state uses.

    Examples
    --------
    >>> from fraudsieve.features.history.declaration import History
    >>> sorted(logged_fields(HistoryState(History(identifiers=("device_id",)))) - set(COMMON_FIELDS))
    ['counterparty_id', 'device_id']
    """
    names = {name for view in state.histories for name in (*view.entities, view.counterparty, *view.identifiers)}
    links = state.declared_network.links if state.declared_network else ()
    return frozenset(names.union(links))


def to_entry(part: RecordType, record: Record, time: int, fields: frozenset[str]) -> dict[str, Any]:
    """Return the log entry of an event or a label.

    Parameters
    ----------
    part : {"events", "labels", "account_labels"}
        Type of the record.
    record : dict
        A record that the state has prepared.
    time : int
        Its time in microseconds.
    fields : frozenset of str
        From `logged_fields`.

    Returns
    -------
    dict
        Plain JSON.

    Raises
    ------
    RejectedRecordError
        If an id is neither a string nor a whole number.

    Examples
    --------
    >>> to_entry("events", {"account_id": " ann ", "amount": 5, "note": "private"}, 7, frozenset())
    {'events': [7, {'account_id': 'ann', 'amount': 5.0}]}
    """
    values: dict[str, Any] = _ids(record, dict.fromkeys((*COMMON_FIELDS, *sorted(fields))))
    if part != "events":
        values["is_fraud"] = bool(record["is_fraud"])
    elif (amount := parse_amount(record.get("amount"))) == amount:
        values["amount"] = amount
    return {part: [time, values]}


def message_to_entry(events: Sequence[Record], time: int) -> dict[str, Any]:
    """Return the log entry of a message.

    Parameters
    ----------
    events : sequence of dict
        Events from `prepare_message`, at least one.
    time : int
        Its time in microseconds.

    Returns
    -------
    dict
        Plain JSON.
    """
    (band,) = CAMPAIGN & events[0].keys()
    return {"messages": [time, {band: [event[band] for event in events], **_ids(events[0], MESSAGE_FIELDS)}]}


def from_entry(entry: Mapping[str, Any]) -> tuple[LoggedPart, list[dict[str, Any]]]:
    """Return the records of a log entry, as a state expects them.

    Parameters
    ----------
    entry : dict
        From `to_entry` or `message_to_entry`.

    Returns
    -------
    part : {"events", "labels", "account_labels", "messages"}
        Type of the records.
    records : list of dict
        One record; for a message its events.

    Examples
    --------
    >>> part, records = from_entry({"labels": [7, {"account_id": "ann", "is_fraud": True}]})
    >>> part, sorted(records[0])
    ('labels', ['account_id', 'is_fraud', 'labelled_at'])
    """
    name, (time, values) = next(iter(entry.items()))
    part = cast(LoggedPart, name)
    timestamp = np.datetime64(time, "us")
    if part != "messages":
        return part, [{**values, "occurred_at" if part == "events" else "labelled_at": timestamp}]
    (band,) = CAMPAIGN & values.keys()
    return part, [{**values, band: key, "occurred_at": timestamp} for key in values[band]]


def delivery_id(part: LoggedPart, record: Record) -> int:
    """Return the 64-bit id that identifies repeated deliveries of an event or a message.

    Parameters
    ----------
    part : {"events", "labels", "account_labels", "messages"}
        Type of the record.
    record : dict
        The record; for a message one of its events.

    Returns
    -------
    int
        0 for labels and for records without an id.

    Raises
    ------
    RejectedRecordError
        If the id is neither a string nor a whole number.
    """
    if part not in ("events", "messages") or "labelled" in record:
        return 0
    digest = id_digest(record.get("event_id"), "event_id")
    return digest ^ MESSAGE_SALT if digest and part == "messages" else digest


def _ids(record: Record, names: Any) -> dict[str, Any]:
    ids = ((name, parse_id(record.get(name), name)) for name in names)
    return {name: text for name, text in ids if text is not None}
