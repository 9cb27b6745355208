"""Cases from a table of flagged actions, in one call.

Leiden's algorithm under the constant Potts model (Traag et al., 2011) cuts the linked actions into cases. The model has
no resolution limit: whether a group is a case depends only on that group. Each connected component is partitioned
separately, with a seed derived from its actions. A component without changes therefore keeps its cases, whatever
happens elsewhere.

Cases over time: ids that stay the same when a case grows, and a record of merges and splits.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components, dijkstra

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING

from .actions import Actions, microseconds, microseconds_of, with_labels
from .links.sources import find_links
from .links.table import LINK_KINDS, Hubs, Links, link_graph
from .settings import CaseSettings
from .summary import ReviewTime, summarise_cases

CHANGES: Final = ["as_of", "change", "case_id", "other_id", "actions"]


@dataclass(frozen=True, eq=False)
class CaseLedger:
    """The latest cases, and the history of their changes.

    Parameters
    ----------
    members : Series of str
        The case id of each ``action_id``.
    history : DataFrame
        One row per change: ``as_of``, ``change`` (``opened``, ``grew``, ``merged``, ``split`` or ``closed``),
        ``case_id``, ``other_id`` (the case that was merged into this one, or that was split off) and ``actions`` (the
        number that the case has, or that moved).
    used : frozenset of str
        All ids that were ever assigned; none is assigned twice.
    """

    members: pd.Series = field(default_factory=lambda: pd.Series([], dtype=STRING))
    history: pd.DataFrame = field(default_factory=lambda: pd.DataFrame([], columns=CHANGES))
    used: frozenset[str] = frozenset()

    def update(self, ids: Array, case: Array, as_of: pd.Timestamp | None = None) -> "CaseLedger":
        """Assign ids to the cases of a new partition.

        A case keeps the id of an earlier case if it contains more of that case than any other case does. If it
        contains parts of several earlier cases, it keeps the id of the largest part, and the others were merged into
        it. A part that was split off gets a new id.

        Parameters
        ----------
        ids : ndarray of str, shape (n_actions,)
            Ids of the actions, in a canonical order.
        case : ndarray of int64, shape (n_actions,)
            The case of each, numbered from 0.
        as_of : Timestamp, default=None
            The cutoff time of the partition.

        Returns
        -------
        CaseLedger
            With the history so far and the new changes.

        Examples
        --------
        >>> before = CaseLedger().update(np.array(["a", "b"]), np.array([0, 0]))
        >>> after = before.update(np.array(["0", "a", "b"]), np.array([0, 0, 0]))
        >>> before.members["a"] == after.members["a"] == after.members["0"]
        True
        >>> after.history["change"].tolist()
        ['opened', 'grew']
        """
        overlaps = self._overlaps(ids, case)
        sizes = np.bincount(case)
        kept = _keep_ids(overlaps)
        used = set(self.used)
        firsts = ids[np.unique(case, return_index=True)[1]]
        names = [kept[k] if k in kept else _new_id(first, used) for k, first in enumerate(firsts)]
        rows = [*_openings(names, sizes, kept, self.members), *_moves(overlaps, names, kept)]
        closed = sorted(set(self.members) - set(names) - {row[2] for row in rows if row[0] == "merged"})
        rows += [("closed", name, None, 0) for name in closed]
        changes = pd.DataFrame([(as_of, *row) for row in rows], columns=CHANGES)
        history = changes if self.history.empty else pd.concat([self.history, changes], ignore_index=True)
        members = pd.Series(np.array(names, object)[case], pd.Index(ids, dtype=object), dtype=STRING)
        return CaseLedger(members, history, frozenset(used))

    def _overlaps(self, ids: Array, case: Array) -> pd.DataFrame:
        """Count the actions of each earlier case in each new one, the largest part first, and then the older id."""
        before = self.members.reindex(ids)
        pairs = pd.DataFrame({"case": case, "before": before.to_numpy(object)})[before.notna().to_numpy()]
        counts = pairs.groupby(["before", "case"], sort=True).size().rename("actions").reset_index()
        age = {name: age for age, name in enumerate(dict.fromkeys(self.history["case_id"]))}
        counts["age"] = counts["before"].map(age)
        return counts.sort_values(["actions", "age", "case"], ascending=[False, True, True], kind="stable")


def _keep_ids(overlaps: pd.DataFrame) -> dict[int, str]:
    """Return the id that each new case keeps; each is kept once, by the largest part."""
    kept: dict[int, str] = {}
    taken: set[str] = set()
    for name, case in zip(overlaps["before"], overlaps["case"], strict=True):
        if case not in kept and name not in taken:
            kept[int(case)] = name
            taken.add(name)
    return kept


def _new_id(first: str, used: set[str]) -> str:
    """Return an id derived from the first member: the same in every run, and never given twice."""
    attempt = 0
    while True:
        digest = hashlib.blake2b(f"{first}\0{attempt}".encode(), digest_size=8).hexdigest()
        if f"case-{digest}" not in used:
            used.add(f"case-{digest}")
            return f"case-{digest}"
        attempt += 1


_Change = tuple[str, str, str | None, int]


def _openings(names: list[str], sizes: Array, kept: dict[int, str], before: pd.Series) -> Iterable[_Change]:
    earlier = before.value_counts()
    for k, name in enumerate(names):
        if k not in kept:
            yield "opened", name, None, int(sizes[k])
        elif sizes[k] > earlier[name]:
            yield "grew", name, None, int(sizes[k])


def _moves(overlaps: pd.DataFrame, names: list[str], kept: dict[int, str]) -> Iterable[_Change]:
    """Yield what moved between cases: all of an earlier case is a merge, a part of it is a split."""
    ordered = overlaps.sort_values(["before", "case"])
    parts = ordered.groupby("before").size()
    for name, case, actions in zip(ordered["before"], ordered["case"], ordered["actions"], strict=True):
        if kept.get(int(case)) == name:
            continue
        if parts[name] == 1:
            yield "merged", names[case], name, int(actions)
        else:
            yield "split", name, names[case], int(actions)


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


@dataclass(frozen=True, eq=False)
class Cases:
    """Cases with their members, links and history.

    Parameters
    ----------
    cases : DataFrame of shape (n_cases, n_columns)
        ``case_id`` and the columns that `summarise_cases` returns, by rank.
    members : DataFrame of shape (n_actions, n_columns)
        ``case_id`` and the columns of the action, without its text and its identifiers. With labels, ``confirmed``
        (``fraud`` or ``legitimate``) and ``labelled_at``, as known at the cutoff time.
    links : DataFrame of shape (n_links, n_columns)
        ``source_id`` and ``target_id`` (actions), ``kind``, ``weight``, ``evidence`` (the id of an account, or a keyed
        digest), ``strength`` (a similarity, or the number of accounts that close a cycle), ``known_at``, ``is_bridge``
        and ``case_id``, which is missing if the link leads from one case to another.
    hubs : DataFrame of shape (n_hubs, 4)
        ``value``, ``actions``, ``accounts`` and ``unflagged``.
    ledger : CaseLedger
        The ids and the history of changes.
    """

    cases: pd.DataFrame
    members: pd.DataFrame
    links: pd.DataFrame
    hubs: pd.DataFrame
    ledger: CaseLedger

    def why_together(self, first: str, second: str) -> pd.DataFrame:
        """Return the links of the strongest path between two members of a case.

        Parameters
        ----------
        first, second : str
            Ids of actions.

        Returns
        -------
        DataFrame
            Rows of `links`, from the first to the second action. Two actions with several links have several rows.
            Empty if the actions are in different cases.

        Raises
        ------
        KeyError
            If one of the actions is not a member.

        Examples
        --------
        >>> frame = pd.DataFrame({"action_id": ["a", "b", "c"], "account_id": ["x", "x", "y"],
        ...     "counterparty_id": ["y", "z", "w"]})
        >>> found = find_cases(frame, key=b"a key")
        >>> found.why_together("b", "c")[["source_id", "target_id", "kind", "evidence"]].to_numpy().tolist()
        [['a', 'b', 'same_sender', 'x'], ['a', 'c', 'onward', 'y']]
        """
        case_of = self.members.set_index("action_id")["case_id"]
        if not {first, second} <= set(case_of.index):
            raise KeyError("Expected the ids of two members; at least one is not in the table of members.")
        inside: pd.DataFrame = self.links[self.links["case_id"] == case_of[first]]
        if case_of[first] != case_of[second]:
            return inside.head(0)
        ids = pd.Index(case_of.index[case_of == case_of[first]])
        source, target = (ids.get_indexer(inside[name]) for name in ("source_id", "target_id"))
        graph = link_graph(source, target, inside["weight"].to_numpy(), len(ids))
        path = connecting_path(graph, ids.get_loc(first), ids.get_loc(second))
        steps = {frozenset(step): place for place, step in enumerate(pairwise(path))}
        place = pd.Series([steps.get(frozenset(pair), -1) for pair in zip(source, target, strict=True)], inside.index)
        order: pd.Index = place[place >= 0].sort_values(kind="stable").index
        return inside.loc[order]


def find_cases(
    flagged: pd.DataFrame,
    *,
    key: bytes,
    settings: CaseSettings | None = None,
    as_of: pd.Timestamp | None = None,
    unflagged: pd.DataFrame | None = None,
    context: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    ledger: CaseLedger | None = None,
    review: ReviewTime | None = None,
    seed: int = 0,
) -> Cases:
    """Group flagged actions into cases.

    Parameters
    ----------
    flagged : DataFrame of shape (n_actions, n_columns)
        The actions: ``action_id`` and, if known, ``account_id``, ``counterparty_id``, ``occurred_at``, ``known_at``,
        ``kind``, ``type``, ``amount``, ``probability``, ``reason``, ``text``, ``ip`` and identifiers (columns that end
        in ``_id``).
    key : bytes
        A secret of 1 to 64 bytes. Identifiers are kept only as digests with this key.
    settings : CaseSettings, default=None
        Weights, windows and resolution; None for the defaults.
    as_of : Timestamp, default=None
        The cutoff time: only what was known strictly before it counts. None for all.
    unflagged : DataFrame, default=None
        Records that are not flagged; an identifier that is common among them links nothing.
    context : DataFrame, default=None
        Events of accounts (``account_id``, ``occurred_at``, identifiers) that are not flagged themselves. A flagged
        action has the identifiers that its account used until it was known.
    labels : DataFrame, default=None
        Confirmed actions: ``action_id``, ``is_fraud`` and, if known, ``labelled_at``. Labels that were known strictly
        before `as_of` count in the scores of cases, as 1 for fraud and 0 for legitimate. Labels never change which
        case an action belongs to.
    ledger : CaseLedger, default=None
        Earlier cases, whose ids are kept.
    review : ReviewTime, default=None
        How long a review takes, for the ranking; None for the defaults.
    seed : int, default=0
        Seed of the Leiden algorithm.

    Returns
    -------
    Cases
        The cases, their members and links, the hubs, and the book to pass to the next call.

    Raises
    ------
    SchemaError
        If the ids of the actions are missing or not unique, or graspologic-native is not installed.

    Examples
    --------
    >>> frame = pd.DataFrame({"action_id": ["a", "b", "c"], "account_id": ["ann", "ann", "bob"], "amount": [5, 6, 7]})
    >>> find_cases(frame, key=b"a key").cases[["rank", "actions", "amount"]].to_numpy().tolist()
    [[1.0, 2.0, 11.0], [2.0, 1.0, 7.0]]
    """
    settings, ledger = settings or CaseSettings(), ledger or CaseLedger()
    actions = Actions.from_frame(flagged, as_of)
    known = unflagged if as_of is None or unflagged is None else Actions.from_frame(unflagged, as_of).frame
    used = context
    if context is not None and as_of is not None:
        used = context[microseconds_of(context, "occurred_at") < microseconds(as_of)]
    links, hubs = find_links(actions, settings, key=key, unflagged=known, context=used)
    ids = actions.frame["action_id"].to_numpy(object)
    graph = links.graph(len(actions))
    case = partition_actions(graph, ids, resolution=settings.resolution, seed=seed).case
    bridges = find_bridges(within_cases(graph, case))
    ledger = ledger.update(ids, case, as_of)
    names = ledger.members.to_numpy(object)
    actions = with_labels(actions, labels, as_of)  # after the partition, which no label may change
    summary = summarise_cases(actions, case, links, bridges, review or ReviewTime())
    summary.insert(0, "case_id", names[np.unique(case, return_index=True)[1]])
    return Cases(
        summary.sort_values("rank", ignore_index=True),
        _member_table(actions, names),
        _link_table(actions, links, names, bridges),
        _hub_table(hubs),
        ledger,
    )


def _member_table(actions: Actions, case_ids: Array) -> pd.DataFrame:
    """Return the actions with their cases; texts and identifiers stay out."""
    kept = ("action_id", "account_id", "counterparty_id")
    names = [str(name) for name in actions.frame]
    columns = [name for name in names if name in kept or not (name.endswith("_id") or name in ("text", "ip"))]
    members = actions.frame[columns].copy()
    members.insert(0, "case_id", case_ids)
    return members


def _link_table(actions: Actions, links: Links, names: Array, bridges: tuple[Array, Array]) -> pd.DataFrame:
    ids = actions.frame["action_id"].to_numpy(object)
    together = names[links.source] == names[links.target]
    n = np.int64(len(actions))
    known = np.maximum(actions.known[links.source], actions.known[links.target])
    times = known.astype("datetime64[us]")  # NO_TIME is NaT
    table: dict[str, Any] = {
        "source_id": ids[links.source],
        "target_id": ids[links.target],
        "kind": np.array(LINK_KINDS, object)[links.kind],
        "weight": links.weight,
        "evidence": np.concatenate([links.shared, np.array([None], object)])[links.value],
        "strength": links.strength,
        "known_at": pd.Series(times).dt.tz_localize("UTC"),
        "is_bridge": np.isin(links.source * n + links.target, bridges[0] * n + bridges[1]),
        "case_id": np.where(together, names[links.source], np.array(None, object)),
    }
    words = ("source_id", "target_id", "kind", "evidence", "case_id")
    return pd.DataFrame(table).astype(dict.fromkeys(words, STRING))


def _hub_table(hubs: Hubs) -> pd.DataFrame:
    columns = {name: getattr(hubs, name) for name in ("value", "actions", "accounts", "unflagged")}
    return pd.DataFrame(columns).astype({"value": STRING}).sort_values("value", ignore_index=True)
