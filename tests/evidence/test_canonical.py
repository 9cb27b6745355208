"""Canonical JSON: every value reads back exactly, and every other text is refused."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.evidence.canonical import (
    MAX_INTEGER,
    NumberWriter,
    decode_canonical,
    encode_canonical,
    field_value,
    join_object,
    read_field_value,
    to_plain,
)
from fraudsieve.exceptions import EvidenceError

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(values)
def test_whatever_is_written_reads_back_and_gives_the_same_text(value: Any) -> None:
    text = encode_canonical(to_plain(value))
    assert decode_canonical(text, "log") == to_plain(value)
    assert encode_canonical(decode_canonical(text, "log")) == text
    assert text.isascii()


@given(st.floats())
def test_floats_keep_every_bit_but_the_payload_of_nan(value: float) -> None:
    read = float.fromhex(to_plain(value))
    assert math.isnan(read) if math.isnan(value) else np.float64(read).tobytes() == np.float64(value).tobytes()


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b"NaN",
        b"-0",
        b'"\\u0061"',
        '"é"'.encode(),
        b'"\\uD83D"',
        str(MAX_INTEGER + 1).encode(),
        b"1" * 5000,
        b"[1]\n",
        b"",
        b"[" * 100_000,
    ],
)
def test_other_texts_are_refused(text: bytes) -> None:
    with pytest.raises(EvidenceError, match="is not canonical JSON"):
        decode_canonical(text, "log")


@given(st.dictionaries(st.text(), st.floats(), min_size=1))
def test_rows_of_numbers_are_written_as_by_the_general_writer(row: dict[str, float]) -> None:
    expected = encode_canonical(to_plain(row))
    assert NumberWriter([*row]).write(np.array([*row.values()])) == expected
    assert join_object({name: encode_canonical(to_plain(value)) for name, value in row.items()}) == expected


def test_integers_beyond_what_json_readers_keep_are_strings() -> None:
    assert json.loads(encode_canonical(to_plain([MAX_INTEGER, -MAX_INTEGER, MAX_INTEGER + 1]))) == [
        MAX_INTEGER,
        -MAX_INTEGER,
        str(MAX_INTEGER + 1),
    ]


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"a": {2}}])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="canonical JSON"):
        to_plain(value)


@pytest.mark.parametrize(
    "value",
    ["ann", "", "\ud800", True, 3, 2**70, -0.5, math.inf, datetime(2026, 5, 1, 10, tzinfo=UTC), None],
)
def test_field_values_read_back_as_they_were(value: Any) -> None:
    read = read_field_value(decode_canonical(encode_canonical(field_value(value)), "log"))
    assert read == value
    assert type(read) is type(value)


def test_field_values_of_other_kinds() -> None:
    zone = timezone(timedelta(hours=8))
    assert field_value(datetime(2026, 5, 1, 18, tzinfo=zone)) == field_value(np.datetime64("2026-05-01T10:00", "us"))
    assert field_value(np.float64("nan")) is None
    assert field_value(np.int64(3)) == 3
    assert field_value({"a": 1}) == {"type": "dict"}
    assert type(read_field_value({"type": "dict"})) is object
