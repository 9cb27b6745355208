"""The charts of an evaluation report. Each function returns a `Figure`, or None if the report has no data for it."""

import re
from collections.abc import Callable, Sequence

from fraudsieve.training.evaluation.capacity import CapacityCurve, CapacityPoint
from fraudsieve.training.evaluation.costs import CostCurve, CostPoint
from fraudsieve.training.evaluation.metrics import format_number
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.evaluation.report_parts.curves import ReliabilityBin

from .labels_section import draw_label_delays
from .rendering import style_sheet
from .score_charts import draw_histogram, draw_lift, draw_roc
from .svg import CHARACTER, Chart, Figure
from .svg_scale import shorten, text_width
from .unlike_section import draw_unlike
from .words import feature_words

__all__ = ["draw_figure_files", "draw_figures", "draw_reliability", "make_row_chart", "standalone_svg"]

MAX_ROWS = 24
STRENGTH_MARKS = {"light": ("c1", "circle"), "medium": ("c2", "square"), "strong": ("c3", "diamond")}
STANDALONE = '<svg xmlns="http://www.w3.org/2000/svg" width="600" style="background:var(--card)" '


def draw_figures(report: EvaluationReport) -> list[Figure]:
    """Draw the charts of an evaluation report, except those of its labels and of records unlike training.

    Parameters
    ----------
    report : EvaluationReport
        As from `evaluate`.

    Returns
    -------
    list of Figure
        Title, description and inline SVG of each chart. Charts without data are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from fraudsieve.training.evaluation.report import evaluate
    >>> p = np.array([0.1, 0.2, 0.9, 0.8])
    >>> labels = np.array(["ham", "ham", "spam", "spam"], object)
    >>> report = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    >>> [figure.title for figure in draw_figures(report)][:2]
    ['Found against alerts', 'Precision against recall']
    """
    return [figure for draw in CHARTS.values() if (figure := draw(report)) is not None]


def draw_figure_files(report: EvaluationReport) -> dict[str, str]:
    """Return all charts of a report as SVG images that need no other file, by file name in a folder ``figures``."""
    others = {"labels_known": _draw_labels, "unlike_training": draw_unlike}
    figures = {name: draw(report) for name, draw in (CHARTS | others).items()}
    return {f"figures/{name}.svg": standalone_svg(figure) for name, figure in figures.items() if figure is not None}


def standalone_svg(figure: Figure) -> str:
    """Return the image of a figure as a file of its own, with the colours of a light page."""
    style = style_sheet(dark=False)
    return re.sub(r"^<svg ([^>]*)>", lambda match: f"{STANDALONE}{match[1]}><style>{style}</style>", figure.svg) + "\n"


def _draw_labels(report: EvaluationReport) -> Figure | None:
    return None if report.labels is None else draw_label_delays(report.labels)


def _recall_by_alerts(report: EvaluationReport) -> Figure | None:
    """Draw recall and precision against the number of alerts that are reviewed."""
    capacity = report.capacity
    points = [] if capacity is None else [point for point in capacity.points if point.recall is not None]
    if capacity is None or not points:
        return None
    label, at = _alert_label(capacity), _alerts(capacity)
    chart = Chart((0, _alerts(points[-1])), (0, 1))
    chart.axes(label, "share")
    chart.line([(at, 0), (at, 1)], "muted", dashed=True)
    for name, css in (("recall", "c1"), ("precision", "c2")):
        _interval_band(chart, points, name, css)
        line = [(_alerts(point), getattr(point, name)) for point in points]
        chart.line(line, css, dashed=name == "precision")
        chart.legend(name, css, shape="dashed" if name == "precision" else "line")
    chart.legend(f"capacity, {format_number(at)}", "muted", shape="dashed")
    values = f"Recall {report.recall_at_capacity:.3f} and precision {report.precision_at_capacity:.3f}"
    return chart.to_figure(
        "Found against alerts", f"{values} at the capacity of {format_number(at)} {label}, {capacity.why}."
    )


def _interval_band(chart: Chart, points: Sequence[CapacityPoint], name: str, css: str) -> None:
    intervals = [
        (_alerts(point), interval) for point in points if (interval := getattr(point, f"{name}_interval")) is not None
    ]
    if intervals:
        low, high = ([(alerts, interval[end]) for alerts, interval in intervals] for end in (0, 1))
        chart.band(low, high, css)


