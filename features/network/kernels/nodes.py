"""Accounts and values as nodes, numbered from 0 by a hash table. Needs only NumPy and Numba.

Ids come from users, who must not be able to choose digests that share a slot. So the hash has a random key per process.
The numbers of nodes do not depend on it.
"""

from typing import NamedTuple

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.ids import HASH_KEY

__all__ = ["Nodes", "empty_nodes", "find_node", "grow_nodes", "intern_node", "number_nodes"]

SLOTS_PER_NODE = 2
_BITS, _ONE = np.uint64(64), np.uint64(1)


class Nodes(NamedTuple):
    """The digests of the nodes, and the hash table that finds them."""

    digests: Array
    """Digest of each node, uint64; as long as there is room."""
    slots: Array
    """Nodes by hash, int32; -1 if a slot is empty. The length is a power of two."""
    key: Array
    """Key of the hash, uint64."""
    n_nodes: Array
    """Number of nodes, one int64."""


def empty_nodes(capacity: int) -> Nodes:
    """Return a table without nodes that has room for a number of them."""
    n_slots = 1 << (SLOTS_PER_NODE * capacity - 1).bit_length()
    slots = np.full(max(n_slots, 2), -1, np.int32)
    return Nodes(np.zeros(capacity, np.uint64), slots, HASH_KEY[:2], np.zeros(1, np.int64))


def grow_nodes(nodes: Nodes, capacity: int) -> Nodes:
    """Return a table with the same nodes that has room for more."""
    grown = empty_nodes(capacity)
    n = int(nodes.n_nodes[0])
    grown.digests[:n] = nodes.digests[:n]
    grown.n_nodes[0] = n
    _fill_slots(grown)
    return grown


def number_nodes(n: int) -> Nodes:
    """Return a table of n nodes, where the digest of each is one more than its number."""
    nodes = empty_nodes(n)
    nodes.digests[:] = np.arange(1, n + 1)
    nodes.n_nodes[0] = n
    _fill_slots(nodes)
    return nodes


@compile_part()
def _slot_of(nodes: Nodes, digest: np.uint64) -> int:
    """Return the slot that holds a digest, or the empty one where it belongs."""
    mask = np.uint64(nodes.slots.size - 1)
    state = (digest ^ nodes.key[0]) * (nodes.key[1] | _ONE)
    slot = (state ^ (state >> np.uint64(32))) & mask
    while nodes.slots[slot] >= 0 and nodes.digests[nodes.slots[slot]] != digest:
        slot = (slot + _ONE) & mask
    return int(slot)


@compile_kernel()
def _fill_slots(nodes: Nodes) -> None:
    for node in range(nodes.n_nodes[0]):
        nodes.slots[_slot_of(nodes, nodes.digests[node])] = node


@compile_part()
def find_node(nodes: Nodes, digest: np.uint64) -> int:
    """Return the node of a digest; -1 if there is none."""
    node: int = nodes.slots[_slot_of(nodes, digest)] + 0
    return node


@compile_part()
def intern_node(nodes: Nodes, digest: np.uint64) -> int:
    """Return the node of a digest, which is added if needed; there must be room for one more."""
    slot = _slot_of(nodes, digest)
    if nodes.slots[slot] < 0:
        nodes.digests[nodes.n_nodes[0]] = digest
        nodes.slots[slot] = nodes.n_nodes[0]
        nodes.n_nodes[0] += 1
    node: int = nodes.slots[slot] + 0
    return node
