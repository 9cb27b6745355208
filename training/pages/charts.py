"""The figures of the sheet. Each returns an element ``figure``, or None where the sheet has not what it needs."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from .svg import CHARACTER, Chart
from .svg_scale import number, shorten, text_width

__all__ = ["FIGURES", "figures", "framed", "reliability", "row_chart"]

Sheet = Mapping[str, Any]

MOST_ROWS = 24
STRENGTH_MARKS = {"light": ("c1", "circle"), "medium": ("c2", "square"), "strong": ("c3", "diamond")}


def figures(sheet: Sheet) -> list[str]:
    """Draw all figures of a sheet.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`.

    Returns
    -------
    list of str
        Elements ``figure`` with inline SVG; those that the sheet has nothing for are left out.

    Examples
    --------
    >>> figures({"importance": {"wording": 0.7, "cues": 0.3}})[0][:8]
    '<figure>'
    """
    drawn = [draw(sheet) for draw in FIGURES]
    return [figure for figure in drawn if figure is not None]


def recall_by_alerts(sheet: Sheet) -> str | None:
    """Draw what is found against the alerts that are reviewed."""
    capacity = sheet.get("capacity") or {}
    points = [point for point in capacity.get("points", []) if point["recall"] is not None]
    if not points:
        return None
    unit, label = _alert_unit(capacity)
    chart = Chart((0, points[-1][unit]), (0, 1))
    chart.axes(label, "share")
    at = capacity[unit]
    chart.line([(at, 0), (at, 1)], "muted", dashed=True)
    for name, css in (("recall", "c1"), ("precision", "c2")):
        _band(chart, points, unit, name, css)
        chart.line([(point[unit], point[name]) for point in points], css, dashed=name == "precision")
        chart.legend(name, css, shape="dashed" if name == "precision" else "line")
    chart.legend(f"capacity, {number(at)}", "muted", shape="dashed")
    told = (
        f"Recall {sheet['recall_at_capacity']:.3f} and precision {sheet['precision_at_capacity']:.3f} at the capacity"
    )
    return framed(chart, "Found against alerts", f"{told} of {number(at)} {label}.")


def _band(chart: Chart, points: Sequence[Mapping[str, Any]], unit: str, name: str, css: str) -> None:
    known = [point for point in points if point[f"{name}_interval"]]
    if known:
        low, high = ([(point[unit], point[f"{name}_interval"][end]) for point in known] for end in (0, 1))
        chart.band(low, high, css)


def _alert_unit(facts: Mapping[str, Any]) -> tuple[str, str]:
    return ("alerts", "alerts in all") if facts["alerts_a_day"] is None else ("alerts_a_day", "alerts a day")


def precision_recall(sheet: Sheet) -> str | None:
    """Draw precision against recall, over the base rate."""
    curve = (sheet.get("curves") or {}).get("precision_recall")
    if not curve:
        return None
    chart, base = Chart((0, 1), (0, 1)), sheet["base_rate"]
    chart.axes("recall", "precision")
    chart.line([(0, base), (1, base)], "muted", dashed=True)
    chart.line([tuple(point) for point in curve], "c1")
    chart.legend("this model", "c1")
    chart.legend("chance", "muted", shape="dashed")
    told = f"Average precision {sheet['average_precision']:.3f}, where chance has {base:.3f}."
    return framed(chart, "Precision against recall", told)


def reliability(sheet: Sheet) -> str | None:
    """Draw the share of fraud against what was predicted."""
    bins = (sheet.get("curves") or {}).get("reliability")
    if not bins:
        return None
    top = max(0.01, *(max(b["expected"], b["observed"]) for b in bins)) * 1.04
    chart = Chart((0, top), (0, top))
    chart.axes("mean probability", "share that is fraud")
    chart.line([(0, 0), (top, top)], "muted", dashed=True)
    chart.line([(b["expected"], b["observed"]) for b in bins], "c1")
    for b in bins:
        told = f"predicted {b['expected']:.3f}, observed {b['observed']:.3f}, {b['rows']:,} rows"
        chart.dot(b["expected"], b["observed"], "c1", title=told)
    chart.legend("15 bins of equal size", "c1", shape="circle")
    chart.legend("as predicted", "muted", shape="dashed")
    told = f"Calibration error {sheet['ece']:.3f}; below the diagonal there is less fraud than predicted."
    return framed(chart, "Do probabilities mean what they say?", told)


def by_month(sheet: Sheet) -> str | None:
    """Draw average precision, recall and the base rate by month."""
    months = sheet.get("by_month")
    if not months or len(months) < 2:
        return None
    chart = Chart((-0.3, len(months) - 0.7), (0, 1))
    chart.names_below([month["month"] for month in months], "month", "share")
    series = (
        ("average precision", "average_precision", "c1", "circle"),
        ("recall", "recall", "c2", "square"),
        ("base rate", "base_rate", "muted", "diamond"),
    )
    for name, key, css, shape in series:
        known = [(i, month[key]) for i, month in enumerate(months) if month[key] is not None]
        if known:
            chart.line(known, css)
            chart.legend(name, css, shape=shape)
        for i, value in known:
            chart.dot(i, value, css, shape=shape, title=f"{months[i]['month']}: {name} {value:.3f}")
    for i, month in enumerate(months):
        if month["interval"]:
            chart.span((i, i), tuple(month["interval"]), "c1")
    told = "Recall at one threshold, that of 1 % false positives over all months. Bars are intervals."
    return framed(chart, "By month", told)


def by_type(sheet: Sheet) -> str | None:
    """Draw F1 of every type, and the share that is caught whatever it is taken for."""
    rows = [(name, found) for name, found in sheet.get("by_type", {}).items() if found["rows"]]
    rows = sorted(rows, key=lambda row: -row[1]["rows"])
    shown = rows[:MOST_ROWS]
    if not shown:
        return None
    chart = row_chart([name for name, _ in shown], "share", 26)
    some_caught = any(found["caught"] is not None for _, found in shown)
    for i, (name, found) in enumerate(shown):
        chart.bar(-i, found["f1"], "c1 pale", title=f"{name}: F1 {found['f1']:.3f}, {found['rows']:,} rows")
        if found["interval"]:
            chart.span(tuple(found["interval"]), (-i, -i), "c1")
        if found["caught"] is not None:
            chart.dot(found["caught"], -i, "c2", shape="diamond", title=f"{name}: {found['caught']:.3f} flagged")
    chart.legend("F1 of the type", "c1", shape="square")
    if some_caught:
        chart.legend("flagged at 1 % false positives", "c2", shape="diamond")
    told = "Called by its name, and flagged at all." if some_caught else "Called by its name."
    return framed(chart, "By type", told + _rest(rows))


def under_attack(sheet: Sheet) -> str | None:
    """Draw what is kept of the recall under every obfuscation."""
    attack = sheet.get("attack")
    if not attack:
        return None
    strengths = [name for name in STRENGTH_MARKS if name in attack["character"]]
    changed = [(name, one) for name, one in attack["obfuscations"].items() if any(one[s]["changed"] for s in strengths)]
    if not changed or attack["recall"] == 0:
        return None
    chart = row_chart([name.replace("_", " ") for name, _ in changed], "share of the recall that is kept", 24)
    for i, (name, one) in enumerate(changed):
        values = [one[strength]["kept"] for strength in strengths]
        chart.span((min(values), max(values)), (-i, -i), "muted")
        for strength, value in zip(strengths, values, strict=True):
            css, shape = STRENGTH_MARKS[strength]
            chart.dot(value, -i, css, shape=shape, title=f"{name}, {strength}: {value:.3f}")
    for strength in strengths:
        chart.legend(strength, *STRENGTH_MARKS[strength][:1], shape=STRENGTH_MARKS[strength][1])
    told = f"Recall {attack['recall']:.3f} on {attack['rows']:,} clean texts at 1 % false positives."
    return framed(chart, "Under attack", told)


def importance(sheet: Sheet) -> str | None:
    """Draw the gain of every family of features."""
    gains = sheet.get("importance")
    if not gains:
        return None
    shown = list(gains.items())[:MOST_ROWS]
    chart = row_chart([name for name, _ in shown], "share of the gain", 24, top=12, most=shown[0][1])
    for i, (name, gain) in enumerate(shown):
        chart.bar(-i, gain, "c1", title=f"{name}: {gain:.3f}")
    told = "LightGBM's gain by family of features. What boosting starts from, the wording, is not counted."
    return framed(chart, "What the trees use", told + _rest(list(gains)))


def cost_curve(sheet: Sheet) -> str | None:
    """Draw the cost for 1,000 records against the alerts that are reviewed."""
    costs = sheet.get("costs")
    if not costs:
        return None
    points = costs["points"]
    unit, label = _alert_unit(points[0])
    most = max(point["cost"] for point in points)
    if not most or not points[-1][unit]:
        return None
    chart = Chart((0, points[-1][unit]), (0, 1.08 * most), left=68)
    chart.axes(label, "reviews for 1,000 records")
    if sheet.get("capacity"):
        at = sheet["capacity"][unit]
        chart.line([(at, 0), (at, 1.08 * most)], "muted", dashed=True)
        chart.legend("capacity", "muted", shape="dashed")
    chart.line([(point[unit], point["cost"]) for point in points], "c1")
    chart.dot(costs[unit], sheet["cost_per_1000"], "c2", shape="diamond", title="decided by cost")
    chart.legend("by score", "c1")
    chart.legend("by cost", "c2", shape="diamond")
    miss = f"A fraud that is let pass costs {number(costs['missed_cost'])} reviews"
    told = f"{miss}{', spread by amount' if costs['by_amount'] else ''}. "
    return framed(chart, "What mistakes cost", told + f"Decided by cost: {number(costs[unit])} {label}.")


FIGURES: tuple[Callable[[Sheet], str | None], ...] = (
    recall_by_alerts,
    precision_recall,
    reliability,
    cost_curve,
    by_month,
    by_type,
    under_attack,
    importance,
)


def row_chart(names: Sequence[str], label: str, step: float, *, top: float = 34, most: float = 1.0) -> Chart:
    """Return a chart with a row a name.

    Parameters
    ----------
    names : sequence of str
        Names of the rows, from the top; at least one.
    label : str
        What the values are.
    step : float
        Height of a row, in units of the chart.
    top : float, default=34
        What is kept for the legend.
    most : float, default=1.0
        The value at the right end.

    Returns
    -------
    Chart
        Rows are at 0, -1, -2 and so on.
    """
    left = 18 + CHARACTER * max(text_width(shorten(name)) for name in names)
    chart = Chart((0, most), (0.6 - len(names), 0.6), height=top + step * len(names) + 52, left=left, top=top)
    chart.rows(names, label)
    return chart


def _rest(rows: Sequence[object]) -> str:
    return f" {len(rows) - MOST_ROWS} more are not drawn." if len(rows) > MOST_ROWS else ""


def framed(chart: Chart, title: str, told: str) -> str:
    """Put a chart into a figure with a caption.

    Parameters
    ----------
    chart : Chart
        The chart.
    title, told : str
        What it is and what it shows; also for those who cannot see it.

    Returns
    -------
    str
        An element ``figure``.
    """
    caption = f"<strong>{escape(title)}{'' if title.endswith('?') else '.'}</strong> {escape(told)}"
    return f"<figure>{chart.render(title, told)}<figcaption>{caption}</figcaption></figure>"
