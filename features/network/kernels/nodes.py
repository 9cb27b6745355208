"""Accounts and values as nodes, numbered from 0 by the hash table of digests. Needs only NumPy and Numba."""

from typing import NamedTuple

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.digest_table import HASH_KEY, NO_WORD, empty_places, find_place, put_number


class Nodes(NamedTuple):
    """The digests of the nodes, and the places by which they are found."""

    digests: Array
    """Digest of each node, uint64, shape (n_nodes, 1); as long as there is room."""
    places: Array
    """Nodes by hash, int32."""
    key: Array
    """Key of the hash, uint64."""
    n_nodes: Array
    """Number of nodes, one int64."""


def empty_nodes(capacity: int) -> Nodes:
    """Return a table without nodes that has room for a number of them."""
    return Nodes(np.zeros((capacity, 1), np.uint64), empty_places(capacity), HASH_KEY, np.zeros(1, np.int64))


def grow_nodes(nodes: Nodes, capacity: int) -> Nodes:
    """Return a table with the same nodes that has room for more."""
    grown = empty_nodes(capacity)
    n = int(nodes.n_nodes[0])
    grown.digests[:n] = nodes.digests[:n]
    grown.n_nodes[0] = n
    _fill_places(grown)
    return grown


def number_nodes(n: int) -> Nodes:
    """Return a table of n nodes, where the digest of each is one more than its number."""
    nodes = empty_nodes(n)
    nodes.digests[:, 0] = np.arange(1, n + 1)
    nodes.n_nodes[0] = n
    _fill_places(nodes)
    return nodes


@compile_kernel()
def _fill_places(nodes: Nodes) -> None:
    for node in range(nodes.n_nodes[0]):
        put_number(node, nodes.places, nodes.digests, nodes.key)


@compile_part()
def _place_of(nodes: Nodes, digest: np.uint64) -> int:
    return int(find_place(digest, NO_WORD, NO_WORD, nodes.places, nodes.digests, nodes.key))


@compile_part()
def find_node(nodes: Nodes, digest: np.uint64) -> int:
    """Return the node of a digest; -1 if there is none."""
    node: int = nodes.places[_place_of(nodes, digest)] + 0
    return node


@compile_part()
def intern_node(nodes: Nodes, digest: np.uint64) -> int:
    """Return the node of a digest, which is added if needed; there must be room for one more."""
    place = _place_of(nodes, digest)
    if nodes.places[place] < 0:
        nodes.digests[nodes.n_nodes[0], 0] = digest
        nodes.places[place] = nodes.n_nodes[0]
        nodes.n_nodes[0] += 1
    node: int = nodes.places[place] + 0
    return node
