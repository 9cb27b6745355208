"""Checkpoints, signatures and proofs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.evidence.checkpoints import (
    read_checkpoints,
    read_private_key,
    read_public_key,
    write_checkpoint,
)
from fraudsieve.evidence.verification import check_proof, prove_record, read_proof, verify_log
from fraudsieve.exceptions import EvidenceError
from tests.evidence.logs import kinds, write_log


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """Files of a private and a public key, as OpenSSL writes them."""
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "private.pem").touch(0o600)
    (tmp_path / "private.pem").write_bytes(private)
    (tmp_path / "public.pem").write_bytes(public)
    return tmp_path / "private.pem", tmp_path / "public.pem"


def test_checkpoints_are_kept_in_a_file_and_say_who_signed(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    for n in (3, 4):
        write_checkpoint(write_log(tmp_path / "log", n).sign(read_private_key(keys[0])), tmp_path / "kept")
    kept, public_key = read_checkpoints(tmp_path / "kept"), read_public_key(keys[1])
    assert [one.size for one in kept] == [3, 7]
    check = verify_log(tmp_path / "log", kept, public_key=public_key)
    assert (check.problems, check.signed_by, check.notes) == ((), (public_key,), ())
    assert "compare the one below" in verify_log(tmp_path / "log", kept).notes[0]


def test_a_wrong_signature_is_found(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    unsigned = write_log(tmp_path / "log", 3)
    signed = unsigned.sign(read_private_key(keys[0]))
    public_key = read_public_key(keys[1])
    other = unsigned.sign(Ed25519PrivateKey.generate())
    wrong = [
        (unsigned, "is not signed by the given key"),
        (other, "is not signed by the given key"),
        (replace(signed, time="2026-01-01T00:00:00.000000Z"), "does not match its signature"),
        (replace(other, public_key=public_key), "does not match its signature"),
        (replace(signed, signature="zz"), "does not match its signature"),
        (replace(signed, public_key=None), "has half a signature"),
    ]
    for checkpoint, text in wrong:
        (problem,) = verify_log(tmp_path / "log", [checkpoint], public_key=public_key).problems
        assert text in problem.text
    assert kinds(verify_log(tmp_path / "log", [signed], public_key=public_key).problems) == []


def test_keys_of_other_kinds_are_refused(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    with pytest.raises(EvidenceError, match="cannot be read as a key"):
        read_public_key(keys[0])
    with pytest.raises(EvidenceError, match=r"cannot be read .FileNotFoundError"):
        read_public_key(tmp_path / "none")
    keys[1].chmod(0o600)
    with pytest.raises(EvidenceError, match="cannot be read as a key"):
        read_private_key(keys[1])
    pem = serialization.Encoding.PEM
    formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "x.pem").touch(0o600)
    (tmp_path / "x.pem").write_bytes(X25519PrivateKey.generate().private_bytes(pem, *formats))
    with pytest.raises(EvidenceError, match="expected an Ed25519 private key"):
        read_private_key(tmp_path / "x.pem")


@pytest.mark.parametrize("text", [b"{}\n", b'{"kind":"checkpoint"}\n', b"text\n", b'{"format":1,"kind":"checkpoint",'])
def test_other_files_are_no_checkpoints(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "kept").write_bytes(text)
    with pytest.raises(EvidenceError, match="line 1: is not"):
        read_checkpoints(tmp_path / "kept")


@pytest.mark.parametrize(
    ("name", "value"),
    [("size", -1), ("size", True), ("root", 5), ("log", 5), ("time", None), ("public_key", 5), ("signature", ["x"])],
)
def test_a_forged_checkpoint_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    content = write_log(tmp_path / "log").to_dict() | {name: value}
    (tmp_path / "kept").write_bytes(encode_canonical(content) + b"\n")
    with pytest.raises(EvidenceError, match="line 1: is not a checkpoint"):
        read_checkpoints(tmp_path / "kept")


def test_a_proof_shows_one_record_and_no_other(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    signed = write_log(tmp_path / "log", 6).sign(read_private_key(keys[0]))
    write_log(tmp_path / "log", 3)  # the log grows on
    for index in range(6):
        text = encode_canonical(prove_record(tmp_path / "log", index, signed)) + b"\n"
        (tmp_path / "proof").write_bytes(text)
        proof = read_proof(tmp_path / "proof")
        assert proof is not None
        check = check_proof(proof, public_key=read_public_key(keys[1]))
        assert (check.problems, check.index, check.size, check.signed_by) == ((), index, 6, signed.public_key)
        numbers = [n for n in range(5) if b'"number":%d' % n in text]
        assert numbers == ([index - 1] if index else [])
    assert read_proof(tmp_path / "log") is None


def test_a_changed_proof_does_not_hold(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    signed = write_log(tmp_path / "log", 6).sign(read_private_key(keys[0]))
    proof = prove_record(tmp_path / "log", 3, signed)
    assert check_proof(proof | {"body": proof["body"] | {"p": "0x1.0p+0"}}).problems == (
        "the record is not in a log with this root",
    )
    assert check_proof(proof | {"index": 2}).problems
    assert check_proof(proof | {"root": "00" * 32}).problems
    assert check_proof(proof | {"checkpoint": None}, public_key=read_public_key(keys[1])).problems == (
        "there is no checkpoint that the given key could have signed",
    )
    other = write_log(tmp_path / "other", 6).sign(read_private_key(keys[0]))
    assert "of another log" in check_proof(proof | {"checkpoint": other.to_dict()}).problems[0]
    with pytest.raises(EvidenceError, match="is not a proof of format 1"):
        check_proof({"kind": "proof"})
    with pytest.raises(EvidenceError, match="is not the log of the checkpoint"):
        prove_record(tmp_path / "log", 3, other)
    with pytest.raises(EvidenceError, match="expected a record from 0 to 5, got 6"):
        prove_record(tmp_path / "log", 6)
