"""The reasons why members are together: the strongest chain of links from each to the centre of its case."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

from fraudsieve._translation import tr
from fraudsieve._typing import Array

from .case_rows import CaseRows
from .names import CaseNames, link_words


def joined_through(rows: CaseRows, names: CaseNames) -> list[str]:
    """Return for each member the other member and the link through which it belongs to the case.

    The chains of two members to the centre, which is the member with the heaviest links, make the path between them.
    """
    links, n = rows.links, len(rows.members)
    if not len(links):
        return [""] * n
    heaviest: dict[tuple[int, int], int] = {}
    for k, (source, target) in enumerate(zip(links.source.tolist(), links.target.tolist(), strict=True)):
        heaviest.setdefault((source, target), k)  # the heaviest are first
    before, centre = _tree(links.source, links.target, links.weight, n)
    reasons: list[str] = []
    for member, other in enumerate(before.tolist()):
        row = heaviest.get((min(member, other), max(member, other)))
        if row is None:
            reasons.append(tr("the centre") if member == centre else "")
        else:
            link = link_words(str(links.kind[row]), links.value[row], names)
            reasons.append(tr("action {n}: {link}", n=other + 1, link=link))
    return reasons


def _tree(source: Array, target: Array, weight: Array, n: int) -> tuple[Array, int]:
    """Return the member before each on the strongest path from the centre, and the centre."""
    graph = sp.coo_matrix((weight, (source, target)), (n, n)).tocsr()
    graph = graph + graph.T
    centre = int(np.asarray(graph.sum(axis=1)).ravel().argmax())
    graph.data = 1 / graph.data
    return np.asarray(dijkstra(graph, directed=False, indices=centre, return_predecessors=True)[1]), centre
