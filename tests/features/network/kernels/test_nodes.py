"""Nodes by digest: the same numbers however often the table grows."""

import numpy as np
import pytest

from fraudsieve.features.network.kernels.nodes import empty_nodes, find_node, grow_nodes, intern_node


@pytest.mark.slow
def test_nodes_are_numbered_in_the_order_of_first_appearance() -> None:
    digests = np.random.default_rng(0).integers(1, 2**63, 500).astype(np.uint64)
    digests[:50] = np.arange(1, 51)
    nodes = empty_nodes(4)
    for number, digest in enumerate(digests):
        if nodes.n_nodes[0] == len(nodes.digests):
            nodes = grow_nodes(nodes, 2 * len(nodes.digests))
        assert find_node(nodes, digest) == -1
        assert intern_node(nodes, digest) == number
    assert [find_node(nodes, digest) for digest in digests] == list(range(500))
    assert [intern_node(nodes, digest) for digest in digests] == list(range(500))
    np.testing.assert_array_equal(nodes.digests[:500, 0], digests)
