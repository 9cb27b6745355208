"""What a scorer does with a field that is missing, unknown or of the wrong type."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from fraudsieve.exceptions import RecordError, RejectedRecordError
from fraudsieve.features.account_matrix import profile_number
from fraudsieve.features.history.records import is_missing, parse_amount, parse_id, parse_time
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.models.scoring.inputs import Matrix

__all__ = ["Fields", "Missing", "Policy", "Unknown", "WrongType", "apply_policy", "check_unknown", "fields_of"]

Record = Mapping[str, Any]
Missing: TypeAlias = Literal["unscorable", "missing", "error"]
WrongType: TypeAlias = Literal["unscorable", "missing", "error"]
Unknown: TypeAlias = Literal["ignore", "error"]
Check: TypeAlias = Callable[[Any, str], object]


@dataclass(frozen=True)
class Policy:
    """What is done with a field that is missing, unknown or of the wrong type.

    Parameters
    ----------
    missing : {"unscorable", "missing", "error"}, default="unscorable"
        A record lacks a field that the model was trained on. It is not scored; or it is scored as one whose value is
        not known, where it has a text, or an account and a moment; or `RecordError` is raised.
    wrong_type : {"unscorable", "missing", "error"}, default="unscorable"
        A value is of another type than the field has. As above.
    unknown : {"ignore", "error"}, default="ignore"
        A record has a field that neither the model nor the table of its subject knows.

    Raises
    ------
    ValueError
        When it is none of these.

    Examples
    --------
    >>> Policy(unknown="error").missing
    'unscorable'
    """

    missing: Missing = "unscorable"
    wrong_type: WrongType = "unscorable"
    unknown: Unknown = "ignore"

    def __post_init__(self) -> None:
        for name, kind in (("missing", Missing), ("wrong_type", WrongType), ("unknown", Unknown)):
            if getattr(self, name) not in get_args(kind):
                expected = ", ".join(get_args(kind))
                raise ValueError(f"policy: {name}: expected one of {expected}, got {getattr(self, name)!r}.")

    @property
    def is_default(self) -> bool:
        """Whether records can be taken as they come."""
        return self == _DEFAULT


_DEFAULT = Policy()


@dataclass(frozen=True)
class Fields:
    """The fields of a record.

    Parameters
    ----------
    checks : mapping of str to callable
        Of those that the model looks at, what refuses a value of the wrong type.
    needed : tuple of str
        Those that training had in every record.
    known : frozenset of str
        All that a record may have.
    """

    checks: Mapping[str, Check]
    needed: tuple[str, ...]
    known: frozenset[str]


COMMON: Final = ("account_id", "label", "labelled_at", "as_of", "source")
TABLES: Final = {
    "message": (*COMMON, "message_id", "text", "recipient_id", "sent_at", "channel", "campaign"),
    "account": (*COMMON, "created_at"),
    "event": (*COMMON, "occurred_at", "kind", "event_id", "counterparty_id", "amount", "device_id", "ip", "card_id"),
}


def fields_of(matrix: Matrix) -> Fields:
    """Return the fields of the records that a model scores.

    Parameters
    ----------
    matrix : MessageMatrix or AccountMatrix
        What is computed.

    Returns
    -------
    Fields

    Examples
    --------
    >>> from fraudsieve.features.account_matrix import AccountMatrix
    >>> fields_of(AccountMatrix("account", (), numbers=("age",))).needed
    ('account_id', 'as_of', 'age')
    """
    checks: dict[str, Check]
    if isinstance(matrix, MessageMatrix):
        checks = {"text": _text_of}
        checks |= {"account_id": parse_id} if matrix.sender else {}
        checks |= {"sent_at": parse_time} if matrix.sender or matrix.campaigns else {}
        return Fields(checks, ("text",), frozenset((*TABLES["message"], *checks)))
    entities = {name for view in matrix.histories for name in view.subjects}
    checks = dict.fromkeys(sorted(entities | {"account_id", *matrix.categories}), parse_id)
    checks |= dict.fromkeys(matrix.numbers, profile_number)
    # An amount is of the event itself; other numbers may be yes or no.
    checks |= {"amount": parse_amount} if matrix.subject == "event" else {}
    moments = ("as_of",) if matrix.subject == "account" else ("occurred_at", "as_of")
    born = ("created_at",) if matrix.subject == "account" else ()
    checks |= dict.fromkeys((*moments, *born), parse_time) if matrix.timed else {}
    own = (*sorted(entities - {"account_id"}), *matrix.numbers, *matrix.categories)
    needed = ("account_id", *(moments[:1] if matrix.timed else ()), *own)
    return Fields(checks, needed, frozenset((*TABLES[matrix.subject], *checks)))


def check_unknown(names: Iterable[Any], origin: str, policy: Policy, fields: Fields) -> None:
    """Refuse unknown fields, where the policy does.

    Parameters
    ----------
    names : iterable of str
        The names of the fields.
    origin : str
        What an error calls whose they are.
    policy : Policy
        What is to be done.
    fields : Fields
        From `fields_of`.

    Raises
    ------
    RecordError
        When there are unknown ones; it does not name them.
    """
    if policy.unknown == "error" and not fields.known.issuperset(names):
        n = sum(name not in fields.known for name in names)
        problem = f"{n} fields are unknown; the model looks at {', '.join(sorted(fields.checks))}"
        raise RecordError(origin, problem, "Leave them out, or set the policy for unknown to ignore.")


def apply_policy(record: Record, position: int, policy: Policy, fields: Fields) -> Record:
    """Return a record as a policy has it.

    Parameters
    ----------
    record : mapping
        A record as it came.
    position : int
        Its place in the call, for errors.
    policy : Policy
        What is to be done.
    fields : Fields
        From `fields_of`.

    Returns
    -------
    mapping
        What is to be treated as missing is None.

    Raises
    ------
    RecordError
        When the policy says so; it names the field and the position, and no value.

    Examples
    --------
    >>> from fraudsieve.features.account_matrix import AccountMatrix
    >>> fields = fields_of(AccountMatrix("account", (), numbers=("age",)))
    >>> record = {"account_id": "a", "as_of": "2026-01-01", "age": "old"}
    >>> apply_policy(record, 0, Policy(wrong_type="missing"), fields)["age"]
    """
    found = dict(record)
    for name in fields.needed:
        _settle_missing(found, name, position, policy)
    for name, check in fields.checks.items():
        if not is_missing(found.get(name)):
            _settle_type(found, name, check, position, policy)
    return found


def _settle_missing(found: dict[str, Any], name: str, position: int, policy: Policy) -> None:
    whom = name in ("text", "account_id", "as_of", "occurred_at")  # here None is no value that could be unknown
    if name == "occurred_at" and not is_missing(found.get("as_of")):
        return
    if name in found and not (whom and is_missing(found[name])):
        return
    if policy.missing == "error":
        problem = f"{name}: expected the field, it is missing"
        raise RecordError(f"record {position}", problem, "Give it, or set the policy for missing to missing.")
    if policy.missing == "missing":
        found[name] = None


def _settle_type(found: dict[str, Any], name: str, check: Check, position: int, policy: Policy) -> None:
    try:
        check(found[name], name)
    except RejectedRecordError as error:
        if policy.wrong_type == "error":
            fix = "Give a value of the type, or set the policy for wrong_type to missing."
            raise RecordError(f"record {position}", str(error), fix) from None
        if policy.wrong_type == "missing":
            found[name] = None


def _text_of(value: Any, field: str) -> None:
    if not isinstance(value, str):
        raise RejectedRecordError(f"{field}: expected a string, got {type(value).__name__}")
