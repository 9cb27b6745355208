"""What the log keeps of events, labels and messages: numbers and the ids that a declaration names, and no text.

A record is ``{part: [time, fields]}``, the time in microseconds since 1970. A message is kept as the keys of its bands
(`campaign_history`), from which its words cannot be read.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from fraudsieve.features.history.records import id_digest, parse_amount, parse_id
from fraudsieve.features.live_state import CAMPAIGN, HistoryState, RecordType

__all__ = ["LoggedPart", "delivery_id", "logged", "logged_fields", "logged_message", "restored"]

Record: TypeAlias = Mapping[str, Any]
LoggedPart: TypeAlias = RecordType | Literal["messages"]

ALWAYS = ("account_id", "event_id", "kind", *sorted(CAMPAIGN))
OF_MESSAGE = ("sender_id", "recipient_id", "event_id", "kind")
OF_MESSAGES = 0x5DEECE66D5DEECE6
"""Tells the ids of messages from those of events."""


def logged_fields(state: HistoryState) -> frozenset[str]:
    """Return the ids that a state looks at.

    Parameters
    ----------
    state : HistoryState
        With any declaration.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> from fraudsieve.features.history.declaration import History
    >>> sorted(logged_fields(HistoryState(History(identifiers=("device_id",)))) - set(ALWAYS))
    ['counterparty_id', 'device_id']
    """
    names = {name for view in state.histories for name in (*view.entities, view.counterparty, *view.identifiers)}
    links = state.declared_network.links if state.declared_network else ()
    return frozenset(names.union(links))


def logged(part: RecordType, record: Record, time: int, fields: frozenset[str]) -> dict[str, Any]:
    """Return what is kept of an event or a label.

    Parameters
    ----------
    part : {"events", "labels", "account_labels"}
        What it is.
    record : dict
        One that a state has prepared.
    time : int
        Its time, in microseconds.
    fields : frozenset of str
        From `logged_fields`.

    Returns
    -------
    dict
        Plain JSON.

    Raises
    ------
    RejectedRecordError
        When an id is neither a string nor a whole number.

    Examples
    --------
    >>> logged("events", {"account_id": " ann ", "amount": 5, "note": "private"}, 7, frozenset())
    {'events': [7, {'account_id': 'ann', 'amount': 5.0}]}
    """
    kept: dict[str, Any] = _ids(record, dict.fromkeys((*ALWAYS, *sorted(fields))))
    if part != "events":
        kept["is_fraud"] = bool(record["is_fraud"])
    elif (amount := parse_amount(record.get("amount"))) == amount:
        kept["amount"] = amount
    return {part: [time, kept]}


def logged_message(events: Sequence[Record], time: int) -> dict[str, Any]:
    """Return what is kept of a message.

    Parameters
    ----------
    events : sequence of dict
        What `prepare_message` made of it, at least one.
    time : int
        Its time, in microseconds.

    Returns
    -------
    dict
        Plain JSON.
    """
    (band,) = CAMPAIGN & events[0].keys()
    return {"messages": [time, {band: [event[band] for event in events], **_ids(events[0], OF_MESSAGE)}]}


def restored(entry: Mapping[str, Any]) -> tuple[LoggedPart, list[dict[str, Any]]]:
    """Return what a record of the log was made from, as a state takes it.

    Parameters
    ----------
    entry : dict
        From `logged` or `logged_message`.

    Returns
    -------
    part : {"events", "labels", "account_labels", "messages"}
        What it is.
    records : list of dict
        One; of a message its events.

    Examples
    --------
    >>> part, records = restored({"labels": [7, {"account_id": "ann", "is_fraud": True}]})
    >>> part, sorted(records[0])
    ('labels', ['account_id', 'is_fraud', 'labelled_at'])
    """
    name, (time, kept) = next(iter(entry.items()))
    part = cast(LoggedPart, name)
    when = np.datetime64(time, "us")
    if part != "messages":
        return part, [{**kept, "occurred_at" if part == "events" else "labelled_at": when}]
    (band,) = CAMPAIGN & kept.keys()
    return part, [{**kept, band: key, "occurred_at": when} for key in kept[band]]


def delivery_id(part: LoggedPart, record: Record) -> int:
    """Return the 64 bits by which an event or a message is known again.

    Parameters
    ----------
    part : {"events", "labels", "account_labels", "messages"}
        What it is.
    record : dict
        It; of a message an event that it was turned into.

    Returns
    -------
    int
        0 for one without id, and for labels.

    Raises
    ------
    RejectedRecordError
        When the id is neither a string nor a whole number.
    """
    if part not in ("events", "messages") or "labelled" in record:
        return 0
    digest = id_digest(record.get("event_id"), "event_id")
    return digest ^ OF_MESSAGES if digest and part == "messages" else digest


def _ids(record: Record, names: Any) -> dict[str, Any]:
    found = ((name, parse_id(record.get(name), name)) for name in names)
    return {name: text for name, text in found if text is not None}
