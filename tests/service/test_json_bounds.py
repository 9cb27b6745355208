"""Bounds of JSON text, against the decoded values."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.service.bodies import CONTAINERS_PER_RECORD, MAX_DEPTH, RejectedRequest, decode_json, json_bounds
from tests.messages import refused

TEXT = st.text(alphabet='[]{}",\\ \u00e9\u2200\ud800a')
NAMES = st.text(alphabet='[]{}",\\ \u00e9\u2200a')
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda values: st.lists(values) | st.dictionaries(NAMES, values),
)


def bounds_of(value: Any) -> tuple[int, int]:
    if not isinstance(value, dict | list):
        return 0, 0
    inside = [bounds_of(item) for item in (value.values() if isinstance(value, dict) else value)]
    return 1 + sum(n for n, _ in inside), 1 + max((depth for _, depth in inside), default=0)


@pytest.mark.slow
@given(value=VALUES, ascii=st.booleans(), indent=st.sampled_from([None, 2]))
def test_objects_lists_and_depth_are_counted(value: Any, ascii: bool, indent: int | None) -> None:
    body = json.dumps(value, ensure_ascii=ascii, indent=indent).encode("utf-8", "surrogatepass")
    assert json_bounds(body) == bounds_of(value)
    assert decode_json(body, 10_000) == value


@given(body=st.binary())
def test_any_bytes_are_decoded_or_rejected(body: bytes) -> None:
    with suppress(RejectedRequest):
        decoded = decode_json(body, 10)
        assert decoded == json.loads(body) or decoded != decoded


def test_many_objects_and_deep_nesting_are_rejected() -> None:
    largest = CONTAINERS_PER_RECORD * 100
    assert len(decode_json(b"[" + b",".join([b"{}"] * (largest - 1)) + b"]", 100)) == largest - 1
    with refused(RejectedRequest) as caught:
        decode_json(b"[" + b",".join([b"[]"] * largest) + b"]", 100)
    assert caught.value.status == 413
    decode_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, 100)
    with pytest.raises(RejectedRequest, match="at most 32 levels") as caught:
        decode_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), 100)
    assert caught.value.status == 400


def test_utf_16_is_rejected_because_its_brackets_are_not_counted() -> None:
    with pytest.raises(RejectedRequest) as caught:
        decode_json(json.dumps(["\u2200"]).encode("utf-16"), 10)
    assert caught.value.status == 400
    assert decode_json(b"\xef\xbb\xbf[]", 10) == []  # the mark that UTF-8 may begin with