def _alerts(counts: CapacityCurve | CapacityPoint | CostCurve | CostPoint) -> float:
    """Return alerts per day where the number of days is known, else all alerts."""
    return counts.alerts if counts.alerts_a_day is None else counts.alerts_a_day


def _alert_label(counts: CapacityCurve | CostPoint) -> str:
    return "alerts in all" if counts.alerts_a_day is None else "alerts per day"


def _precision_recall(report: EvaluationReport) -> Figure | None:
    """Draw precision against recall, over the base rate."""
    curve, base = None if report.curves is None else report.curves.precision_recall, report.base_rate
    if not curve or base is None:
        return None
    chart = Chart((0, 1), (0, 1))
    chart.axes("recall", "precision")
    chart.line([(0, base), (1, base)], "muted", dashed=True)
    chart.line(curve, "c1")
    chart.legend("this model", "c1")
    chart.legend("random ranking", "muted", shape="dashed")
    description = f"Average precision {report.average_precision:.3f}; a random ranking has {base:.3f}."
    return chart.to_figure("Precision against recall", description)


def _reliability(report: EvaluationReport) -> Figure | None:
    return None if report.curves is None else draw_reliability(report.curves.reliability, report.ece)


def draw_reliability(bins: Sequence[ReliabilityBin], ece: float | None) -> Figure | None:
    """Draw the share of fraud against the mean probability of each bin; None without bins."""
    if not bins:
        return None
    top = max(0.01, *(max(part.expected, part.observed) for part in bins)) * 1.04
    chart = Chart((0, top), (0, top))
    chart.axes("mean probability", "share that is fraud")
    chart.line([(0, 0), (top, top)], "muted", dashed=True)
    chart.line([(part.expected, part.observed) for part in bins], "c1")
    for part in bins:
        title = f"predicted {part.expected:.3f}, observed {part.observed:.3f}, {part.rows:,} rows"
        chart.dot(part.expected, part.observed, "c1", title=title)
    chart.legend("15 bins of equal size", "c1", shape="circle")
    chart.legend("as predicted", "muted", shape="dashed")
    description = f"Calibration error {ece:.3f}; below the diagonal there is less fraud than predicted."
    return chart.to_figure("Are the probabilities right?", description)


def _by_month(report: EvaluationReport) -> Figure | None:
    """Draw average precision, recall and the base rate by month."""
    months = report.by_month
    if not months or len(months) < 2:
        return None
    chart = Chart((-0.3, len(months) - 0.7), (0, 1))
    chart.names_below([month.month for month in months], "month", "share")
    series = (
        ("average precision", "average_precision", "c1", "circle"),
        ("recall", "recall", "c2", "square"),
        ("base rate", "base_rate", "muted", "diamond"),
    )
    for words, name, css, shape in series:
        values = [(i, value) for i, month in enumerate(months) if (value := getattr(month, name)) is not None]
        if values:
            chart.line(values, css)
            chart.legend(words, css, shape=shape)
        for i, value in values:
            chart.dot(i, value, css, shape=shape, title=f"{months[i].month}: {words} {value:.3f}")
    for i, month in enumerate(months):
        if month.interval:
            chart.span((i, i), month.interval, "c1")
    description = "Recall at one threshold: 1 % false positives over all months. Bars are intervals."
    return chart.to_figure("By month", description)


def _by_type(report: EvaluationReport) -> Figure | None:
    """Draw the F1 of every type, and the share that is flagged as whatever type."""
    types = [(name, metrics) for name, metrics in report.by_type.items() if metrics.rows]
    types.sort(key=lambda item: -item[1].rows)
    shown = types[:MAX_ROWS]
    if not shown:
        return None
    chart = make_row_chart([name for name, _ in shown], "share", 26)
    flagged = any(metrics.caught is not None for _, metrics in shown)
    for i, (name, metrics) in enumerate(shown):
        chart.bar(-i, metrics.f1, "c1 pale", title=f"{name}: F1 {metrics.f1:.3f}, {metrics.rows:,} rows")
        if metrics.interval:
            chart.span(metrics.interval, (-i, -i), "c1")
        if metrics.caught is not None:
            chart.dot(metrics.caught, -i, "c2", shape="diamond", title=f"{name}: {metrics.caught:.3f} flagged")
    chart.legend("F1 of the type", "c1", shape="square")
    if flagged:
        chart.legend("flagged at 1 % false positives", "c2", shape="diamond")
    description = "Predicted as its own type, and flagged at all." if flagged else "Predicted as its own type."
    return chart.to_figure("By type", description + _not_drawn(types))


