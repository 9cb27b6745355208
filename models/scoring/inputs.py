"""From records to feature rows, by what the model scores: messages, accounts or events. NumPy and Numba alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_events, campaign_subjects
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.records import RejectedRecord, is_missing
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.text.fold import fold_text

__all__ = [
    "Events",
    "Matrix",
    "message_history",
    "observe_messages",
    "prepare_message",
    "state_of",
    "why_unscorable",
]

Record = Mapping[str, Any]
Matrix: TypeAlias = MessageMatrix | AccountMatrix
Events: TypeAlias = HistoryState | Sequence[Record] | Mapping[str, Sequence[Record]]
"""A live state; or events; or, by name, ``events``, ``labels`` of events, ``account_labels`` and ``messages``."""

_ANY_TIME = np.datetime64(0, "us")  # a model without times counts every event
PARTS = ("events", "labels", "account_labels")


def state_of(matrix: Matrix, history: Events | None) -> HistoryState:
    """Return the state that answers for a model.

    Parameters
    ----------
    matrix : MessageMatrix or AccountMatrix
        What is computed.
    history : HistoryState, sequence of dict, mapping, or None
        See `Events`; None for no event at all.

    Returns
    -------
    HistoryState

    Raises
    ------
    ValueError
        When a state has other columns than the model, or an event cannot be used: the position and the field are named.
    TypeError
        When it is something else.

    Examples
    --------
    >>> from fraudsieve.features.history.declaration import History
    >>> matrix = AccountMatrix("account", (History(("1h",), measures=("count",)),))
    >>> state_of(matrix, [{"account_id": "ann", "occurred_at": "2026-05-01", "kind": "pay"}]).n_events
    1
    """
    if isinstance(history, HistoryState):
        if history.declaration != matrix.history_declaration:
            raise ValueError("history: the state has other views than the model. Make one with Scorer.new_state().")
        return history
    empty = matrix.new_state(lateness="all")
    if history is None:
        return empty
    parts = dict(history) if isinstance(history, Mapping) else {"events": history}
    known = (*PARTS, "messages") if isinstance(matrix, MessageMatrix) and matrix.campaigns else PARTS
    unknown = set(parts) - set(known)
    if unknown:
        raise ValueError(f"history: expected {', '.join(known)}, got {len(unknown)} other names.")
    for name in PARTS:
        records = _events_of(parts.get(name, ()), name)
        if name == "events":
            _check_fields(records, matrix.sender if isinstance(matrix, MessageMatrix) else empty.histories, empty)
            records = records if _is_timed(matrix) else [{**record, "occurred_at": _ANY_TIME} for record in records]
        taken = {"events": (), "labels": (), "account_labels": ()} | {name: records}
        refused = empty.update(taken["events"], taken["labels"], account_labels=taken["account_labels"])
        if refused:
            raise ValueError(f"history: {name}, position {refused[0].position}: {refused[0].reason}")
    refused = observe_messages(matrix, empty, _events_of(parts.get("messages", ()), "messages"))
    if refused:
        raise ValueError(f"history: messages, position {refused[0].position}: {refused[0].reason}")
    return empty


def _events_of(records: Any, name: str) -> list[Record]:
    if not isinstance(records, list | tuple) or not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"history: {name}: expected a list of dicts, got {type(records).__name__} or other elements.")
    return list(records)


def observe_messages(
    matrix: Matrix, state: HistoryState, messages: Sequence[Record], *, now: datetime | None = None
) -> tuple[RejectedRecord, ...]:
    """Tell a live state of messages.

    Parameters
    ----------
    matrix : MessageMatrix or AccountMatrix
        What is computed.
    state : HistoryState
        What is known.
    messages : sequence of dict
        As for `Scorer.observe`.
    now : datetime, default=None
        As for `HistoryState.update`.

    Returns
    -------
    tuple of RejectedRecord
        What was set aside; nothing is done for a model that does not look at campaigns.
    """
    if not isinstance(matrix, MessageMatrix) or matrix.campaigns is None:
        return ()
    prepared, refused = [], []
    for place, message in enumerate(messages):
        try:
            prepared += prepare_message(matrix.campaigns, state, message, now=now)[1]
        except RejectedRecordError as error:
            refused.append(RejectedRecord(place, str(error)))
    state.apply(prepared)
    return tuple(refused)


def prepare_message(
    campaigns: CampaignHistory, state: HistoryState, message: Record, *, now: datetime | None = None
) -> tuple[list[dict[str, Any]], list[PreparedRecord]]:
    """Turn a message into the events that a state takes, and check them.

    Parameters
    ----------
    campaigns : CampaignHistory
        The declaration.
    state : HistoryState
        What is known.
    message : dict
        As for `Scorer.observe`.
    now : datetime, default=None
        As for `HistoryState.update`.

    Returns
    -------
    events : list of dict
        None for a label that the declaration does not count.
    prepared : list of PreparedRecord
        The same, for `HistoryState.apply`.

    Raises
    ------
    RejectedRecordError
        When it cannot be used; the field of the message is named.
    """
    wrong = why_unscorable(message.get("text"))
    if wrong:
        raise RejectedRecordError(wrong)
    events = campaign_events([message], campaigns)
    prepared, refused = state.prepare(events, now=now)
    if refused:
        time = "sent_at" if is_missing(message.get("label")) else "labelled_at"
        names = {"occurred_at": time, "sender_id": "account_id", "event_id": "message_id", "kind": "label"}
        field, _, expected = refused[0].reason.partition(":")
        raise RejectedRecordError(f"{names.get(field, field)}:{expected}")
    return events, prepared


def _check_fields(events: Sequence[Record], views: Sequence[History], state: HistoryState) -> None:
    """Refuse events none of which has a field that is looked at: a renamed column would score as an empty one."""
    needed = {name for history in views for name in history.fields}
    needed |= set(state.declared_network.links if state.declared_network else ())
    absent = sorted(name for name in needed if not any(name in event for event in events)) if events else []
    if absent:
        raise ValueError(f"history: events, no event has the field {absent[0]!r}, and the model looks at it.")


def _is_timed(matrix: Matrix) -> bool:
    return isinstance(matrix, MessageMatrix) or matrix.timed


def message_history(
    matrix: MessageMatrix, columns: Mapping[str, Sequence[Any]], state: HistoryState
) -> tuple[Array, Array, Array]:
    """Compute the history of senders and of campaigns, as of the time that each message was sent.

    Parameters
    ----------
    matrix : MessageMatrix
        What is computed.
    columns : mapping of str to sequence, each of length n_messages
        ``text`` and, where known, ``account_id`` and ``sent_at``.
    state : HistoryState
        What is known.

    Returns
    -------
    sender : ndarray of float64, shape (n_messages, n_sender)
        NaN where the sender or the time is missing.
    campaign : ndarray of float64, shape (n_messages, n_campaign)
        NaN where the time is missing.
    why : ndarray of object, shape (n_messages,)
        What is wrong with a message, None where nothing is.
    """
    n, campaigns = len(columns["text"]), matrix.campaigns
    sender = np.full((n, len(history_columns(matrix.sender))), np.nan)
    campaign = np.full((n, len(campaigns.columns) if campaigns else 0), np.nan)
    why = np.full(n, None, object)
    accounts, times = (columns.get(name, [None] * n) for name in ("account_id", "sent_at"))
    for place, (text, account, sent) in enumerate(zip(columns["text"], accounts, times, strict=True)):
        if is_missing(sent):
            continue  # of no moment
        try:
            if matrix.sender and not is_missing(account):
                sender[place] = state.features({"account_id": account, "as_of": sent}, matrix.sender)[0]
            if campaigns and isinstance(text, str):
                subjects = campaign_subjects([{"text": text, "sent_at": sent}])
                campaign[place] = campaigns.of_messages(state.features(subjects, campaigns.views))[0]
        except RejectedRecordError as error:
            why[place] = str(error).replace("as_of", "sent_at")
    return sender, campaign, why


def why_unscorable(text: Any) -> str | None:
    """Say what is wrong with a text, in words that hold none of it; None where nothing is.

    Parameters
    ----------
    text : object
        What came as the text.

    Returns
    -------
    str or None
    """
    if not isinstance(text, str):
        if text is None or (isinstance(text, float) and text != text):
            return "text: expected a string, the field is missing"
        return f"text: expected a string, got {type(text).__name__}"
    # Only characters that do not print can leave nothing after folding.
    seen = text if text.isprintable() else fold_text(text)
    return None if seen.strip() else "text: expected a message, got only blanks"
