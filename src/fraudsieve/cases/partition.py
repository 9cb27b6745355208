"""The partition of linked actions into cases: Leiden's algorithm under the constant Potts model.

The constant Potts model (Traag et al., 2011) has no resolution limit: whether a group is a case depends only on that
group. Each connected component is partitioned separately, with a seed derived from its actions. A component without
changes therefore keeps its cases, whatever happens elsewhere.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError

ITERATIONS: Final = 4
BATCH: Final = 2
"""Components of at most this many actions are a case if their link is heavy enough; Leiden is not run."""


@dataclass(frozen=True, eq=False)
class Partition:
    """Cases of actions.

    Parameters
    ----------
    case : ndarray of int64, shape (n_actions,)
        The case of each action, numbered by its first action.
    component : ndarray of int64, shape (n_actions,)
        The connected component of each, numbered in the same way.
    """

    case: Array
    component: Array

    @property
    def n_cases(self) -> int:
        """Number of cases; an action without strong links is a separate case."""
        return int(self.case.max()) + 1 if len(self.case) else 0


def partition_actions(graph: sp.csr_matrix, ids: Array, *, resolution: float, seed: int = 0) -> Partition:
    """Partition linked actions into cases.

    Parameters
    ----------
    graph : csr_matrix of float64, shape (n_actions, n_actions)
        Symmetric weights without a diagonal, as `Links.graph` returns them.
    ids : ndarray of str, shape (n_actions,)
        Ids of the actions, in a canonical order; the seeds are derived from them.
    resolution : float
        Two groups become one if the mean weight of the links between them exceeds it.
    seed : int, default=0
        Seed from which those of all components are derived.

    Returns
    -------
    Partition
        The case and the component of each action.

    Raises
    ------
    SchemaError
        If graspologic-native is not installed.

    Examples
    --------
    >>> links = sp.csr_matrix(([1.0, 1.0], ([0, 1], [1, 0])), (3, 3))
    >>> partition_actions(links, np.array(["a", "b", "c"]), resolution=0.1).case.tolist()
    [0, 0, 1]
    """
    n_actions = graph.shape[0]
    if not n_actions:
        return Partition(np.empty(0, np.int64), np.empty(0, np.int64))
    component = _by_first_member(connected_components(graph, directed=False)[1])
    order = np.argsort(component, kind="stable")
    starts = np.searchsorted(component[order], np.arange(component.max() + 2))
    sizes = np.diff(starts)
    by_component = graph[order][:, order].tocsr()
    by_component.sort_indices()
    label = np.zeros(n_actions, np.int64)  # within the component
    pairs = starts[:-1][sizes == BATCH]
    label[pairs + 1] = by_component.data[by_component.indptr[pairs]] <= resolution
    for start, stop in zip(starts[:-1][sizes > BATCH].tolist(), starts[1:][sizes > BATCH].tolist(), strict=True):
        label[start:stop] = _cut(by_component, start, stop, resolution, _seed_of(ids[order[start:stop]], seed))
    case = np.empty(n_actions, np.int64)
    case[order] = component[order] * n_actions + label
    return Partition(_by_first_member(case), component)


def _by_first_member(groups: Array) -> Array:
    """Number groups by the position of their first member."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _seed_of(ids: Array, seed: int) -> int:
    digest = hashlib.blake2b("\0".join([str(seed), *ids]).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def _cut(graph: sp.csr_matrix, start: int, stop: int, resolution: float, seed: int) -> Array:
    """Cut one component, which is a block of the diagonal."""
    try:
        from graspologic_native import leiden_csr
    except ImportError:
        fix = "Run: pip install 'fraudsieve[cases]'"
        raise SchemaError("cases", "need graspologic-native, which is not installed", fix) from None
    begin, end = graph.indptr[start], graph.indptr[stop]
    _, found = leiden_csr(
        (graph.indptr[start : stop + 1] - begin).astype(np.int64),
        (graph.indices[begin:end] - start).astype(np.int32),
        graph.data[begin:end],
        stop - start,
        resolution=resolution,
        use_modularity=False,
        seed=seed,
        iterations=ITERATIONS,
    )
    label = np.arange(stop - start) + (stop - start)  # what Leiden leaves out is alone
    label[np.fromiter(found.keys(), np.int64, len(found))] = np.fromiter(found.values(), np.int64, len(found))
    return np.unique(label, return_inverse=True)[1]
