"""The picture of a case: its actions, and what they share."""

from typing import Final

import numpy as np

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.training.pages.svg import CHARACTER, Chart, Figure
from fraudsieve.training.pages.svg_scale import LABEL_WIDTH, shorten, text_width

from .case_rows import CaseRows
from .graph import CaseGraph, case_graph
from .layout import place_nodes
from .names import CaseNames

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
    >>> from .case_rows import rows_of_cases
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
