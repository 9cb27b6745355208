"""The lines of an evidence log: a record, its place in the log, the digest of the record before it, and its own digest.

A line is canonical JSON: ``{"leaf":<digest>,"record":{"body":...,"index":...,"log":...,"previous":<digest>}}``. The
digest is that of a leaf of the Merkle tree, over the bytes of the record. A mismatch identifies the changed line.

The tree is that of RFC 6962 (Certificate Transparency): one digest of a whole log, and short proofs about its parts. A
proof of inclusion shows one record without the others. The prefixes of leaves and nodes differ, so that a node cannot
be passed off as a record.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fraudsieve.exceptions import EvidenceError

from .canonical import decode_canonical

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


def _split(n: int) -> int:
    """Return the largest power of two below n."""
    return 1 << ((n - 1).bit_length() - 1)


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the proof that a leaf is in the tree: the sibling digests on its path to the root, from the leaf up."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"Expected a leaf from 0 to {len(leaves) - 1}, got {index}.")
    path: list[bytes] = []
    while len(leaves) > 1:
        k = _split(len(leaves))
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
    body: dict[str, Any]


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
