"""Effects of labels: what a live state counts of the labels of a subject, as log entries.

Every label counts from its own time until the next one, which the state sees by the id of their subject. So effects
depend only on the labels, not on the order in which labels and their event arrive. A label that comes late may retract
entries of others.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from .rules import LABEL, LabelRules, Verdict
from .subjects import Entry

RETRACTED = "retracted"
"""The part of a log entry that takes back the entry in it."""
NOT_ENTITIES = {"event_id", "kind", "campaign"}


def effects_of(
    verdicts: Sequence[Verdict], subject: str, record: Entry | None, rules: LabelRules, is_entity: Callable[[str], bool]
) -> list[Entry]:
    """Return the entries that a state counts for verdicts of one subject that follow each other.

    They are none for an event or a message that is unknown. The record is None for an account. An event gives the ids
    that views count by, which `is_entity` chooses among its fields.
    """
    if rules.subject == "account":
        ids = {"account_id": subject, "subject_id": subject}
        return [_entry("account_labels", one.time, **ids, is_fraud=one.is_fraud) for one in verdicts]
    if record is None:
        return []
    ((part, (time, fields)),) = record.items()
    held = {max(one.time, time): one for one in verdicts}.items()  # of several until the record, the last one counts
    if part == "messages":
        bands = fields.get("campaign")
        return [_entry(part, at, labelled=bands, kind=one.name, subject_id=subject) for at, one in held if bands]
    ids = {name: value for name, value in fields.items() if is_entity(name) and name not in NOT_ENTITIES}
    return [_entry("labels", at, **ids, subject_id=subject, is_fraud=one.is_fraud) for at, one in held]


def changes(before: Sequence[Entry], after: Sequence[Entry]) -> list[Entry]:
    """Return the entries that turn some effects into others."""
    if not before:  # also of thousands of labels that waited for their record
        return [*after]
    gone, new = [one for one in before if one not in after], [one for one in after if one not in before]
    # The label that takes back a new fraud label is counted again: the state may have dropped it, since it is too old.
    frauds = [one for one in new if one.get("labels", (0, {}))[1].get("is_fraud")]
    again = [later for fraud, later in pairwise(after) if fraud in frauds and later not in new]
    parts = (part for entry in (*gone, *again) for part in entry.items())
    return [*({RETRACTED: [time, {part: fields}]} for part, (time, fields) in parts), *new, *again]


def is_effect(entry: Entry) -> bool:
    """Return whether a log entry is what a state counts of labels; the entry that caused it is before it."""
    ((part, (_, fields)),) = entry.items()
    return part not in ("events", LABEL) and "campaign" not in fields


def _entry(part: str, time: int, **fields: Any) -> Entry:
    return {part: [time, fields]}
