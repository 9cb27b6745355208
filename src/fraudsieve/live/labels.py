"""Labels of a live state: how they are read, what a state counts of them, and how they find their records.

They are read by the rules of `fraudsieve.features.label_trust`, which are those of tables, without pandas. Every label
counts from its own time until the next one, which the state sees by the id of their subject. So what a state counts
depends only on the labels, not on the order in which labels and their event arrive. A label that comes late may retract
entries of others.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.records import required_time
from fraudsieve.live.store.facts import key_of_labels, key_of_record, subject_key
from fraudsieve.models.artifact.folder import Model
from fraudsieve.tables.values.label_words import class_of_label
from fraudsieve.tables.values.reading import SHARES, read_category, read_id, read_number

Entry: TypeAlias = dict[str, Any]
Find: TypeAlias = Callable[[Iterable[int], int], Iterable[Entry]]
"""Returns the log entries with any of some keys after an offset, in the order in which they were accepted."""
LabelKey: TypeAlias = tuple[int, str, str | None]
"""What labels of a subject differ in: time, label and source."""

MIN_KEPT = 64
"""Labels of a subject that is kept for later calls; fewer are read again."""
MAX_KEPT = 100_000
"""Labels that are kept, about 30 MB; beyond that, only those of the subject that was used last."""
_time_of = attrgetter("time")
RETRACTED = "retracted"
"""The part of a log entry that takes back the entry in it."""
NOT_ENTITIES = {"event_id", "kind", "campaign"}
LABEL = "label"
"""The part of the log entry of a label as it was sent; what a state counts of it are other entries."""


class Verdict(NamedTuple):
    """What a label says, by the rules of a model. Verdicts are compared in the order of their fields."""

    time: int
    weight: float
    is_fraud: bool
    name: str


class LabelRules:
    """How a model reads labels: as classes, with a weight for each source."""

    def __init__(self, model: Model) -> None:
        self.subject = model.subject
        self._classes, self._legitimate = model.classes, model.legitimate
        self._read_as = model.training.get("label_classes") or {}
        data = (model.training.get("recipe") or {}).get("data") or {}
        self._trust, self._default = data.get("trust") or {}, data.get("default_trust")

    def verdict(self, entry: Record) -> Verdict | None:
        """Return the verdict of a label from its log entry; None for a label that does not count."""
        time, fields = entry[LABEL]
        name, weight = self.class_of(fields["label"]), self._weight(fields.get("source"))
        return None if name is None or not weight else Verdict(time, weight, name != self._legitimate, name)

    def class_of(self, label: str) -> str | None:
        """Return the class of a label; None for a word that means that there is no label."""
        return class_of_label(label, self._read_as, self._classes, self._legitimate)

    def _weight(self, source: str | None) -> float:
        if not self._trust and self._default is None:
            return 1.0
        weight = self._trust.get(source, self._default) if source is not None else self._default
        if weight is None:
            raise RejectedRecordError("source: expected one with a weight in the model's data.trust, got another")
        return float(weight)


def label_to_entry(record: Record, rules: LabelRules, zone: str = "UTC") -> dict[str, Any]:
    """Return the log entry of a label, in plain JSON; a time without a zone is in that of the model."""
    time = required_time(record.get("labelled_at"), "labelled_at", zone)
    subject = read_id(record.get("subject_id"), "subject_id")
    label = read_category(record.get("label"), "label")
    if subject is None or label is None:
        field, expected = ("subject_id", f"the id of the {rules.subject}") if subject is None else ("label", "a label")
        raise RejectedRecordError(f"{field}: expected {expected}, the field is missing")
    if rules.class_of(label) is None:
        raise RejectedRecordError("label: expected a class, got a word for a missing label")
    fields: dict[str, Any] = {"of": rules.subject, "subject_id": subject, "label": label}
    source = read_category(record.get("source"), "source")
    fields |= {} if source is None else {"source": source}
    entry = {LABEL: [time, fields | _shares(record)]}
    rules.verdict(entry)
    return entry


def _shares(record: Record) -> dict[str, float]:
    numbers = {name: read_number(record.get(name), name) for name in SHARES}
    for name, share in SHARES.items():
        if share.excludes(np.array(numbers[name])):
            raise RejectedRecordError(f"{name}: {share.reason}")
    return {name: number for name, number in numbers.items() if number == number}


def effects_of(
    verdicts: Sequence[Verdict], subject: str, record: Entry | None, rules: LabelRules, is_entity: Callable[[str], bool]
) -> list[Entry]:
    """Return the entries that a state counts for verdicts of one subject that follow each other.

    They are none for an event or a message that is unknown. The record is None for an account. An event gives the ids
    that views count by, which `is_entity` chooses among its fields.
    """
    if rules.subject.is_account:
        return [
            _entry("account_labels", one.time, account_id=subject, subject_id=subject, is_fraud=one.is_fraud)
            for one in verdicts
        ]
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


class SubjectLabels:
    """The labels of a subject, to which one is added in logarithmic time."""

    def __init__(self, rules: LabelRules, keys: Iterable[LabelKey] = ()) -> None:
        self.rules, self.until, self.keys, self.is_stale = rules, 0, set[LabelKey](), False
        self.verdicts, self._counting = list[Verdict](), list[Verdict]()
        for key in keys:
            self.add(key)

    def add(self, key: LabelKey) -> tuple[list[Verdict], list[Verdict]] | None:
        """Add a label; return the verdicts that it may change before and after it, or None if it was there."""
        if key in self.keys:
            return None
        time, label, source = key
        verdict = self.rules.verdict({LABEL: [time, {"label": label, "source": source}]})
        self.keys.add(key)
        return ([], []) if verdict is None else self._add_verdict(verdict)

    def _add_verdict(self, verdict: Verdict) -> tuple[list[Verdict], list[Verdict]]:
        # A verdict counts if no earlier one has a larger weight. Repetitions are kept: another one may come in between.
        #
        #   counting    5 fraud   7 fraud              9 cleared      verdicts    5 fraud   9 cleared
        #   8 cleared   5 fraud   7 fraud   8 cleared  9 cleared                  5 fraud   8 cleared
        counting, verdicts = self._counting, self.verdicts
        start = stop = bisect_left(counting, verdict.time, key=_time_of)
        is_tie = stop < len(counting) and counting[stop].time == verdict.time
        if (start and counting[start - 1].weight > verdict.weight) or (is_tie and counting[stop] >= verdict):
            return [], []
        stop += is_tie
        while stop < len(counting) and counting[stop].weight < verdict.weight:
            stop += 1
        following = counting[stop : stop + 1]
        names = counting[start - 1].name if start else None, verdict.name
        new = [one for one, earlier in zip([verdict, *following], names, strict=False) if one.name != earlier]
        first = bisect_left(verdicts, verdict.time, key=_time_of)
        last = bisect_right(verdicts, following[0].time, key=_time_of) if following else len(verdicts)
        # With the neighbours, since a verdict holds until the next one.
        left, old, right = verdicts[max(first - 1, 0) : first], verdicts[first:last], verdicts[last : last + 1]
        counting[start:stop], verdicts[first:last] = [verdict], new
        return [*left, *old, *right], [*left, *new, *right]


class Subjects:
    """The rows of the subjects of a group of calls, which are looked up at once; subjects with many labels are kept."""

    def __init__(self) -> None:
        self.version: object = None
        self._labels = dict[tuple[str, str], SubjectLabels]()
        self._rows = defaultdict[int, list[Entry]](list)

    def begin(self, find: Find, offset: int, version: object = None) -> None:
        """Forget the rows of the group before; `find` looks up stored rows, of which the newest has an offset."""
        self._find, self._offset = find, offset
        self._rows.clear()
        kept = [one for one in self._labels.items() if len(one[1].keys) >= MIN_KEPT] if version == self.version else []
        is_full = sum(len(labels.keys) for _, labels in kept) > MAX_KEPT
        self._labels, self.version = dict(kept[-1:] if is_full else kept), version

    def load(self, entries: Iterable[Entry]) -> None:
        """Look up the records and the labels of the subjects of entries."""
        wanted = defaultdict[int, set[int]](set)
        for kind, identifier in filter(None, map(_subject_of, entries)):
            kept = self._labels.get((kind, identifier))
            wanted[0].add(key_of_record(kind, identifier))
            wanted[0 if kept is None else kept.until].add(key_of_labels(kind, identifier))
        for after, keys in wanted.items():
            for entry in self._find(sorted(keys), after):
                self.add(entry)

    def add(self, entry: Entry) -> None:
        """Add a row."""
        key = subject_key(entry)
        if key is not None:
            self._rows[key].append(entry)

    def drop(self, entries: Iterable[Entry]) -> None:
        """Remove rows that were added last, the newest first, and their labels."""
        for entry in entries:
            key = subject_key(entry)
            if key is not None:
                self._rows[key].pop()
            if LABEL in entry:
                labels = self._labels[entry[LABEL][1]["of"], entry[LABEL][1]["subject_id"]]
                labels.keys.remove(label_key(entry))
                labels.is_stale = True

    def record(self, kind: str, identifier: str) -> Entry | None:
        """Return the row of an event or a message; None if there is none."""
        rows = self._rows.get(key_of_record(kind, identifier), ())
        return next((row for row in rows if row[f"{kind}s"][1].get("event_id") == identifier), None)

    def labels(self, kind: str, identifier: str, rules: LabelRules) -> SubjectLabels:
        """Return the labels of a subject, read by some rules."""
        labels = self._labels.get((kind, identifier))
        if labels is None or labels.is_stale or vars(labels.rules) != vars(rules):
            labels = SubjectLabels(rules, () if labels is None else labels.keys)
        if labels.until < self._offset:
            for row in self._rows.get(key_of_labels(kind, identifier), ()):
                if row[LABEL][1]["subject_id"] == identifier:
                    labels.add(label_key(row))
            labels.until = self._offset
        self._labels.pop((kind, identifier), None)
        self._labels[kind, identifier] = labels  # at the end, since it is used last
        return labels


def label_key(entry: Entry) -> LabelKey:
    """Return what the label of a log entry differs in from others of its subject."""
    time, fields = entry[LABEL]
    return time, fields["label"], fields.get("source")


def _subject_of(entry: Entry) -> tuple[str, str] | None:
    ((part, (_, fields)),) = entry.items()
    if part == LABEL:
        return fields["of"], fields["subject_id"]
    return (part[:-1], fields["event_id"]) if "event_id" in fields else None


class MemoryRows:
    """Rows by their subject, of a live state without a store."""

    def __init__(self, length: int) -> None:
        self._length, self._rows = length, defaultdict[int, list[tuple[int, Entry]]](list)
        self._arrived = deque[tuple[int, int]]()
        self._offset = 0

    def find(self, keys: Iterable[int], after: int) -> list[Entry]:
        """Return the rows with any of some keys after an offset."""
        rows = (self._rows.get(key, []) for key in keys)
        return [row for found in rows for _, row in found[bisect_right(found, after, key=itemgetter(0)) :]]

    def add(self, entries: Iterable[Entry], newest: int) -> None:
        """Add rows, and drop old ones."""
        for entry in entries:
            self._offset += 1
            key = subject_key(entry)
            if key is not None:
                ((time, _),) = entry.values()
                self._rows[key].append((self._offset, entry))
                self._arrived.append((time, key))
        while self._arrived and self._arrived[0][0] < newest - self._length:
            _, key = self._arrived.popleft()
            del self._rows[key][0]
            if not self._rows[key]:
                del self._rows[key]
