"""What evidence keeps of an input: no text and no identifier unless it is declared."""

from pathlib import Path
from typing import Any

import pytest

from fraudsieve._subjects import Subject
from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.evidence.kept_content import Content, ContentKind, input_fields, read_key
from fraudsieve.exceptions import EvidenceError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from tests.messages import refused

MATRIX = AccountMatrix(Subject.EVENT, (), custom=CustomColumns(("age",), {"city": ("Rome",)}))
FIELDS = input_fields(MATRIX)
KEY = b"k" * 32
RECORD = {
    "event_id": "E-MARKER", "account_id": "A-MARKER", "occurred_at": "2026-05-01T10:00:00Z", "age": 31.5,
    "city": "C-MARKER", "unused": "U-MARKER",
}  # fmt: skip


def described(content: Content, **change: Any) -> bytes:
    record = RECORD | change
    parts = [content.describe_input(record, FIELDS), content.subject_id(record, "event")]
    return encode_canonical(parts)


@pytest.mark.parametrize(("kind", "key"), [("omitted", None), ("omitted", KEY), ("pseudonymised", KEY)])
def test_no_text_and_no_identifier_unless_it_is_kept(kind: ContentKind, key: bytes | None) -> None:
    text = described(Content(kind, key))
    assert b"MARKER" not in text
    assert (b"0x1.f8" in text) == (kind == "pseudonymised")  # the age


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("age", "N-MARKER"),
        ("age", "0151-5550123 MARKER"),
        ("age", "2019-03-04"),
        ("occurred_at", "T-MARKER@example.org"),
        ("amount", "A-MARKER"),
    ],
)
def test_a_string_that_is_no_number_or_time_becomes_a_pseudonym(name: str, value: str) -> None:
    content = Content("pseudonymised", KEY)
    kept = content.describe_input(RECORD | {name: value}, FIELDS | {"amount": "amount"})["fields"][name]
    assert kept == content.pseudonym(name, value)
    assert value.encode() not in described(content, **{name: value})


@pytest.mark.parametrize("value", ["2026-05-01T10:00:00Z", " 2026-05-01 ", "2026-05-01 10:00:00.5+02:00"])
def test_a_time_as_a_string_is_kept(value: str) -> None:
    kept = Content("pseudonymised", KEY).describe_input(RECORD | {"occurred_at": value}, FIELDS)
    assert kept["fields"]["occurred_at"] == value


@pytest.mark.parametrize("content", [Content(), Content("kept"), Content("pseudonymised", KEY)])
def test_any_number_is_described(content: Content) -> None:
    for name in ("age", "account_id", "city"):  # Python writes no more than 4300 digits
        assert described(content, **{name: 10**5000}) != described(content, **{name: 10})


def test_what_is_kept_is_what_the_model_reads() -> None:
    text = described(Content("kept"))
    assert all(marker in text for marker in (b"E-MARKER", b"A-MARKER", b"C-MARKER"))
    assert b"U-MARKER" not in text


def test_digests_without_a_key_are_salted() -> None:
    first, second = (Content().describe_input(RECORD, FIELDS) for _ in range(2))
    assert first["digest"] != second["digest"]
    assert first["salt"] != second["salt"]


def test_digests_and_pseudonyms_depend_on_the_key() -> None:
    contents = [Content("pseudonymised", key) for key in (KEY, KEY, b"l" * 32)]
    same, again, other = (content.describe_input(RECORD, FIELDS) for content in contents)
    assert same == again
    assert same["digest"] != other["digest"]
    assert all(same["fields"][name] != other["fields"][name] for name in ("event_id", "account_id", "city"))
    assert contents[0].key_id != contents[2].key_id
    assert "k" * 32 not in repr(contents[0])


def test_pseudonyms_join_accounts_and_no_other_types() -> None:
    content = Content("pseudonymised", KEY)
    assert content.pseudonym("account_id", "x") == content.pseudonym("counterparty_id", "x")
    assert content.pseudonym("account_id", "x") != content.pseudonym("device_id", "x").replace("device", "account")
    kept = content.describe_input({"account_id": " 7 "}, FIELDS), content.describe_input({"account_id": 7}, FIELDS)
    assert kept[0]["fields"] == kept[1]["fields"]  # the same account for the model


@pytest.mark.parametrize("content", [Content(), Content(key=KEY), Content("kept")])
def test_an_input_is_recognised(content: Content) -> None:
    known = content.describe_input(RECORD, FIELDS)
    assert content.is_input(RECORD, known, MATRIX)
    assert not content.is_input(RECORD | {"age": 31}, known, MATRIX)


def test_declarations_that_do_not_work(tmp_path: Path) -> None:
    with refused(ValueError):
        Content("plain")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pseudonyms need a key"):
        Content("pseudonymised")
    with pytest.raises(ValueError, match="expected at least 32 bytes, got 3"):
        Content(key=b"abc")
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_bytes(KEY + b"\n")
    assert read_key(tmp_path / "key") == KEY
    (tmp_path / "key").write_bytes(b"abc\n")
    with pytest.raises(EvidenceError, match="at least 32 bytes, got 3"):
        read_key(tmp_path / "key")
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_key(tmp_path / "none")