def _under_attack(report: EvaluationReport) -> Figure | None:
    """Draw the share of the recall that is kept under every obfuscation."""
    attack = report.attack
    if attack is None or attack.recall == 0:
        return None
    kept = {name: {s: getattr(metrics, s) for s in STRENGTH_MARKS} for name, metrics in attack.obfuscations.items()}
    rows = [
        (name.replace("_", " "), recalls)
        for name, recalls in kept.items()
        if any(recall.changed for recall in recalls.values())
    ]
    if not rows:
        return None
    chart = make_row_chart([name for name, _ in rows], "share of the recall that is kept", 24)
    for i, (name, recalls) in enumerate(rows):
        values = [recall.kept for recall in recalls.values()]
        chart.span((min(values), max(values)), (-i, -i), "muted")
        for strength, recall in recalls.items():
            css, shape = STRENGTH_MARKS[strength]
            chart.dot(recall.kept, -i, css, shape=shape, title=f"{name}, {strength}: {recall.kept:.3f}")
    for strength, (css, shape) in STRENGTH_MARKS.items():
        chart.legend(strength, css, shape=shape)
    description = f"Recall {attack.recall:.3f} on {attack.rows:,} original texts at 1 % false positives."
    return chart.to_figure("Under attack", description)


def _importance(report: EvaluationReport) -> Figure | None:
    """Draw the gain of every family of features."""
    if not report.importance:
        return None
    gains = list(report.importance.items())
    shown = gains[:MAX_ROWS]
    names = [feature_words(name) for name, _ in shown]
    chart = make_row_chart(names, "share of the gain", 24, top=12, end=shown[0][1])
    for i, (name, (_, gain)) in enumerate(zip(names, shown, strict=True)):
        chart.bar(-i, gain, "c1", title=f"{name}: {gain:.3f}")
    description = "LightGBM's gain by family of features. The text model, from which boosting starts, is not included."
    return chart.to_figure("What the trees use", description + _not_drawn(gains))


def _cost_curve(report: EvaluationReport) -> Figure | None:
    """Draw the cost per 1,000 records against the alerts that are reviewed."""
    costs = report.costs
    if costs is None:
        return None
    points, last = costs.points, _alerts(costs.points[-1])
    highest = max(point.cost for point in points)
    if not highest or not last:
        return None
    label, top = _alert_label(points[0]), 1.08 * highest
    chart = Chart((0, last), (0, top), left=68)
    chart.axes(label, "reviews per 1,000 records")
    if report.capacity is not None:
        at = _alerts(report.capacity)
        chart.line([(at, 0), (at, top)], "muted", dashed=True)
        chart.legend("capacity", "muted", shape="dashed")
    chart.line([(_alerts(point), point.cost) for point in points], "c1")
    chart.dot(_alerts(costs), report.cost_per_1000 or 0.0, "c2", shape="diamond", title="decided by cost")
    chart.legend("by score", "c1")
    chart.legend("by cost", "c2", shape="diamond")
    spread = ", in proportion to its amount" if costs.by_amount else ""
    description = f"A missed fraud costs {format_number(costs.missed_cost)} reviews{spread}. "
    description += f"Decided by cost: {format_number(_alerts(costs))} {label}."
    return chart.to_figure("What mistakes cost", description)


CHARTS: dict[str, Callable[[EvaluationReport], Figure | None]] = {
    "recall_by_alerts": _recall_by_alerts,
    "precision_recall": _precision_recall,
    "lift": draw_lift,
    "roc": draw_roc,
    "score_histogram": draw_histogram,
    "reliability": _reliability,
    "cost_curve": _cost_curve,
    "by_month": _by_month,
    "by_type": _by_type,
    "under_attack": _under_attack,
    "importance": _importance,
}
"""All charts in the order of the page, by the names of their files."""


def make_row_chart(names: Sequence[str], label: str, step: float, *, top: float = 34, end: float = 1.0) -> Chart:
    """Return a chart with one row per name, at 0, -1, -2 and so on.

    `step` is the height of a row in units of the chart, `top` the space for the legend, and `end` the value at the
    right end.
    """
    left = 18 + CHARACTER * max(text_width(shorten(name)) for name in names)
    chart = Chart((0, end), (0.6 - len(names), 0.6), height=top + step * len(names) + 52, left=left, top=top)
    chart.rows(names, label)
    return chart


def _not_drawn(rows: Sequence[object]) -> str:
    return f" {len(rows) - MAX_ROWS} more are not drawn." if len(rows) > MAX_ROWS else ""
