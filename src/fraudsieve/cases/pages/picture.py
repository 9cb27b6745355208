"""The picture of a case: its actions, and what they share."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.pages.svg import CHARACTER, LABEL_WIDTH, Chart, Figure, shorten, text_width

from .case_section import WITHOUT_VALUE, CaseNames, CaseRows

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


GOLDEN_ANGLE: Final = np.pi * (3 - 5**0.5)
SPREAD: Final = 0.3
"""Distance by which a spiral separates nodes that are equally far from all others, in steps of the graph."""
STEPS: Final = 40
"""Steps of stress majorisation; more move nodes by less than their size."""
MAX_STRETCH: Final = 2.0
PUSHES: Final = 40
"""Rounds in which nodes that are too near to each other move apart."""


def place_nodes(n_nodes: int, edges: Array, width: float, height: float, gap: float) -> Array:
    """Place the nodes of a graph in a box.

    Notes
    -----
    Stress majorisation (Gansner, Koren and North, 2004) from the classical scaling of the distances.
    """
    if n_nodes == 1:
        return np.array([[width / 2, height / 2]])
    distances = _distances(n_nodes, edges)
    places = _majorise(_start(distances), distances)
    return _push_apart(_fit(_turn(places), width, height), width, height, gap)


def _distances(n_nodes: int, edges: Array) -> Array:
    links = sp.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (n_nodes, n_nodes)).tocsr()
    distances = shortest_path(links, directed=False, unweighted=True)
    reached = np.isfinite(distances)
    out: Array = np.where(reached, distances, distances[reached].max() + 1)
    return out


def _start(distances: Array) -> Array:
    """Return the classical scaling of distances, and a spiral that parts nodes with equal distances."""
    n = len(distances)
    squares = distances**2
    centred = -(squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()) / 2
    values, vectors = np.linalg.eigh(centred)
    flat = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    angle, radius = GOLDEN_ANGLE * np.arange(n), SPREAD * np.sqrt((np.arange(n) + 1) / n)
    spiral: Array = np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
    out: Array = _signed(flat[:, ::-1]) + spiral
    return out


def _signed(places: Array) -> Array:
    """Return places whose largest coordinate on each axis is positive: the sign of an eigenvector is arbitrary."""
    largest = np.take_along_axis(places, np.abs(places).argmax(axis=0)[None], axis=0)
    out: Array = places * np.where(largest < 0, -1.0, 1.0)
    return out


def _majorise(places: Array, distances: Array) -> Array:
    n = len(places)
    weights = np.where(distances > 0, np.maximum(distances, 1e-9) ** -2.0, 0.0)
    # It is applied to columns with a sum of 0, for which this is the inverse of the singular Laplacian.
    inverse = np.linalg.inv(np.diag(weights.sum(axis=1)) - weights + 1 / n)
    for _ in range(STEPS):
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        pull = np.where(apart > 1e-9, weights * distances / np.maximum(apart, 1e-9), 0.0)
        places = inverse @ (places * pull.sum(axis=1)[:, None] - pull @ places)
    return places


def _turn(places: Array) -> Array:
    """Return centred places with their longest direction across."""
    centred = places - places.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1]
    return _signed(centred @ axes[:, ::-1])


def _fit(places: Array, width: float, height: float) -> Array:
    """Stretch places to the box, but the flatter direction at most twice as much: a chain stays one."""
    box, low, high = np.array([width, height]), places.min(axis=0), places.max(axis=0)
    scale = box / np.maximum(high - low, 1e-9)
    scale = np.minimum(scale, MAX_STRETCH * scale.min())
    out: Array = (places - (low + high) / 2) * scale + box / 2
    return out


def _push_apart(places: Array, width: float, height: float, gap: float) -> Array:
    box = np.array([width, height])
    n = len(places)
    angle = GOLDEN_ANGLE * np.arange(n)
    aside = np.column_stack([np.cos(angle), np.sin(angle)])  # how nodes at the same place move apart
    for _ in range(PUSHES):
        between = places[:, None] - places[None]
        apart = np.linalg.norm(between, axis=2)
        near = (apart < gap) & ~np.eye(n, dtype=bool)
        if not near.any():
            break
        way = np.where(apart[..., None] > 1e-6, between / np.maximum(apart, 1e-6)[..., None], aside[:, None])
        step = np.where(near[..., None], way * (gap - apart)[..., None] / 2, 0.0).sum(axis=1)
        places = np.clip(places + np.clip(step, -gap, gap), 0, box)
    out: Array = np.clip(places, 0, box)
    return out


WIDTH: Final = 400.0
SIDE: Final = 16.0
TOP: Final = 44.0
HEIGHTS: Final = ((12, 260.0), (60, 340.0), (10_000, 420.0))
"""Height of the picture by the number of nodes."""
NUMBERED: Final = 30
"""Actions of a picture up to which each has its number."""
EDGES: Final = {"sends": "muted", "receives": "muted dashed", "has": "c3", "alike": "c1 dashed"}
LEGEND: Final = (("action", "c1", "circle"), ("account", "c2", "square"), ("shared identifier", "c3", "diamond"))
LINE: Final = 13.0
"""Height of a line of text."""
Box = tuple[float, float, float, float]


def draw_case(rows: CaseRows, names: CaseNames | None = None) -> Figure:
    """Draw the graph of a case.

    Parameters
    ----------
    rows : CaseRows
        The case, as from `rows_of_cases`.
    names : CaseNames, default=None
        Names of accounts and identifiers; None to number them.

    Returns
    -------
    Figure
        Actions are circles, accounts squares, shared identifiers diamonds. Names without enough room are left
        out; each mark has its name as a tooltip.

    Examples
    --------
    >>> import pandas as pd
    >>> from fraudsieve.cases import find_cases
    >>> from .case_section import rows_of_cases
    >>> found = find_cases(pd.DataFrame({"action_id": ["a", "b"], "account_id": "ann"}), key=b"a key")
    >>> draw_case(next(rows_of_cases(found))).svg.count("<circle")
    3
    """
    graph = case_graph(rows, names or CaseNames())
    height = next(height for limit, height in HEIGHTS if len(graph) <= limit)
    gap = 26.0 if len(graph) <= NUMBERED else 11.0
    places = place_nodes(len(graph), graph.edges, WIDTH - 2 * SIDE, height - TOP - 2 * SIDE, gap)
    places = places.round(1) + np.array([SIDE, TOP + SIDE])
    chart = Chart((0, WIDTH), (height, 0), height=height, left=0, top=0)
    _draw_legend(chart, graph)
    for (first, second), kind in zip(graph.edges.tolist(), graph.kinds, strict=True):
        chart.segment(tuple(places[first].tolist()), tuple(places[second].tolist()), f"thin {EDGES[kind]}")
    labels = _draw_nodes(chart, rows, graph, places)
    _draw_labels(chart, labels, places)
    return chart.to_figure(tr("What the case consists of"), _description(rows, graph))


def _draw_legend(chart: Chart, graph: CaseGraph) -> None:
    kinds = {kind for kind, _ in graph.shared}
    shown = {"action", *kinds} | ({"shared identifier"} if "identifier" in kinds else set())
    for name, css, shape in LEGEND:
        if name in shown:
            chart.legend(tr(name), css, shape=shape)
    chart.next_legend_line()
    for kind, name in (("sends", "sends"), ("receives", "receives"), ("alike", "similar or near in time")):
        if kind in graph.kinds:
            chart.legend(
                tr(name), EDGES[kind].replace(" dashed", ""), shape="dashed" if "dashed" in EDGES[kind] else "line"
            )


def _draw_nodes(chart: Chart, rows: CaseRows, graph: CaseGraph, places: Array) -> list[tuple[int, str, str]]:
    """Draw the marks, and return the labels in order of importance: node, text, tooltip."""
    small = len(graph) > NUMBERED * 2
    confirmed = rows.column("confirmed")
    for node, member in enumerate(graph.actions.tolist()):
        css = "muted" if confirmed[member] == "legitimate" else "c1"
        title = tr("action {n}", n=member + 1)
        if confirmed[member] is not None:
            title = tr("{action}, confirmed {label}", action=title, label=tr(confirmed[member]))
        x, y = places[node].tolist()
        chart.mark(x, y, f"{css}{' small' if small else ''}", "circle", title)
    degree = np.bincount(graph.edges.ravel(), minlength=len(graph)) if len(graph.edges) else np.zeros(len(graph))
    labels = []
    for node, (kind, name) in enumerate(graph.shared, len(graph.actions)):
        css, shape = ("c2", "square") if kind == "account" else ("c3", "diamond")
        x, y = places[node].tolist()
        chart.mark(x, y, css, shape, tr("{name}, {n} actions", name=name, n=int(degree[node])))
        labels.append((node, shorten(name, LABEL_WIDTH), name))
    labels.sort(key=lambda label: -degree[label[0]])
    if len(graph.actions) <= NUMBERED:
        labels += [(node, str(member + 1), "") for node, member in enumerate(graph.actions.tolist())]
    return labels


def _draw_labels(chart: Chart, labels: list[tuple[int, str, str]], places: Array) -> None:
    """Write each label where it covers no mark and no other label; leave it out if there is no such place."""
    taken: list[Box] = [(x - 4, y - 4, x + 4, y + 4) for x, y in places.tolist()]
    for node, text, title in labels:
        x, y = places[node].tolist()
        wide = CHARACTER * text_width(text)
        for left, base in ((x + 7, y + 4), (x - 7 - wide, y + 4), (x - wide / 2, y - 8), (x - wide / 2, y + 17)):
            box = (left, base - LINE + 2, left + wide, base + 2)
            inside = left >= 1 and left + wide <= WIDTH - 1 and box[1] >= TOP - 6 and base + 2 <= chart.height
            if inside and not any(_overlap(box, other) for other in taken):
                chart.text(left, base, text, css="tick halo", title=title)
                taken.append(box)
                break


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _description(rows: CaseRows, graph: CaseGraph) -> str:
    more_actions = len(rows.members) - len(graph.actions)
    parts: list[str] = [tr("Actions are joined to the accounts and identifiers that they have in common")]
    if graph.shared:
        parts += [tr("{name} has most of them", name=graph.shared[0][1])]
    parts += [tr("{n:,} more actions are not drawn", n=more_actions)] if more_actions else []
    n_left_out = graph.n_left_out
    parts += [tr("{n:,} more accounts and identifiers are not drawn", n=n_left_out)] if n_left_out else []
    return tr("{text}.", text=tr("; ").join(parts))
