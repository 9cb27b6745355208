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

    Parameters
    ----------
    rows : CaseRows
    names : CaseNames
        Names of accounts and identifiers.

    Returns
    -------
    list of str, of length n_members
        Empty for a case of one action.

    Examples
    --------
    >>> import pandas as pd
    >>> from fraudsieve.cases import find_cases
    >>> from .case_rows import rows_of_cases
    >>> found = find_cases(pd.DataFrame({"action_id": ["a", "b"], "account_id": "ann"}), key=b"a key")
    >>> joined_through(next(rows_of_cases(found)), CaseNames())
    ['the centre', 'action 1: both sent by account 1']
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
