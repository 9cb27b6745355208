"""The history that is passed with records: a live state, or events from which one is built."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import numpy as np

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.campaign.over_time import CampaignHistory, message_event, message_keys
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.history.reader import read_bands
from fraudsieve.features.history.records import RejectedRecord, check_time_between
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.history_declaration import event_fields
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.message_matrix import why_unscorable
from fraudsieve.models.given_fields import GivenFields

Events: TypeAlias = HistoryState | Sequence[Record] | Mapping[str, Sequence[Record]]
"""A live state; or events; or, by name, ``events``, ``labels`` of events, ``account_labels`` and ``messages``."""

AS_READ: Final[Mapping[str, GivenFields]] = {}
_ANY_TIME = np.datetime64(0, "us")  # a model without times counts every event
_PARTS = ("events", "labels", "account_labels")


def resolve_history(
    matrix: FeatureMatrix, history: Events | None, given: Mapping[str, GivenFields] = AS_READ
) -> HistoryState | None:
    """Return a history as a live state; None without a history. Its records may be as in tables of a training."""
    if history is None:
        return None
    if isinstance(history, HistoryState):
        if history.declaration != matrix.history_declaration:
            raise ValueError("history: the state has other views than the model. Create it with Scorer.new_state().")
        return history
    records = _records_by_part(matrix, history)
    for table in ("events", "messages"):
        if of_table := given.get(table):
            records[table] = [dict(of_table.read(record)) for record in records[table]]
    state = matrix.new_state(lateness="all")
    _check_fields(records["events"], matrix)
    if not matrix.timed:
        records["events"] = [{**event, "occurred_at": _ANY_TIME} for event in records["events"]]
    for part in _PARTS:
        parts = {"events": (), "labels": (), "account_labels": ()} | {part: records[part]}
        rejected = state.update(parts["events"], parts["labels"], account_labels=parts["account_labels"])
        _raise_rejected(part, rejected)
    _raise_rejected("messages", observe_messages(matrix, state, records["messages"]))
    return state


def _records_by_part(
    matrix: FeatureMatrix, history: Sequence[Record] | Mapping[str, Sequence[Record]]
) -> dict[str, list[Record]]:
    parts = dict(history) if isinstance(history, Mapping) else {"events": history}
    names = (*_PARTS, "messages") if matrix.campaigns else _PARTS
    unknown = set(parts) - set(names)
    if unknown:
        raise ValueError(f"history: expected {', '.join(names)}, got {len(unknown)} other names.")
    return {name: _list_of_records(parts.get(name, ()), name) for name in (*_PARTS, "messages")}


def _list_of_records(records: Any, name: str) -> list[Record]:
    if not isinstance(records, list | tuple) or not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"history: {name}: expected a list of dicts, got {type(records).__name__} or other elements.")
    return list(records)


def _raise_rejected(part: str, rejected: Sequence[RejectedRecord]) -> None:
    if rejected:
        raise ValueError(f"history: {part}, position {rejected[0].position}: {rejected[0].reason}")


def _check_fields(events: Sequence[Record], matrix: FeatureMatrix) -> None:
    """Raise ValueError if no event has a field; otherwise a renamed column would score as an empty one."""
    fields = {field.name for field in event_fields(matrix.event_views, matrix.network)} - {"kind"}
    missing = sorted(name for name in fields if not any(name in event for event in events)) if events else []
    if missing:
        raise ValueError(f"history: events, no event has the field {missing[0]!r}, and the model uses it.")


def observe_messages(
    matrix: FeatureMatrix, state: HistoryState, messages: Sequence[Record], *, now: datetime | None = None
) -> tuple[RejectedRecord, ...]:
    """Add messages to a live state and return the rejected ones. Without campaigns, it does nothing."""
    if matrix.campaigns is None:
        return ()
    prepared, rejected = [], []
    for position, (message, keys) in enumerate(zip(messages, message_keys(messages), strict=True)):
        try:
            prepared += prepare_bands(state, checked_event(message, keys, matrix.campaigns), now=now)
        except RejectedRecordError as error:
            rejected.append(RejectedRecord(position, str(error)))
    state.apply(prepared)
    return tuple(rejected)


def checked_event(message: Record, keys: Sequence[int], campaigns: CampaignHistory) -> dict[str, Any] | None:
    """Convert a message or its label as `message_event` does; raises RejectedRecordError for a text without words."""
    problem = why_unscorable(message.get("text"))
    if problem:
        raise RejectedRecordError(problem)
    return message_event(message, keys, campaigns)


def prepare_bands(
    state: HistoryState, event: Record | None, *, now: datetime | None = None, stored: bool = False
) -> list[PreparedRecord]:
    """Read a message with its bands into a list of one record for a live state; an empty one for None."""
    if event is None:
        return []
    try:
        message = read_bands(event, state.views)
        if not stored and message.identifier not in state.seen:
            check_time_between(message.time, "occurred_at", state.horizon, state.latest(now or datetime.now(UTC)))
    except RejectedRecordError as error:
        raise message_error(str(error), event) from None
    return [message]


def message_error(reason: str, event: Record) -> RejectedRecordError:
    """Return the error for a message whose event was rejected; it names the field of the message."""
    field, _, expected = reason.partition(":")
    time = "labelled_at" if "labelled" in event else "sent_at"
    names = {"occurred_at": time, "sender_id": "account_id", "event_id": "message_id", "kind": "label"}
    return RejectedRecordError(f"{names.get(field, field)}:{expected}")
