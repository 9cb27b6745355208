"""The Merkle tree: the vectors of Certificate Transparency, and proofs that hold for nothing but what they prove."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.evidence.checkpoints import (
    Frontier,
    inclusion_path,
    is_included,
    leaf_digest,
    root_of,
)

# The entries and roots of the tests of Certificate Transparency's reference implementation.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_digest(bytes.fromhex(entry)) for entry in ENTRIES]

trees = st.lists(st.binary(max_size=4), min_size=1, max_size=40).map(lambda entries: [*map(leaf_digest, entries)])


def test_roots_are_those_of_certificate_transparency() -> None:
    assert [root_of(LEAVES[:n]).hex() for n in range(1, 9)] == ROOTS
    assert root_of([]) == hashlib.sha256().digest()


@given(trees)
def test_the_frontier_has_the_root_at_every_size(leaves: list[bytes]) -> None:
    frontier = Frontier()
    for n, leaf in enumerate(leaves, 1):
        frontier.append(leaf)
        assert (frontier.size, frontier.root) == (n, root_of(leaves[:n]))


@given(trees, st.data())
def test_a_proof_of_inclusion_holds_for_its_leaf_alone(leaves: list[bytes], data: st.DataObject) -> None:
    index, size = data.draw(st.integers(0, len(leaves) - 1)), len(leaves)
    path, root = inclusion_path(leaves, index), root_of(leaves)
    assert is_included(leaves[index], index, size, path, root)
    assert not is_included(leaf_digest(b"another"), index, size, path, root)
    assert not is_included(leaves[index], index, size, [*path, root], root)
    assert not is_included(leaves[index], index, size, path, bytes(32))
    assert not is_included(leaves[index], size, size, path, root)
    assert not is_included(leaves[index], index, 2 * size + 1, path, root)
    if path:
        assert not is_included(leaves[index], index, size, path[:-1], root)


def test_a_path_of_a_leaf_that_does_not_exist() -> None:
    with pytest.raises(IndexError, match="from 0 to 7, got 8"):
        inclusion_path(LEAVES, 8)
