"""The Merkle tree of RFC 6962 (Certificate Transparency): one digest of a whole log, and short proofs about its parts.

A proof of inclusion shows one record without the others. The prefixes of leaves and nodes differ, so that a node cannot
be passed off as a record.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

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
