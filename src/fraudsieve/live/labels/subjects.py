"""Rows by their subject: those that are stored, and those that are about to be."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from fraudsieve.live.store.subjects import key_of_labels, key_of_record, subject_key

__all__ = ["Entry", "MemoryRows", "Subjects"]

Entry: TypeAlias = dict[str, Any]
Find: TypeAlias = Callable[[Iterable[int]], Iterable[Entry]]
"""Returns the log entries with any of some keys, in the order in which they were accepted."""


class Subjects:
    """The rows of the subjects of a group of calls, which are looked up at once.

    Parameters
    ----------
    find : callable
        Looks up stored rows.

    Examples
    --------
    >>> subjects = Subjects(lambda keys: [])
    >>> subjects.add([{"events": [7, {"event_id": "e1"}]}])
    >>> subjects.record("event", "e1"), subjects.labels("event", "e1")
    ({'events': [7, {'event_id': 'e1'}]}, [])
    """

    def __init__(self, find: Find) -> None:
        self._find, self._rows = find, defaultdict[int, list[Entry]](list)

    def load(self, entries: Iterable[Entry]) -> None:
        """Look up the records and the labels of the subjects of entries."""
        wanted = {key for entry in entries for key in _keys_of(entry)}
        self.add(self._find(sorted(wanted)) if wanted else ())

    def add(self, entries: Iterable[Entry]) -> None:
        """Add rows."""
        for entry in entries:
            key = subject_key(entry)
            if key is not None:
                self._rows[key].append(entry)

    def drop(self, entries: Iterable[Entry]) -> None:
        """Remove rows that were added last."""
        for entry in entries:
            key = subject_key(entry)
            if key is not None:
                self._rows[key].remove(entry)

    def record(self, kind: str, identifier: str) -> Entry | None:
        """Return the row of an event or a message; None if there is none."""
        rows = self._rows.get(key_of_record(kind, identifier), ())
        return next((row for row in rows if row[f"{kind}s"][1].get("event_id") == identifier), None)

    def labels(self, kind: str, identifier: str) -> list[Entry]:
        """Return the rows of the labels of a subject."""
        rows = self._rows.get(key_of_labels(kind, identifier), ())
        return [row for row in rows if row["label"][1]["subject_id"] == identifier]


def _keys_of(entry: Entry) -> list[int]:
    ((part, (_, fields)),) = entry.items()
    if part == "label":
        kind, identifier = fields["of"], fields["subject_id"]
    elif "event_id" in fields:
        kind, identifier = part[:-1], fields["event_id"]
    else:
        return []
    return [key_of_record(kind, identifier), key_of_labels(kind, identifier)]


class MemoryRows:
    """Rows by their subject, of a live state without a store.

    Parameters
    ----------
    length : int
        How long rows are kept, in microseconds before the newest event.
    """

    def __init__(self, length: int) -> None:
        self._length, self._rows = length, defaultdict[int, list[Entry]](list)
        self._arrived = deque[tuple[int, int]]()

    def find(self, keys: Iterable[int]) -> list[Entry]:
        """Return the rows with any of some keys."""
        return [row for key in keys for row in self._rows.get(key, ())]

    def add(self, entries: Iterable[Entry], newest: int) -> None:
        """Add rows, and drop old ones."""
        for entry in entries:
            key = subject_key(entry)
            if key is not None:
                ((time, _),) = entry.values()
                self._rows[key].append(entry)
                self._arrived.append((time, key))
        while self._arrived and self._arrived[0][0] < newest - self._length:
            _, key = self._arrived.popleft()
            del self._rows[key][0]
            if not self._rows[key]:
                del self._rows[key]
