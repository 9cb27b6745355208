"""Checkpoints: size and root of a log at a time, kept where writers of the log cannot change them, optionally signed.

An Ed25519 signature shows who vouches for a checkpoint. A time stamp (RFC 3161) of `Checkpoint.signed_bytes` by an
independent authority shows by when it existed. A checkpoint can store its token; verify the token with OpenSSL.

Proofs that a record is in a log, which can be checked without the log.

The lines of an evidence log: a record, its place in the log, the digest of the record before it, and its own digest.

A line is canonical JSON: ``{"leaf":<digest>,"record":{"body":...,"index":...,"log":...,"previous":<digest>}}``. The
digest is that of a leaf of the Merkle tree, over the bytes of the record. A mismatch identifies the changed line.

The tree is that of RFC 6962 (Certificate Transparency): one digest of a whole log, and short proofs about its parts. A
proof of inclusion shows one record without the others. The prefixes of leaves and nodes differ, so that a node cannot
be passed off as a record.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fraudsieve._io import read_file, read_secret_file, write_file
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import EvidenceError

from .canonical import decode_canonical, encode_canonical

NO_RECORD: Final = bytes(32)
"""The digest before the first record."""
_HEAD: Final = b'{"leaf":"'
_MIDDLE: Final = b'","record":'
_START: Final = len(_HEAD) + 64 + len(_MIDDLE)


EMPTY: Final = hashlib.sha256().digest()
"""The root of a tree without leaves."""


def leaf_digest(content: bytes) -> bytes:
    """Return the digest of a leaf: SHA-256 of the byte 0 and the content."""
    return hashlib.sha256(b"\x00" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows at its end. It keeps one digest per complete subtree: a few dozen for billions of leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the digest of a leaf."""
        n = self.size
        while n & 1:  # a complete subtree of the same size is to the left
            leaf = _node(self._subtrees.pop(), leaf)
            n >>= 1
        self._subtrees.append(leaf)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The digest of the tree."""
        if not self._subtrees:
            return EMPTY
        root = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            root = _node(left, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the digest of the tree over the digests of leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the proof that a leaf is in the tree: the sibling digests on its path to the root, from the leaf up."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"Expected a leaf from 0 to {len(leaves) - 1}, got {index}.")
    path: list[bytes] = []
    while len(leaves) > 1:
        k = 1 << ((len(leaves) - 1).bit_length() - 1)  # the largest power of two below their number
        if index < k:
            path.append(root_of(leaves[k:]))
            leaves = leaves[:k]
        else:
            path.append(root_of(leaves[:k]))
            leaves, index = leaves[k:], index - k
    return path[::-1]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that a leaf is in the tree with a root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last = index, size - 1
    for digest in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            leaf = _node(digest, leaf)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = _node(leaf, digest)
        node, last = node >> 1, last >> 1
    return last == 0 and leaf == root


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log."""

    log: str
    # Place of the record in the log, from 0.
    index: int
    previous: bytes
    leaf: bytes
    body: JsonObject


def line_of(body: bytes, log: str, index: int, previous: bytes) -> tuple[bytes, bytes]:
    """Return the line of a record, and its digest."""
    record = b'{"body":%b,"index":%d,"log":"%b","previous":"%b"}' % (body, index, log.encode(), previous.hex().encode())
    leaf = leaf_digest(record)
    return b"%b%b%b%b}\n" % (_HEAD, leaf.hex().encode(), _MIDDLE, record), leaf


def leaf_of_line(line: bytes) -> bytes | None:
    """Return the digest of the record in a line; None if the line does not hold that digest."""
    leaf = leaf_digest(line[_START:-2])
    expected = b"%b%b%b" % (_HEAD, leaf.hex().encode(), _MIDDLE)
    return leaf if line[:_START] == expected and line[-2:] == b"}\n" else None


def may_begin_line(content: bytes) -> bool:
    """Return whether content can be the beginning of a line, which a killed process left."""
    return content[: len(_HEAD)] == _HEAD[: len(content)]


def read_line(line: bytes, origin: str) -> Line:
    """Read a line, strictly."""
    leaf = leaf_of_line(line)
    if leaf is None:
        fix = "It was changed after it was written."
        raise EvidenceError(origin, "differs from its digest, or is not a line of an evidence log", fix)
    record = decode_canonical(line[_START:-2], origin)
    try:
        read = Line(record["log"], record["index"], bytes.fromhex(record["previous"]), leaf, record["body"])
        is_valid = type(read.index) is int and read.index >= 0  # places count from 0
        is_valid = is_valid and type(read.log) is str and isinstance(read.body, dict)
    except (KeyError, TypeError, ValueError):
        is_valid = False
    if not is_valid or len(record) != 4:
        raise EvidenceError(origin, "is not a record of an evidence log", "Name a file that fraudsieve wrote.")
    return read


def log_lines(path: str | Path) -> Iterator[bytes]:
    """Iterate over the lines of a file, with their ends; the last one may lack it."""
    try:
        with Path(path).open("rb") as stream:
            yield from stream
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read ({type(error).__name__})", "Name an evidence log.") from None


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

    def to_dict(self) -> JsonObject:
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
    kind = _ed25519().Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = read_secret_file(path, EvidenceError, PEM)
    key: Ed25519PrivateKey = _read_key(path, lambda: load_pem_private_key(content, None), kind, "private")
    return key


def read_public_key(path: str | Path) -> str:
    """Read an Ed25519 public key, as written by ``openssl pkey -pubout``, and return it in hexadecimal."""
    kind = _ed25519().Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = read_file(path, PUBLIC_BYTES, EvidenceError, PEM)
    key: Ed25519PublicKey = _read_key(path, lambda: load_pem_public_key(content), kind, "public")
    return key.public_bytes_raw().hex()


def signers(checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """Return the public keys that signed checkpoints."""
    return tuple(sorted({one.public_key for one in checkpoints if one.public_key is not None}))


def _read_key(path: str | Path, load: Callable[[], Any], kind: type, name: str) -> Any:
    try:
        key = load()
    except (ValueError, TypeError) as error:
        raise EvidenceError(str(path), f"cannot be read as a key ({type(error).__name__})", PEM) from None
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
