"""Application of a policy to fields of a record that are missing, unknown or of the wrong type."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from fraudsieve._typing import Record
from fraudsieve.exceptions import RecordError, RejectedRecordError
from fraudsieve.models.policy import Policy
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.tables.values.reading import is_missing

from .fields import Check, ModelFields

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
