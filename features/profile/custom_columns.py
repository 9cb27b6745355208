"""Custom columns of records: numbers, and categories that are encoded by tables of the model. They are the columns of a
user's table that are not declared for every table: a channel, a country, an age. Messages, accounts and events share
this module. Needs only NumPy.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any, Final, Protocol, Self

import numpy as np

from fraudsieve._typing import Array, Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.records import record_time
from fraudsieve.features.record_fields import FieldKind, RecordField
from fraudsieve.tables.values.moments import read_date, time_zone
from fraudsieve.tables.values.reading import is_blank, read_category, read_number, read_plain_text

from .dates import NEVER, DateColumn, columns_of_dates, compute_dates

UNSEEN, MISSING = -1.0, -2.0
"""Codes of an unseen category and of a missing one. Categories seen in training have codes from 0, by frequency."""
MAX_KEY_BYTES: Final = hashlib.blake2b.MAX_KEY_SIZE


class TextFeatures(Protocol):
    """The features of a text: a `MessageMatrix` of its column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""

    def compute(self, texts: Sequence[str]) -> Array:
        """Compute every column."""

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration in plain JSON types."""


MAX_TEXTS: Final = 4
"""Columns of texts: each has a text model of its own."""
NO_TEXTS: Final[Mapping[str, TextFeatures]] = {}


@dataclass(frozen=True)
class CustomColumns:
    """The custom columns of a record that are features."""

    numbers: tuple[str, ...] = ()
    # Columns that are categories, and the categories seen in training, the most frequent first.
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # The key of the digests that stand for the categories; empty if the categories are kept as they are.
    digest_key: str = ""
    dates: tuple[DateColumn, ...] = ()
    # Zone of hours and weekdays of dates, and of those in strings that have none.
    zone: str = "UTC"
    # Columns of texts, each with the features of a message.
    texts: Mapping[str, TextFeatures] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is any column."""
        return bool(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields of a record: numbers, categories, dates, then texts."""
        return (*self.numbers, *self.categories, *(date.name for date in self.dates), *self.texts)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the feature matrix, in the order of `names`; dates and texts have several."""
        values = (f"{'value' if name == 'amount' else 'profile'}__{name}" for name in (*self.numbers, *self.categories))
        return (*values, *(name for name, *_ in columns_of_dates(self.dates)), *self.text_columns)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Names of the columns of texts, which are the last ones."""
        return tuple(f"{column}_of_{name}" for name, text in self.texts.items() for column in text.columns)

    @property
    def fields(self) -> tuple[RecordField, ...]:
        """The fields of a record that are read; every record needs them, though their values may be missing."""
        kinds: dict[str, FieldKind] = dict.fromkeys(self.numbers, "number")
        kinds.update(dict.fromkeys(self.categories, "category"))
        kinds.update((date.name, "date") for date in self.dates)
        kinds.update(dict.fromkeys(self.texts, "text"))
        return tuple(RecordField(name, kind, required=True, trained=True) for name, kind in kinds.items())

    def compute(self, values: Mapping[str, Array], cutoffs: Array) -> Array:
        """Compute the columns of many records, with their times (`NEVER` if unknown)."""
        columns = np.empty((len(cutoffs), len(self.numbers) + len(self.categories)))
        for place, name in enumerate(self.numbers):
            columns[:, place] = values[name]
        for place, (name, seen) in enumerate(self.categories.items(), len(self.numbers)):
            columns[:, place] = category_codes(values[name], seen, self.digest_key)
        parts = [compute_dates(self.dates, values, cutoffs, self.zone)] if self.dates else []
        for name, text in self.texts.items():
            parts.append(np.full((len(cutoffs), len(text.columns)), np.nan))
            rows = np.flatnonzero(values[name] != None)  # noqa: E711 - compares every element
            if len(rows):
                parts[-1][rows] = text.compute(values[name][rows].tolist())
        return np.hstack([columns, *parts]) if parts else columns

    def unknown(self, n_records: int) -> Array:
        """Return the columns of records of which no value is known."""
        of_others = len(self.columns) - len(self.numbers) - len(self.categories)
        row = [np.nan] * len(self.numbers) + [MISSING] * len(self.categories) + [np.nan] * of_others
        return np.tile(np.array(row, np.float64), (n_records, 1))

    def check_fields(self, record: Record) -> None:
        """Raise RejectedRecordError if a record lacks a field, which is not the same as a missing value."""
        for name in self.names:
            if name not in record:
                raise RejectedRecordError(f"{name}: the field is missing; pass None if the value is unknown")

    def of_records(self, records: Sequence[Record], cutoffs: Array) -> tuple[Array, list[str | None]]:
        """Compute the columns of records given as dicts, with their times (`NEVER` if unknown)."""
        why: list[str | None] = []
        cells: list[list[Any]] = []
        for record in records:
            try:
                self.check_fields(record)
                cells.append(self._parse(record))
                why.append(None)
            except RejectedRecordError as error:
                none = [np.nan] * len(self.numbers), [None] * len(self.categories), [NEVER] * len(self.dates)
                cells.append([*chain(*none), *[None] * len(self.texts)])
                why.append(str(error))
        table = np.array(cells, object).reshape(len(records), len(self.names))
        columns = self.compute({name: table[:, place] for place, name in enumerate(self.names)}, cutoffs)
        columns[[reason is not None for reason in why]] = np.nan
        return columns, why

    def _parse(self, record: Record) -> list[Any]:
        """Return the checked values of a record, in the order of `names`."""
        numbers = [read_number(record.get(name), name, flags=True) for name in self.numbers]
        found = (record_time(record.get(date.name), date.name, self.zone, read_date) for date in self.dates)
        dates = (NEVER if date is None else date for date in found)
        texts = (text_or_none(record.get(name), name) for name in self.texts)
        return [*numbers, *(read_category(record.get(name), name) for name in self.categories), *dates, *texts]

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration in plain JSON types."""
        return {
            "numbers": list(self.numbers),
            "categories": {name: list(seen) for name, seen in self.categories.items()},
            "digest_key": self.digest_key,
            **({"dates": [asdict(date) for date in self.dates], "zone": self.zone} if self.dates else {}),
            **({"texts": {name: text.to_dict() for name, text in self.texts.items()}} if self.texts else {}),
        }

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any], texts: Mapping[str, TextFeatures] = NO_TEXTS) -> Self:
        """Read what `to_dict` returned, with the features of its texts."""
        key = declared["digest_key"]
        if len(bytes.fromhex(key)) > MAX_KEY_BYTES:
            raise ValueError("the key of the digests of categories is too long")
        categories = {str(name): tuple(map(str, seen)) for name, seen in declared["categories"].items()}
        dates = tuple(
            DateColumn(str(date.pop("name")), **{name: value is True for name, value in date.items()})
            for date in map(dict[str, Any], declared.get("dates", ()))
        )
        zone = time_zone(declared.get("zone", "UTC")).key
        return cls(tuple(map(str, declared["numbers"])), categories, key, dates, zone, texts)


NO_COLUMNS: Final = CustomColumns()
"""No custom columns."""


def digest_categories(categories: Iterable[str], key: str) -> list[str]:
    """Return keyed digests of categories (BLAKE2b, 64 bits); the categories themselves without a key."""
    if not key:
        return list(categories)
    secret = bytes.fromhex(key)
    return [hashlib.blake2b(value.encode(), key=secret, digest_size=8).hexdigest() for value in categories]


def text_or_none(value: Any, name: str) -> str | None:
    """Read a text of a record; a blank one is missing."""
    text = read_plain_text(value, name)
    return None if text is None or is_blank(text) else text


def category_codes(values: Array, seen: Sequence[str], key: str) -> Array:
    """Encode categories by their positions in `seen`, or as `MISSING` or `UNSEEN`."""
    of_seen = {category: float(code) for code, category in enumerate(seen)}
    distinct = [value for value in dict.fromkeys(values.tolist()) if value is not None]
    digests = digest_categories(distinct, key)
    codes = {value: of_seen.get(digest, UNSEEN) for value, digest in zip(distinct, digests, strict=True)}
    return np.array([MISSING if value is None else codes[value] for value in values.tolist()], np.float64)
