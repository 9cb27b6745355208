"""The graph of a case: its actions, and the accounts and identifiers that they share."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import minimum_spanning_tree

from fraudsieve._typing import Array

from .case_rows import CaseRows
from .names import WITHOUT_VALUE, CaseNames

MAX_ACTIONS: Final = 200
"""Actions that are drawn: those with the heaviest links."""
MAX_SHARED: Final = 40
"""Accounts and identifiers that are drawn: those with the most actions."""
FEW_ACTIONS: Final = 12
"""A case of no more actions has all its accounts drawn, not only those that actions share."""
VALUE_KINDS: Final = frozenset({"identifier", "address_range"})


@dataclass(frozen=True, eq=False)
class CaseGraph:
    """The parts of a case that are drawn."""

    # Positions of the members that are drawn; the first nodes.
    actions: Array
    # The nodes after them: `account` or `identifier`, and the name.
    shared: list[tuple[str, str]]
    # Shape (n_edges, 2). Nodes at the ends.
    edges: Array
    # Of each edge: `sends`, `receives`, `has` or `alike`.
    kinds: list[str]
    # Accounts and identifiers that several actions share, but are not drawn.
    n_left_out: int

    def __len__(self) -> int:
        return len(self.actions) + len(self.shared)


def case_graph(rows: CaseRows, names: CaseNames) -> CaseGraph:
    """Choose the parts of a case that are drawn."""
    actions = _drawn_actions(rows)
    place = {int(member): node for node, member in enumerate(actions)}
    uses = list(dict.fromkeys(_uses(rows, place)))
    count = Counter(value for value, _ in dict.fromkeys(((use[2], use[3]), use[0]) for use in uses))
    least = 1 if len(rows.members) <= FEW_ACTIONS else 2
    wanted = sorted((value for value, n in count.items() if n >= least), key=lambda value: (-count[value], value))
    shown = {value: len(actions) + node for node, value in enumerate(wanted[:MAX_SHARED])}
    edges = [(action, shown[kind, value], role) for action, role, kind, value in uses if (kind, value) in shown]
    edges += [(*ends, "alike") for ends in _alike(rows, place)]
    shared = [(kind, names.account(value) if kind == "account" else names.value(value)) for kind, value in shown]
    ends = np.array([edge[:2] for edge in edges], np.int64).reshape(-1, 2)
    return CaseGraph(actions, shared, ends, [edge[2] for edge in edges], len(wanted) - len(shown))


def _drawn_actions(rows: CaseRows) -> Array:
    n, links = len(rows.members), rows.links
    weight = np.bincount(links.source, links.weight, n) + np.bincount(links.target, links.weight, n)
    return np.sort(np.argsort(-weight, kind="stable")[:MAX_ACTIONS])


def _uses(rows: CaseRows, place: dict[int, int]) -> Iterator[tuple[int, str, str, str]]:
    """Yield the node of an action, its role, and the kind and value of each account or identifier that it uses."""
    for column, role in (("account_id", "sends"), ("counterparty_id", "receives")):
        for member, value in enumerate(rows.column(column)):
            if value is not None and member in place:
                yield place[member], role, "account", str(value)
    links = rows.links
    for row in np.flatnonzero(np.isin(links.kind, list(VALUE_KINDS))):
        for member in (int(links.source[row]), int(links.target[row])):
            if member in place:
                yield place[member], "has", "identifier", str(links.value[row])


def _alike(rows: CaseRows, place: dict[int, int]) -> list[tuple[int, int]]:
    """Return the strongest links without a shared value, without cycles: a forest."""
    links = rows.links
    chosen = [
        (place[int(links.source[row])], place[int(links.target[row])], float(links.weight[row]))
        for row in np.flatnonzero(np.isin(links.kind, list(WITHOUT_VALUE)))
        if int(links.source[row]) in place and int(links.target[row]) in place
    ]
    heaviest: dict[tuple[int, int], float] = {}
    for source, target, weight in chosen:
        heaviest[source, target] = max(weight, heaviest.get((source, target), 0.0))
    if not heaviest:
        return []
    ends = np.array(list(heaviest))
    lengths = 1 / np.array(list(heaviest.values()))
    tree = minimum_spanning_tree(sp.coo_matrix((lengths, (ends[:, 0], ends[:, 1])), (len(place),) * 2).tocsr()).tocoo()
    return sorted(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
