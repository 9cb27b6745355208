"""Single events and subjects, parsed into numbers or rejected with a reason.

Identifiers become digests of 8 or 16 bytes: a live state compares identifiers without storing them. Needs only NumPy.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.tables.limits import MAX_AMOUNT

__all__ = [
    "RejectedRecord",
    "as_records",
    "check_time_between",
    "delivery_id",
    "encode_text",
    "entity_key",
    "id_digest",
    "is_missing",
    "label_kind",
    "parse_amount",
    "parse_id",
    "parse_is_fraud",
    "parse_time",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RejectedRecord(NamedTuple):
    """A rejected record: its position in the call, and a reason that contains no value of the record."""

    position: int
    reason: str


def is_missing(value: Any) -> bool:
    """Return whether a value is missing: None, NaN, NaT or pandas.NA.

    Examples
    --------
    >>> is_missing(None), is_missing(math.nan), is_missing(np.datetime64("NaT", "us")), is_missing([])
    (True, True, True, False)
    """
    if value is None or type(value).__name__ == "NAType":  # scoring does not import pandas
        return True
    return isinstance(value, float | np.floating | datetime | np.datetime64) and bool(value != value)


def as_records(records: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return one record or several records as a sequence.

    Raises
    ------
    TypeError
        If the argument is neither a dict nor a list or tuple of dicts.

    Examples
    --------
    >>> as_records({"kind": "pay"})
    [{'kind': 'pay'}]
    """
    if isinstance(records, Mapping):
        return [records]
    if not isinstance(records, list | tuple) or not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"Expected a dict or a list of dicts, got {type(records).__name__}.")
    return records


