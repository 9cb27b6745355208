"""Rows by their subject: those that are stored, and those that are about to be."""

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

from fraudsieve.live.store.subjects import key_of_labels, key_of_record, subject_key

from .rules import LABEL, LabelRules, Verdict

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
