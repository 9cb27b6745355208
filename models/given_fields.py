"""Records as the tables of a training have them: with their names of columns, and times that count from a start.

A model remembers both. So a file, a request and a record of a live state may have them, or the names of fraudsieve.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.tables.schema import LABELS, TABLES, names_of_table, roles_of
from fraudsieve.tables.values.moments import EPOCH, counted_from, read_time
from fraudsieve.tables.values.reading import NUMBERS, Reading, is_numeric

T = TypeVar("T")
FIELDS: Final = {f"{subject}s": subject.fields for subject in Subject} | {
    "labels": frozenset(column.name for column in LABELS.columns)
}
"""By table."""
TIMES: Final = frozenset(("sent_at", "as_of", "occurred_at", "created_at", "labelled_at"))


@dataclass(frozen=True)
class GivenFields:
    """How the records of a table are given."""

    # The fields that a column with another name holds, by that name.
    names: Mapping[str, tuple[str, ...]]
    # What a number counts that is a time: microseconds of the unit, and its start since 1970. None: it is an epoch.
    counted: tuple[int, int] | None = None

    def __bool__(self) -> bool:
        """Return whether records may differ from those that fraudsieve reads."""
        return bool(self.names) or self.counted is not None

    def rename(self, record: Mapping[str, T]) -> Mapping[str, T]:
        """Return a record, or columns, in which fields that came under other names have ours."""
        given = self.names.keys() & record.keys()
        if not given:
            return record
        ours = {name: value for name, value in record.items() if name not in given}
        for other in given:
            for name in self.names[other]:
                if name in ours:
                    raise RejectedRecordError(f"{name}: expected the field once, got it under two names")
                ours[name] = record[other]
        return ours

    def rename_or_keep(self, record: Any) -> Any:
        """Return a record with our names; anything else, and a record with a field twice, as it is."""
        try:
            return self.rename(record) if isinstance(record, Mapping) else record
        except RejectedRecordError:
            return record

    def read(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record with our names, and with times where it has numbers that count from a start."""
        record = self.rename(record)
        times = () if self.counted is None else TIMES & record.keys()
        return {**record, **{name: self._time_of(record[name]) for name in times}} if times else record

    def _time_of(self, value: Any) -> Any:
        """Return the time of a number that counts; what is none stays as it is, for the reader to reject."""
        is_text = isinstance(value, str) and NUMBERS["."].fullmatch(value.strip()) is not None
        if not (is_text or is_numeric(value)):
            return value
        try:
            time = read_time(value, "", Reading(counted=self.counted))
        except RejectedRecordError:
            return value
        return value if time is None else (EPOCH + timedelta(microseconds=time)).isoformat()


def given_fields(training: Mapping[str, Any]) -> dict[str, GivenFields]:
    """Return how the records of each table were given in a training.

    A name that fraudsieve uses for another field keeps its meaning.
    """
    data: Mapping[str, Any] = (training.get("recipe") or {}).get("data") or {}
    counted = counted_from(data.get("time_unit"), data.get("time_start"), data.get("time_zone"))
    given = dict[str, GivenFields]()
    # A record may be as in any of several tables of events.
    tables = [names_of_table(data.get("columns") or {}, {}, stem) for stem in data.get("kinds") or [""]]
    for table, fields in FIELDS.items():
        roles = {theirs: ours for columns in tables for theirs, ours in roles_of(columns, TABLES[table]).items()}
        kept = fields.union(*roles.values())
        names = {column: tuple(names) for column, names in roles.items() if names and column not in kept}
        given[table] = GivenFields(names, counted)
    return given
