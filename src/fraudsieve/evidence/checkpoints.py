"""Checkpoints: size and root of a log at a time, kept where writers of the log cannot change them, optionally signed.

An Ed25519 signature shows who vouches for a checkpoint. A time stamp (RFC 3161) of `Checkpoint.signed_bytes` by an
independent authority shows by when it existed. A checkpoint can store its token; verify the token with OpenSSL.

Proofs that a record is in a log, which can be checked without the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fraudsieve._io import read_file, read_secret_file, write_file
from fraudsieve.exceptions import EvidenceError

from .canonical import decode_canonical, encode_canonical
from .lines import log_lines

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT: Final = 1
PURPOSE: Final = b"fraudsieve evidence checkpoint 1\n"
"""Prefix of the signed bytes, so that a signature cannot be reused for other content."""
PEM: Final = "Name a PEM file without a password."
PUBLIC_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """Size and root of a log at a time.

    Parameters
    ----------
    log : str
        Id of the log.
    size : int
        Number of records.
    root : str
        Root of the Merkle tree over them, hexadecimal.
    time : str
        When it was created, according to the clock of the machine.
    public_key : str, default=None
        The Ed25519 public key of the signature, hexadecimal; None without a signature.
    signature : str, default=None
        The signature of `signed_bytes`, hexadecimal.
    time_stamp : str, default=None
        An RFC 3161 token for `signed_bytes`, Base64. It is stored but not verified.

    Examples
    --------
    >>> Checkpoint("a", 1, "00", "2026-05-01T00:00:00Z").signature_problem() is None
    True
    """

    log: str
    size: int
    root: str
    time: str
    public_key: str | None = None
    signature: str | None = None
    time_stamp: str | None = None

    @property
    def signed_bytes(self) -> bytes:
        """The bytes that are signed and time-stamped."""
        content = {"log": self.log, "size": self.size, "root": self.root, "time": self.time}
        return PURPOSE + encode_canonical(content | {"public_key": self.public_key})

    def to_dict(self) -> dict[str, Any]:
        """Return the checkpoint in the types of canonical JSON."""
        return {"kind": "checkpoint", "format": FORMAT, **self.__dict__}

    def sign(self, key: "Ed25519PrivateKey") -> "Checkpoint":
        """Return the checkpoint with a signature.

        Parameters
        ----------
        key : Ed25519PrivateKey
            From `read_private_key`.
        """
        named = replace(self, public_key=key.public_key().public_bytes_raw().hex(), signature=None)
        return replace(named, signature=key.sign(named.signed_bytes).hex())

    def signature_problem(self) -> str | None:
        """Return what is wrong with the signature; None if it is valid, or if there is none."""
        if self.signature is None and self.public_key is None:
            return None
        if self.signature is None or self.public_key is None:
            return "has half a signature"
        ed25519 = _ed25519()
        from cryptography.exceptions import InvalidSignature

        try:
            key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            key.verify(bytes.fromhex(self.signature), self.signed_bytes)
        except (InvalidSignature, ValueError):
            return "does not match its signature"
        return None


def write_checkpoint(checkpoint: Checkpoint, path: str | Path) -> None:
    """Add a checkpoint as a line of a file; the whole file is replaced.

    Parameters
    ----------
    checkpoint : Checkpoint
    path : str or Path
        The file; it is created if it does not exist.

    Raises
    ------
    EvidenceError
        If the file holds anything other than checkpoints.
    """
    before = b""
    if Path(path).exists():
        read_checkpoints(path)  # another file, such as the log itself or a key, must not change
        before = Path(path).read_bytes()
    write_file(path, before + encode_canonical(checkpoint.to_dict()) + b"\n")


def read_checkpoints(path: str | Path) -> list[Checkpoint]:
    """Read the checkpoints of a file.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    list of Checkpoint
        In the order of their lines.

    Raises
    ------
    EvidenceError
        If the file cannot be read, or a line is not a checkpoint.
    """
    return [_read(line, f"{path}, line {number}") for number, line in enumerate(log_lines(path), 1)]


def checkpoint_of(content: Any, origin: str) -> Checkpoint:
    """Return the checkpoint of a dict."""
    fix = "Name a file that fraudsieve evidence checkpoint wrote."
    try:
        if content["kind"] != "checkpoint" or content["format"] != FORMAT:
            raise ValueError
        one = Checkpoint(**{name: value for name, value in content.items() if name not in ("kind", "format")})
        bytes.fromhex(one.root)
        given = one.log, one.time, one.public_key or "", one.signature or "", one.time_stamp or ""
        if type(one.size) is not int or one.size < 0 or not all(isinstance(value, str) for value in given):
            raise ValueError
        return one
    except (KeyError, TypeError, ValueError):
        raise EvidenceError(origin, f"is not a checkpoint of format {FORMAT}", fix) from None


def _read(line: bytes, origin: str) -> Checkpoint:
    return checkpoint_of(decode_canonical(line.removesuffix(b"\n"), origin), origin)


def read_private_key(path: str | Path) -> "Ed25519PrivateKey":
    """Read an Ed25519 private key, as written by ``openssl genpkey -algorithm ed25519``."""
    module = _ed25519()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = read_secret_file(path, EvidenceError, PEM)
    key = _load(path, content, lambda content: load_pem_private_key(content, None))
    checked: Ed25519PrivateKey = _checked(key, module.Ed25519PrivateKey, path, "private")
    return checked


def read_public_key(path: str | Path) -> str:
    """Read an Ed25519 public key, as written by ``openssl pkey -pubout``, and return it in hexadecimal."""
    module = _ed25519()
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = read_file(path, PUBLIC_BYTES, EvidenceError, PEM)
    key: Ed25519PublicKey = _checked(_load(path, content, load_pem_public_key), module.Ed25519PublicKey, path, "public")
    return key.public_bytes_raw().hex()


def signers(checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """Return the public keys that signed checkpoints."""
    return tuple(sorted({one.public_key for one in checkpoints if one.public_key is not None}))


def _load(path: str | Path, content: bytes, load: Any) -> Any:
    try:
        return load(content)
    except (ValueError, TypeError) as error:
        raise EvidenceError(str(path), f"cannot be read as a key ({type(error).__name__})", PEM) from None


def _checked(key: Any, kind: type, path: str | Path, name: str) -> Any:
    if not isinstance(key, kind):
        fix = "Create one with: openssl genpkey -algorithm ed25519."
        raise EvidenceError(str(path), f"expected an Ed25519 {name} key, got another key", fix)
    return key


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ModuleNotFoundError:
        fix = "Install it: pip install 'fraudsieve[evidence]'."
        raise EvidenceError("signatures", "need cryptography, which is not installed", fix) from None
    return ed25519
