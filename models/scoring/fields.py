"""The fields of a model's records: what each kind of field accepts, and which fields exist."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.record_fields import FieldKind
from fraudsieve.tables.values.moments import read_date, read_time
from fraudsieve.tables.values.reading import read_category, read_id, read_number, read_plain_text

Check: TypeAlias = Callable[[Any, str], object]

SAMPLE_TIME: Final = datetime(2026, 1, 2, tzinfo=UTC)
SAMPLE_TEXT: Final = (
    "Y\u03bfur p\u00e1rcel N0. 4532015112830366 is h\u200beld: pay $50 at http://xn--paypa1-login.example/a?b=1, call "
    "+44 20 7946 0958 \U0001f600 \u514d\u8d39\u9886\u5956\uff0c\u52a0\u5fae\u4fe1abc123\uff0c\u70b9\u51fb t.cn/x1"
)
"""Digits, a link, a number, look-alikes, hidden characters, Chinese: they exercise every step."""


class FieldType(NamedTuple):
    """The values that fields of a kind accept."""

    name: str
    # Rejects a value of the wrong type.
    check: Check
    # Three values that it accepts, for the sample records that a model must score before it is used.
    samples: tuple[Any, Any, Any]


FIELD_TYPES: Final[Mapping[FieldKind, FieldType]] = {
    "text": FieldType("string", read_plain_text, (SAMPLE_TEXT, "see you at six", SAMPLE_TEXT + " again")),
    "id": FieldType("string", read_id, ("a", "a", "a")),
    "time": FieldType("time", read_time, (SAMPLE_TIME, SAMPLE_TIME, SAMPLE_TIME)),
    "date": FieldType("time", read_date, (SAMPLE_TIME, SAMPLE_TIME, SAMPLE_TIME)),
    # Whole numbers, because a column may be a number and an id.
    "number": FieldType("number or null", partial(read_number, flags=True), (1, 1, 1)),
    "amount": FieldType("number or null", read_number, (5, 5, 5)),
    "category": FieldType("string or null", read_category, ("a", "a", "a")),
}
"""The values that each kind of field accepts. Sample records are made of them, so that no kind can be forgotten."""


@dataclass(frozen=True)
class ModelFields:
    """The fields of the records that a model scores."""

    # The field that every record must have: the text, or the account.
    key: str
    # For each field that the model reads, the function that rejects a value of the wrong type.
    checks: Mapping[str, Check]
    # Fields that every record of the training data had.
    trained: tuple[str, ...]
    # All fields that a record may have.
    allowed: frozenset[str]


def model_fields(matrix: FeatureMatrix) -> ModelFields:
    """Return the fields of the records that a model scores."""
    fields = matrix.fields
    checks = {field.name: FIELD_TYPES[field.kind].check for field in fields}
    trained = tuple(field.name for field in fields if field.trained)
    return ModelFields(fields[0].name, checks, trained, matrix.subject.fields | checks.keys())
