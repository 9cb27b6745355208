"""Canonical JSON: exactly one text for each value, so that the digest of a record can be recomputed from its value.

It is stricter than RFC 8785, which rejects NaN and loses -0.0. It is ASCII with sorted keys and without whitespace, and
allows strings, booleans, null and whole numbers up to 2^53. Other numbers are strings: floats are in exact hexadecimal
form, and larger integers are digits.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import EvidenceError, RejectedRecordError
from fraudsieve.features.history.records import required_time
from fraudsieve.tables.values.reading import is_missing

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
MAX_INTEGER: Final = 2**53
"""The largest integer that every JSON reader preserves."""
MAX_BITS: Final = 2048
"""No model reads a larger integer, which is beyond every float. Python does not write those of thousands of digits."""


def to_plain(value: Any) -> Any:
    """Return a value in the types of canonical JSON: floats in hexadecimal form, and large integers as digits."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else str(value)
    if isinstance(value, float):
        return float(value).hex()
    if isinstance(value, Mapping):
        if not all(type(key) is str for key in value):
            raise TypeError("Expected strings as keys of canonical JSON, got other keys.")
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [to_plain(item) for item in value]
    raise TypeError(f"Expected a type of canonical JSON, got {type(value).__name__}.")


def encode_canonical(plain: Any) -> bytes:
    """Return the canonical text of a value from `to_plain`."""
    return _encode(plain).encode("ascii")


def join_object(parts: Mapping[str, bytes]) -> bytes:
    """Return the canonical text of a dict whose values are already encoded."""
    return b"{%b}" % b",".join(b"%b:%b" % (encode_canonical(name), parts[name]) for name in sorted(parts))


class NumberWriter:
    """Writer of rows of numbers by name: the same text as `encode_canonical`, but several times as fast."""

    def __init__(self, names: Sequence[str]) -> None:
        self._order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
        fields = (_encode(names[at]).replace("%", "%%") + ':"%s"' for at in self._order)
        self._template = "{" + ",".join(fields) + "}"

    def write(self, row: Array) -> bytes:
        """Return the canonical text of a row."""
        return (self._template % tuple(map(float.hex, row[self._order].tolist()))).encode("ascii")


def decode_canonical(text: bytes, origin: str) -> Any:
    """Read canonical JSON; any other text is rejected, even if it is valid JSON."""
    try:
        value = json.loads(text.decode("ascii"), parse_float=_reject, parse_constant=_reject, parse_int=_integer)
        if encode_canonical(value) == text:
            return value
    except (ValueError, RecursionError):
        pass
    raise EvidenceError(origin, "is not canonical JSON", "It was changed, or it was not written by fraudsieve.")


def _reject(_: str) -> None:
    raise ValueError("expected no decimal number")


def _integer(digits: str) -> int:
    if len(digits) > len(str(MAX_INTEGER)) + 1 or abs(int(digits)) > MAX_INTEGER:
        raise ValueError("expected a larger integer as a string")
    return int(digits)


def field_value(value: Any) -> Any:
    """Return the value of a record's field in the types of canonical JSON, so that it can be restored.

    Strings, booleans, small integers and None stay as they are. Other values are marked: ``{"number": hex}``,
    ``{"integer": digits}``, ``{"decimal": digits}``, ``{"fraction": ratio}``, ``{"time": ISO 8601, UTC}``, and
    ``{"type": name}`` for types that no model reads.
    """
    if is_missing(value):
        return None
    if isinstance(value, date | np.datetime64):
        return _time_value(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal | Fraction):
        return {type(value).__name__.lower(): str(value)}
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str | bool):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int) and value.bit_length() <= MAX_BITS:
        return int(value) if abs(value) <= MAX_INTEGER else {"integer": str(int(value))}
    if isinstance(value, float):
        return {"number": float(value).hex()}
    return {"type": type(value).__name__}


def read_field_value(value: Any) -> Any:
    """Return the value that `field_value` encoded: a time as `datetime`, an `object` for types that no model reads."""
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    readers: dict[str, Callable[[str], Any]] = {
        "number": float.fromhex,
        "integer": int,
        "decimal": Decimal,
        "fraction": Fraction,
        "time": datetime.fromisoformat,
        "type": lambda _: object(),
    }
    return readers[kind](text)


def _time_value(value: date | np.datetime64) -> dict[str, str]:
    try:
        return {"time": f"{np.datetime64(required_time(value, 'time'), 'us')}Z"}
    except RejectedRecordError:
        return {"type": type(value).__name__}
