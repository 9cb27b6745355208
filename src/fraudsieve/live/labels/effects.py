"""Effects of labels: what a live state counts of the labels of a subject, as log entries.

They depend only on the labels, not on the order in which labels and their event arrive. If another label of the subject
counts from now on, the entry of the earlier one is retracted.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .rules import LABEL, LabelRules, Verdict
from .subjects import Entry

__all__ = ["RETRACTED", "changes", "effects_of", "is_effect"]

RETRACTED = "retracted"
"""The part of a log entry that takes back the entry in it."""
NOT_ENTITIES = {"event_id", "kind", "campaign"}


def effects_of(
    verdicts: Sequence[Verdict], subject: str, record: Entry | None, rules: LabelRules, is_entity: Callable[[str], bool]
) -> list[Entry]:
    """Return the entries that a state counts for the verdicts of one subject, each of which holds until the next one.

    They are none for an event or a message that is unknown; the latest verdict of another one; and all verdicts of an
    account. The record is None for an account. An event gives the ids that views count by, which `is_entity` chooses
    among its fields.
    """
    if rules.subject == "account":
        ids = {"account_id": subject, "subject_id": subject}
        return [_entry("account_labels", one.time, **ids, is_fraud=one.is_fraud) for one in verdicts]
    if not verdicts or record is None:
        return []
    ((part, (time, fields)),) = record.items()
    since = max(verdicts[-1].time, time)  # no label counts before its record
    if part == "messages":
        bands = fields.get("campaign")
        return [_entry(part, since, labelled=bands, kind=verdicts[-1].name, subject_id=subject)] if bands else []
    ids = {name: value for name, value in fields.items() if is_entity(name) and name not in NOT_ENTITIES}
    return [_entry("labels", since, **ids, subject_id=subject, is_fraud=verdicts[-1].is_fraud)]


def changes(before: Sequence[Entry], after: Sequence[Entry]) -> list[Entry]:
    """Return the entries that turn some effects into others.

    Examples
    --------
    >>> changes([{"labels": [7, {}]}], [{"labels": [8, {}]}])
    [{'retracted': [7, {'labels': {}}]}, {'labels': [8, {}]}]
    """
    gone = [entry for entry in before if entry not in after]
    retracted = [{RETRACTED: [time, {part: fields}]} for entry in gone for part, (time, fields) in entry.items()]
    return [*retracted, *(entry for entry in after if entry not in before)]


def is_effect(entry: Entry) -> bool:
    """Return whether a log entry is what a state counts of labels; the entry that caused it is before it.

    Examples
    --------
    >>> is_effect({"labels": [7, {"account_id": "ann", "is_fraud": True}]}), is_effect({"label": [7, {}]})
    (True, False)
    """
    ((part, (_, fields)),) = entry.items()
    return part not in ("events", LABEL) and "campaign" not in fields


def _entry(part: str, time: int, **fields: Any) -> Entry:
    return {part: [time, fields]}
