"""The cohesion of a case: bridges, density, and the path between two members."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array


def within_cases(graph: sp.csr_matrix, case: Array) -> sp.csr_matrix:
    """Return the links of a graph that are inside cases."""
    links = graph.tocoo()
    inside = case[links.row] == case[links.col]
    return sp.csr_matrix((links.data[inside], (links.row[inside], links.col[inside])), graph.shape)


@compile_kernel()
def _bridge_kernel(offsets: Array, neighbours: Array, bridge: Array) -> None:
    """Mark the links to the parent that no other path replaces (Tarjan, 1974), without recursion."""
    n = offsets.size - 1
    number, low = np.full(n, -1, np.int64), np.empty(n, np.int64)
    parent, position, stack = np.full(n, -1, np.int64), offsets[:-1].copy(), np.empty(n, np.int64)
    counter = 0
    for root in range(n):
        if number[root] >= 0:
            continue
        size, stack[0] = 1, root
        number[root] = low[root] = counter
        counter += 1
        while size:
            node = stack[size - 1]
            if position[node] < offsets[node + 1]:
                other = neighbours[position[node]]
                position[node] += 1
                if number[other] < 0:
                    parent[other] = node
                    number[other] = low[other] = counter
                    counter += 1
                    stack[size] = other
                    size += 1
                elif other != parent[node]:
                    low[node] = min(low[node], number[other])
            else:
                size -= 1
                if parent[node] >= 0:
                    low[parent[node]] = min(low[parent[node]], low[node])
                    bridge[node] = parent[node] if low[node] > number[parent[node]] else -1


def find_bridges(graph: sp.csr_matrix) -> tuple[Array, Array]:
    """Find bridges: links whose removal splits a connected group of actions."""
    above = np.full(graph.shape[0], -1, np.int64)
    _bridge_kernel(graph.indptr, graph.indices, above)
    below = np.flatnonzero(above >= 0)
    first, second = np.minimum(below, above[below]), np.maximum(below, above[below])
    order = np.lexsort((second, first))
    return first[order], second[order]


def connecting_path(graph: sp.csr_matrix, source: int, target: int) -> list[int]:
    """Return the strongest path between two members of a case, which shows why they are together."""
    lengths = graph.copy()
    lengths.data = 1 / lengths.data
    before = dijkstra(lengths, directed=False, indices=source, return_predecessors=True)[1]
    path = [target]
    while path[-1] != source:
        if before[path[-1]] < 0:
            return []
        path.append(int(before[path[-1]]))
    return path[::-1]