def parse_time(value: Any, field: str) -> int:
    """Parse a time into microseconds since 1970.

    Parameters
    ----------
    value : datetime, datetime64 or str
        A time, UTC if without a zone; a string in ISO 8601 format.
    field : str
        Name of the field, for errors.

    Returns
    -------
    int

    Raises
    ------
    RejectedRecordError
        If the time is missing or cannot be parsed.

    Examples
    --------
    >>> parse_time("1970-01-01T08:00:01+08:00", "sent_at"), parse_time(datetime(1970, 1, 2), "sent_at")
    (1000000, 86400000000)
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            problem = f"{field}: expected a time such as 2026-05-01T10:00:00Z, got other text"
            raise RejectedRecordError(problem) from None
    if is_missing(value) or not isinstance(value, datetime | np.datetime64):
        raise RejectedRecordError(f"{field}: expected a time, {_problem_of(value)}")
    if isinstance(value, np.datetime64):
        if not 1 <= int(value.astype("M8[Y]").astype(np.int64)) + 1970 <= 9999:  # microseconds overflow in silence
            raise RejectedRecordError(f"{field}: expected a time in the years 1 to 9999, got another one")
        return int(value.astype("M8[us]").astype(np.int64))
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def check_time_between(time: int, field: str, oldest: int, limit: int) -> None:
    """Raise RejectedRecordError if a time is too old or in the future."""
    if time > limit:
        raise RejectedRecordError(f"{field}: expected a time that is not in the future, got a later one")
    if time < oldest:
        raise RejectedRecordError(f"{field}: expected a time within the declared lateness, got an older one")


def parse_is_fraud(label: Mapping[str, Any]) -> bool:
    """Return whether a label is fraud."""
    is_fraud = label.get("is_fraud")
    if not isinstance(is_fraud, bool | int | float | np.bool_ | np.number) or is_fraud not in (0, 1):
        raise RejectedRecordError("is_fraud: expected True or False, got another value")
    return bool(is_fraud)


def parse_amount(value: Any, field: str = "amount") -> float:
    """Check an amount and return it as a float.

    Parameters
    ----------
    value : int, float or None
        The amount, which may be negative.
    field : str, default="amount"
        Name of the field, for errors.

    Returns
    -------
    float
        NaN if the amount is missing.

    Raises
    ------
    RejectedRecordError
        If the value is not a number, is infinite, or is beyond 1e15.

    Examples
    --------
    >>> parse_amount(-3), parse_amount(None)
    (-3.0, nan)
    """
    if is_missing(value):
        return math.nan
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise RejectedRecordError(f"{field}: expected a number, got {type(value).__name__}")
    if not -MAX_AMOUNT <= value <= MAX_AMOUNT and value == value:
        problem = f"{field}: expected a number up to {MAX_AMOUNT:.0e}, got a larger or an infinite one"
        raise RejectedRecordError(problem)
    return float(value)


def parse_id(value: Any, field: str) -> str | None:
    """Check an id and return it as a string without surrounding blanks.

    Returns None if the id is missing or blank.

    Raises
    ------
    RejectedRecordError
        If the id is neither a string nor a whole number.
    """
    if isinstance(value, str):
        return value.strip() or None
    if is_missing(value):
        return None
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise RejectedRecordError(f"{field}: expected a string or a whole number, got {type(value).__name__}")
    if not -(2**63) <= value < 2**64:
        raise RejectedRecordError(f"{field}: expected a string or a whole number of 64 bits, got a larger one")
    return str(value)


def id_digest(value: Any, field: str) -> int:
    """Return a digest of 64 bits of an id, as checked by `parse_id`; 0 if the id is missing.

    Examples
    --------
    >>> id_digest(7, "ip") == id_digest(" 7 ", "ip"), id_digest(None, "ip")
    (True, 0)
    """
    text = parse_id(value, field)
    return 0 if text is None else _digest_of(encode_text(text))


def delivery_id(record: Mapping[str, Any], kind: str, time: int | None = None) -> int:
    """Return a digest of 64 bits that repeated deliveries of a record share; 0 if the record has no ``event_id``.

    Parameters
    ----------
    record : dict
    kind : str
        What it is: an event and a message with the same id are not repeats of each other, and neither are a label of
        fraud and another one. From `label_kind` for labels.
    time : int, default=None
        Its time, if records with the same id and another time are not repeats, as for labels.

    Returns
    -------
    int

    Examples
    --------
    >>> event = {"event_id": "e1", "amount": 5}
    >>> delivery_id(event, "event") == delivery_id({"event_id": " e1 "}, "event")
    True
    >>> delivery_id(event, "event") == delivery_id(event, "message"), delivery_id({"event_id": " "}, "event")
    (False, 0)
    """
    text = parse_id(record.get("event_id"), "event_id")
    return 0 if text is None else _digest_of(encode_text(f"{kind} {time} {text}"))


def label_kind(verdict: bool | str) -> str:
    """Return the kind of a label for `delivery_id`: whether it is fraud, or the class of a message.

    Examples
    --------
    >>> label_kind(True), label_kind("spam")
    ('label True', "label 'spam'")
    """
    return f"label {verdict!r}"


def entity_key(record: Mapping[str, Any], columns: Sequence[str]) -> bytes | None:
    """Return a digest of 16 bytes of the fields that identify an entity; None if one is missing.

    Examples
    --------
    >>> entity_key({"account_id": "ann"}, ["account_id"]) == entity_key({"sender": "ann"}, ["sender"])
    True
    """
    state = blake2b(digest_size=16)
    for column in columns:
        text = parse_id(record.get(column), column)
        if text is None:
            return None
        part = encode_text(text)
        state.update(len(part).to_bytes(4, "little"))
        state.update(part)
    return state.digest()


def encode_text(text: str) -> bytes:
    """Return the UTF-8 bytes of a text, also of one with surrogates.

    Examples
    --------
    >>> encode_text("\\ud83d\\ude00") == encode_text("\\U0001f600")
    True
    """
    try:
        return text.encode()
    except UnicodeEncodeError:  # JSON strings may contain lone surrogates; a pair of them is one character
        return (
            text.encode("utf-16-le", "surrogatepass")
            .decode("utf-16-le", "surrogatepass")
            .encode("utf-8", "surrogatepass")
        )


def _digest_of(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little") or 1


def _problem_of(value: Any) -> str:
    return "the field is missing" if is_missing(value) else f"got {type(value).__name__}"
