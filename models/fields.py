"""The fields of a model's records: what each kind accepts, which exist, and the policy for those that are unusual."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias, cast, get_args, runtime_checkable

import numpy as np

from fraudsieve._typing import Record
from fraudsieve.exceptions import RecordError, RejectedRecordError
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.record_fields import FieldKind
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.tables.values.moments import read_date, read_time
from fraudsieve.tables.values.reading import is_missing, read_category, read_id, read_number, read_plain_text

Missing: TypeAlias = Literal["unscorable", "missing", "error"]
WrongType: TypeAlias = Literal["unscorable", "missing", "error"]
Unknown: TypeAlias = Literal["ignore", "error"]
Unlike: TypeAlias = Literal["score", "flag", "unscorable"]


@dataclass(frozen=True)
class Policy:
    """Policy of a scorer for unusual fields and unusual records.

    Parameters
    ----------
    missing : {"unscorable", "missing", "error"}, default="unscorable"
        A record lacks a field that the model was trained on. It is unscorable; or, if it has a text, or an account
        and a cutoff time, it is scored as if the value were unknown; or `RecordError` is raised.
    wrong_type : {"unscorable", "missing", "error"}, default="unscorable"
        A value has another type than the field. The choices are the same.
    unknown : {"ignore", "error"}, default="ignore"
        A record has a field that the model does not use and the table of its subject does not have.
    unlike_training : {"score", "flag", "unscorable"}, default="score"
        The ``unlike_training`` of a record reaches the limit. It is scored like any other; or its decision is ``flag``
        whatever its probability, so that it is reviewed; or it is unscorable.
    unlike_training_limit : float, default=0.999
        The limit, above 0 and at most 1.

    Raises
    ------
    ValueError
        If a value is not one of these, or the limit is not such a number.

    Examples
    --------
    >>> Policy(unknown="error").missing
    'unscorable'
    """

    missing: Missing = "unscorable"
    wrong_type: WrongType = "unscorable"
    unknown: Unknown = "ignore"
    unlike_training: Unlike = "score"
    unlike_training_limit: float = 0.999

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                expected = ", ".join(get_args(kind))
                raise ValueError(f"policy: {name}: expected one of {expected}, got {getattr(self, name)!r}.")
        limit = self.unlike_training_limit
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit <= 1:
            raise ValueError(f"policy: unlike_training_limit: expected a number above 0 and at most 1, got {limit!r}.")

    @property
    def changes_fields(self) -> bool:
        """Whether fields of records are checked before they are scored."""
        return (self.missing, self.wrong_type, self.unknown) != ("unscorable", "unscorable", "ignore")


_CHOICES = {"missing": Missing, "wrong_type": WrongType, "unknown": Unknown, "unlike_training": Unlike}


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


IN_A_DICT = ' Put a text in a dict: {"text": ...}.'

Columns: TypeAlias = Mapping[str, Sequence[Any]]


@runtime_checkable
class Batch(Protocol):
    """A table or a record batch of PyArrow, or an object with the same interface."""

    def to_pydict(self) -> dict[str, list[Any]]:
        """Return the columns."""


def columns_of(batch: Columns | Batch | Any) -> Columns:
    """Return the columns of a batch."""
    if isinstance(batch, Mapping):
        return batch
    names = getattr(batch, "column_names", None)
    if names is None and _has_arrow_interface(batch):
        names = getattr(batch, "columns", None)
    if names is None:
        kind = type(batch).__name__
        raise TypeError(f"Expected columns: a dict of sequences, or an Arrow table or batch, got {kind}.")
    names = [str(name) for name in names]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected one column per name, got {len(names)} columns with {len(set(names))} names.")
    if isinstance(batch, Batch):
        return batch.to_pydict()
    return {name: _cells(batch[name]) for name in names}


def _has_arrow_interface(batch: object) -> bool:
    return hasattr(batch, "__arrow_c_stream__") or hasattr(batch, "__arrow_c_array__")


def _cells(column: Any) -> Sequence[Any]:
    to_list = getattr(column, "to_pylist", None) or getattr(column, "to_list", None)
    if to_list is None:
        raise TypeError(f"Expected columns with to_pylist or to_list, got {type(column).__name__}. Make a table of it.")
    return cast(Sequence[Any], to_list())


def _to_list(column: Any, name: str, n: int | None) -> list[Any]:
    """Return the cells of a column, which must be a sequence of length n."""
    if isinstance(column, str | bytes | Mapping) or not isinstance(column, Iterable):
        raise TypeError(f"Expected a sequence as column {name!r}, got one {type(column).__name__}. Put it in a list.")
    try:
        cells = column.tolist() if isinstance(column, np.ndarray) and column.dtype.kind not in "M" else list(column)
    except TypeError:  # a zero-dimensional array
        raise TypeError(f"Expected a sequence as column {name!r}, got one {type(column).__name__}.") from None
    if not isinstance(cells, list):
        raise TypeError(f"Expected a sequence as column {name!r}, got one {type(column).__name__}.")
    if n is not None and len(cells) != n:
        raise ValueError(f"Expected {n} cells in column {name!r}, as in the others, got {len(cells)}.")
    return cells


def lists_of(columns: Columns, names: Iterable[str]) -> dict[str, list[Any]]:
    """Return the named columns that exist, as lists of equal length."""
    n: int | None = None
    lists: dict[str, list[Any]] = {}
    for name in names:
        if name in columns:
            lists[name] = _to_list(columns[name], name, n)
            n = len(lists[name])
    return lists


def records_of(columns: Columns, names: Sequence[str]) -> list[dict[str, Any]]:
    """Convert columns to records with the named fields that exist."""
    lists = lists_of(columns, names)
    if len(lists) == 1:  # messages without a history
        ((name, cells),) = lists.items()
        return [{name: value} for value in cells]
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def check_records(records: object) -> None:
    """Raise TypeError unless these are a list or a tuple of records."""
    if not isinstance(records, list | tuple):
        hint = " For a table, call score_columns." if hasattr(records, "columns") else ""
        hint = IN_A_DICT if isinstance(records, str) else hint
        raise TypeError(f"Expected a dict or a list of dicts, got {type(records).__name__}.{hint}")
    wrong = next((i for i, record in enumerate(records) if not isinstance(record, Mapping)), None)
    if wrong is not None:
        hint = IN_A_DICT if isinstance(records[wrong], str) else ""
        raise TypeError(f"Expected a dict as record, got {type(records[wrong]).__name__} at position {wrong}.{hint}")


KEYS: Final = ("text", "account_id", "as_of", "occurred_at")
"""Fields without which there is no record to score: None is not an unknown value of them."""


def check_unknown(
    names: Iterable[Any], origin: str, policy: Policy, fields: ModelFields, rules: RuleSet | None = None
) -> None:
    """Raise RecordError for unknown fields if the policy requires it; the error does not contain their names.

    Fields that rules read are known.
    """
    if policy.unknown != "error":
        return
    allowed = fields.allowed if rules is None else fields.allowed | rules.fields
    n = sum(name not in allowed for name in names)
    if n:
        problem = f"{n} fields are unknown; the model uses {', '.join(sorted(fields.checks))}"
        raise RecordError(origin, problem, "Remove them, or set the policy for unknown to ignore.")


def apply_policy(record: Record, position: int, policy: Policy, fields: ModelFields) -> Record:
    """Return a record in which every value that the policy treats as missing is None."""
    values = dict(record)
    for name in fields.trained:
        _apply_to_missing(values, name, position, policy)
    for name, check in fields.checks.items():
        if not is_missing(values.get(name)):
            _apply_to_wrong_type(values, name, check, position, policy)
    return values


def check_body(records: Sequence[Any], policy: Policy, fields: ModelFields, rules: RuleSet | None = None) -> None:
    """Check the records of a request as a whole."""
    objects = [(position, record) for position, record in enumerate(records) if isinstance(record, dict)]
    if objects and policy.missing != "missing" and not any(fields.key in record for _, record in objects):
        problem = f"{fields.key}: expected a value, no record has the field"
        raise RecordError("body", problem, "Provide it; the fields of the model are at /v1/model.")
    if "error" in (policy.missing, policy.wrong_type, policy.unknown):
        for position, record in objects:
            check_unknown(record, f"record {position}", policy, fields, rules)
            apply_policy(record, position, policy, fields)


def _apply_to_missing(values: dict[str, Any], name: str, position: int, policy: Policy) -> None:
    if name == "occurred_at" and not is_missing(values.get("as_of")):
        return
    if name in values and not (name in KEYS and is_missing(values[name])):
        return
    if policy.missing == "error":
        problem = f"{name}: expected a value, the field is missing"
        raise RecordError(f"record {position}", problem, "Provide it, or set the policy for missing to missing.")
    if policy.missing == "missing":
        values[name] = None


def _apply_to_wrong_type(values: dict[str, Any], name: str, check: Check, position: int, policy: Policy) -> None:
    try:
        check(values[name], name)
    except RejectedRecordError as error:
        if policy.wrong_type == "error":
            fix = "Provide a value of the type, or set the policy for wrong_type to missing."
            raise RecordError(f"record {position}", str(error), fix) from None
        if policy.wrong_type == "missing":
            values[name] = None
