"""Accounts and values as nodes, numbered from 0 by the hash table of digests. Needs only NumPy and Numba.

A node has running counts: a series whose items are totals up to and including a time. A total is two counts in one
integer, known accounts in the upper and frauds in the lower half. Changes at the same time share an entry, so the
totals do not depend on the order of changes, and no entry needs to be removed.
"""

from typing import NamedTuple

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.digest_table import HASH_KEY, NO_WORD, empty_places, find_place, put_number

from .series import Series, count_before, insert, item_at, size_of, start_of

HALF = 32
LOW = (1 << HALF) - 1


@compile_inlined()
def known_of(total: int) -> int:
    """Return the number of known accounts of a total."""
    return total >> HALF


@compile_inlined()
def frauds_of(total: int) -> int:
    """Return the number of frauds of a total."""
    return total & LOW


@compile_part()
def total_before(steps: Series, node: int, kind: np.int64, time: int) -> int:
    """Return the total strictly before a time."""
    n = count_before(steps, node, kind, time)
    return item_at(steps, start_of(steps, node, kind) + n - 1) if n else 0


@compile_part()
def add_change(steps: Series, node: int, kind: np.int64, time: int, change: int | np.int64) -> None:
    """Add a change of the counts from a time on; a change of zero adds no entry."""
    # Known accounts and frauds, as in `known_of` and `frauds_of`. One known account more from 20 on:
    #
    #   times      10        30      becomes     10     20     30
    #   items     1, 0      2, 1     becomes    1, 0   2, 0   3, 1
    #
    # The new entry begins with the total before it, and the change is added to all entries from there on.
    if change == 0:
        return
    n, size = count_before(steps, node, kind, time), size_of(steps, node, kind)
    first = start_of(steps, node, kind) + n
    if n == size or steps.times[first] != time:
        insert(steps, node, kind, n, time, item_at(steps, first - 1) if n else 0)
    first = start_of(steps, node, kind) + n
    for k in range(first, start_of(steps, node, kind) + size_of(steps, node, kind)):
        steps.items[k] += change


@compile_part()
def label_before(steps: Series, node: int, kind: np.int64, time: int) -> int:
    """Return the label of a node strictly before a time, as a total of one account; 0 if it has none."""
    n = count_before(steps, node, kind, time)
    return (1 << HALF) + item_at(steps, start_of(steps, node, kind) + n - 1) if n else 0


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
