"""Keys and pseudonyms: two recipients share nothing, and without the key nothing is resolved."""

import hashlib
import hmac
import json
from base64 import b32encode
from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.exceptions import LeadError
from fraudsieve.leads.case_content import CaseContent
from fraudsieve.leads.keys import LeadKey, Secret, derive_key, find_key, read_secrets, recipient_name
from fraudsieve.leads.lead_content import make_lead

from .planted import CREATED, SECRET, TERMS, key_of

names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=12)
secrets = st.binary(min_size=32, max_size=40)


@given(secrets, st.sampled_from(["account", "action"]), st.text(max_size=20))
def test_a_pseudonym_is_hmac_sha_256_of_128_bits(secret: bytes, kind: str, value: str) -> None:
    expected = hmac.digest(secret, f"pseudonym {kind}\0{value}".encode(), "sha256")[:16]
    assert LeadKey(secret).digests(kind, [value]) == [expected]
    text = b32encode(expected).decode().rstrip("=").lower()
    assert LeadKey(secret).pseudonym(kind, value).split(".")[3] == text
    assert len(text) == 26


@given(secrets)
def test_a_key_is_derived_by_hkdf_of_rfc_5869(secret: bytes) -> None:
    info = encode_canonical({"purpose": "fraudsieve lead 1", "recipient": "police", "salt": None})
    extracted = hmac.digest(bytes(32), secret, "sha256")
    expected = LeadKey(hmac.digest(extracted, info + b"\x01", "sha256"))
    assert derive_key(Secret(secret), "police").pseudonym("account", "ann") == expected.pseudonym("account", "ann")


@given(names, names, st.lists(st.text(max_size=20), max_size=20), st.sampled_from([None, "case-1"]))
def test_two_recipients_share_nothing(one: str, other: str, values: list[str], case: str | None) -> None:
    assume(recipient_name(one) != recipient_name(other))
    keys = [derive_key(SECRET, name, case=case) for name in (one, other)]
    assert keys[0].id != keys[1].id
    assert not {*keys[0].digests("account", values)} & {*keys[1].digests("account", values)}
    if case is not None:
        assert keys[0].salt != keys[1].salt


def test_one_recipient_joins_cases_unless_keys_are_per_case() -> None:
    assert key_of().pseudonym("account", "ann") == key_of().pseudonym("account", "ann")
    first, second = key_of(case="case-1"), key_of(case="case-2")
    assert len({key_of().id, first.id, second.id}) == 3
    assert first.pseudonym("account", "ann") != second.pseudonym("account", "ann")
    assert key_of(salt=first.salt).pseudonym("account", "ann") == first.pseudonym("account", "ann")


def test_without_the_key_a_dictionary_of_all_accounts_resolves_none(case: CaseContent) -> None:
    lead = make_lead(case, key_of(), TERMS, created=CREATED)
    text = json.dumps(lead)
    dictionary = {*case.members["account_id"], *case.members["action_id"], *case.members["counterparty_id"]}
    # What is public: the lead, the recipient, and how pseudonyms are made. Everything but the secret.
    public = [TERMS.recipient, lead["key"]["id"], lead["id"], "", TERMS.sender]
    guesses = [derive_key(Secret(word.encode().ljust(32, b"\0")), TERMS.recipient) for word in public]
    for value in dictionary:
        digests = {hashlib.new(name, value.encode()).digest()[:16] for name in ("sha256", "md5", "blake2b", "sha1")}
        digests |= {hmac.digest(word.encode(), value.encode(), "sha256")[:16] for word in public}
        digests |= {guess.digests(kind, [value])[0] for guess in guesses for kind in ("account", "action")}
        for digest in digests:
            assert digest.hex() not in text
            assert b32encode(digest).decode().rstrip("=").lower() not in text
    assert key_of().pseudonym("account", "acc-marker-0") in text


def test_secrets_rotate(tmp_path: Path) -> None:
    old, new = "o" * 64, "n" * 64
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(f"{old}\n")
    (alone,) = read_secrets(path)
    path.write_text(f"# the newest first\n2026-11-01 {new}\n\n2026-05-01 {old}\n")
    secrets = read_secrets(path)
    assert [secret.since for secret in secrets] == [date(2026, 11, 1), date(2026, 5, 1)]
    assert derive_key(secrets[1], "police").id == derive_key(alone, "police").id
    found = find_key(secrets, "police", derive_key(alone, "police").id)
    assert found is not None
    assert found.pseudonym("account", "ann") == derive_key(alone, "police").pseudonym("account", "ann")
    assert find_key(secrets[:1], "police", derive_key(alone, "police").id) is None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "expected secrets of different days"),
        ("MARKER", "at least 32 bytes, got 6"),
        ("2026-05-01 MARKER" + "x" * 32 + "\n2026-11-01 MARKER" + "y" * 32, "the newest first"),
        ("2026-11-01 MARKER" + "x" * 32 + "\n2026-05-01 MARKER" + "x" * 32, "each once"),
        ("MARKER" + "x" * 32 + "\nMARKER" + "y" * 32, "got a line of 1 words"),
        ("MARKER-day MARKER" + "x" * 32, "expected days such as"),
        ("a MARKER" + "x" * 32 + " b", "got a line of 3 words"),
    ],
)
def test_a_file_of_secrets_that_cannot_be_used_is_not_quoted(tmp_path: Path, content: str, text: str) -> None:
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text(content)
    with pytest.raises(LeadError, match=text) as raised:
        read_secrets(tmp_path / "key")
    assert "MARKER" not in str(raised.value)
    with pytest.raises(LeadError, match="cannot be read"):
        read_secrets(tmp_path / "none")


def test_a_secret_is_not_shown() -> None:
    assert "house" not in repr(SECRET)
    assert "house" not in repr(key_of())


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[2J"])
def test_a_recipient_has_a_printable_name(name: str) -> None:
    with pytest.raises(LeadError, match="expected a printable name"):
        derive_key(SECRET, name)
    assert recipient_name("  é ") == recipient_name("é")


def test_a_type_is_a_word() -> None:
    with pytest.raises(ValueError, match="expected lower-case letters"):
        key_of().pseudonym("Account!", "ann")
