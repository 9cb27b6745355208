"""The fields of a model's records: how values are checked, the names of their types, and which fields exist."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.history.records import parse_amount, parse_id, parse_time
from fraudsieve.features.profile.own_columns import profile_category, profile_number
from fraudsieve.features.record_fields import FieldKind

__all__ = ["FIELD_TYPES", "Check", "ModelFields", "model_fields"]

Check: TypeAlias = Callable[[Any, str], object]

FIELD_TYPES: Final[Mapping[FieldKind, str]] = {
    "text": "string",
    "id": "string",
    "time": "time",
    "number": "number or null",
    "amount": "number or null",
    "category": "string or null",
}
"""Name of the type of each kind of field, for users."""

_COMMON: Final = ("account_id", "label", "labelled_at", "as_of", "source")
_TABLES: Final = {
    "message": (*_COMMON, "message_id", "text", "recipient_id", "sent_at", "channel", "campaign"),
    "account": (*_COMMON, "created_at"),
    "event": (*_COMMON, "occurred_at", "kind", "event_id", "counterparty_id", "amount", "device_id", "ip", "card_id"),
}


def _check_text(value: Any, field: str) -> None:
    if not isinstance(value, str):
        raise RejectedRecordError(f"{field}: expected a string, got {type(value).__name__}")


_CHECKS: Final[Mapping[FieldKind, Check]] = {
    "text": _check_text,
    "id": parse_id,
    "time": parse_time,
    "number": profile_number,
    "amount": parse_amount,
    "category": profile_category,
}


@dataclass(frozen=True)
class ModelFields:
    """The fields of the records that a model scores.

    Parameters
    ----------
    key : str
        The field that every record must have: the text, or the account.
    checks : mapping of str to callable
        For each field that the model reads, the function that rejects a value of the wrong type.
    trained : tuple of str
        Fields that every record of the training data had.
    allowed : frozenset of str
        All fields that a record may have.
    """

    key: str
    checks: Mapping[str, Check]
    trained: tuple[str, ...]
    allowed: frozenset[str]


def model_fields(matrix: FeatureMatrix) -> ModelFields:
    """Return the fields of the records that a model scores.

    Examples
    --------
    >>> from fraudsieve.features.account_matrix import AccountMatrix
    >>> from fraudsieve.features.profile.own_columns import OwnColumns
    >>> model_fields(AccountMatrix("account", (), own=OwnColumns(("age",)))).trained
    ('account_id', 'as_of', 'age')
    """
    fields = matrix.fields
    checks = {field.name: _CHECKS[field.kind] for field in fields}
    trained = tuple(field.name for field in fields if field.trained)
    return ModelFields(fields[0].name, checks, trained, frozenset((*_TABLES[matrix.subject], *checks)))
