"""The charts of an evaluation report. Each function returns a `Figure`, or None if the report has no data for it.

Charts of the scores of an evaluation report: ROC, lift, the scores of each kind of record, and rounds.

Records that look like nothing in training, on a page: a sentence, facts, and a chart.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from fraudsieve._translation import Language, in_language, tr
from fraudsieve.pages.rendering import (
    Card,
    format_interval,
    format_metric,
    format_range,
    format_rate,
    label_words,
    standalone_svg,
)
from fraudsieve.pages.svg import Chart, Figure, make_row_chart
from fraudsieve.pages.words import feature_words, format_number, obfuscation_words
from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.capacity import CapacityCurve, CapacityPoint, CostCurve, CostPoint
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.evaluation.report_parts.curves import ReliabilityBin
from fraudsieve.training.evaluation.report_parts.weighting import UnlikeMetrics

from .breakdown import draw_label_delays


def unlike_text(unlike: UnlikeMetrics) -> str:
    """Return how many records look like nothing in training, in words."""
    share, expected = format_rate(unlike.share), f"{100 * unlike.expected:.0f} %"
    return tr(
        "{rows:,} records ({share}) look like nothing in training, where {expected} is expected",
        rows=unlike.rows,
        share=share,
        expected=expected,
    )


def unlike_card(unlike: UnlikeMetrics) -> Card:
    """Return the card with the share of such records."""
    between = tr("no interval") if unlike.interval is None else tr("95 %: {interval}", interval=_rates(unlike.interval))
    about = tr(
        "look like nothing in training; of similar records it is {expected:.0f} %", expected=100 * unlike.expected
    )
    return Card(tr("records unlike training"), format_rate(unlike.share), about, interval=between)


def _rates(interval: Interval) -> str:
    return format_range(format_rate(interval[0]), format_rate(interval[1]))


def unlike_facts(report: EvaluationReport) -> dict[str, str]:
    """Return the facts about such records, by name; none if the model does not know them."""
    unlike = report.unlike_training
    if unlike is None:
        return {}
    between = "" if unlike.interval is None else tr("; 95 % interval {interval}", interval=_rates(unlike.interval))
    facts: dict[str, str] = {tr("how many"): f"{unlike_text(unlike)}{between}"}
    if unlike.frauds is not None:
        facts[tr("frauds among them")] = f"{unlike.frauds:,}"
    if unlike.average_precision is not None:
        interval = report.intervals.get("average_precision")
        between = "" if interval is None else tr(" (95 % interval {interval})", interval=format_interval(interval))
        facts[tr("average precision")] = tr(
            "{without} without them, {with_them} with them",
            without=format_metric(unlike.average_precision),
            with_them=f"{format_metric(report.average_precision)}{between}",
        )
    return facts


def draw_unlike(report: EvaluationReport) -> Figure | None:
    """Draw the records by how unfamiliar they are; None if the model does not know it."""
    unlike = report.unlike_training
    if unlike is None:
        return None
    shares, n = unlike.distribution, len(unlike.distribution)
    top = 1.1 * max(*shares, 2 / n)
    chart = Chart((0, 1), (0, top))
    chart.axes(tr("share of the training records that are less unfamiliar"), tr("share of the records"))
    outline = [point for i, share in enumerate(shares) for point in ((i / n, share), ((i + 1) / n, share))]
    chart.band([(x, 0.0) for x, _ in outline], outline, "c1")
    chart.line(outline, "c1", name=tr("these records"))
    chart.line([(0, 1 / n), (1, 1 / n)], "muted", dashed=True, name=tr("records like those of training"))
    title = tr("Do the records look like those of training?")
    return chart.to_figure(title, tr("{text}.", text=unlike_text(unlike)))


EMPTY = math.log10(0.5)
"""Position of a bin without records on an axis of logarithms: half a step below one record."""


def draw_roc(report: EvaluationReport) -> Figure | None:
    """Draw recall against the false positive rate; None without both kinds of records."""
    curve = None if report.curves is None else report.curves.roc
    if not curve or report.roc_auc is None:
        return None
    chart = Chart((0, 1), (0, 1))
    chart.axes(tr("share of the legitimate records that is flagged"), tr("recall"))
    chart.line([(0, 0), (1, 1)], "muted", dashed=True, name=tr("random ranking"))
    chart.line(curve, "c1", name=tr("this model"))
    description = tr("Area under the curve {auc:.3f}; a random ranking has 0.5.", auc=report.roc_auc)
    return chart.to_figure(tr("ROC curve"), description)


def draw_lift(report: EvaluationReport) -> Figure | None:
    """Draw how many times as much fraud as at random is found among the highest scores; None without fraud."""
    gains = None if report.curves is None else report.curves.gains
    if not gains or not report.base_rate:
        return None
    lift = [(share, recall / share) for share, recall in gains if share > 0]
    best, top = min(1 / report.base_rate, 1 / lift[0][0]), 1.08 * max(2.0, max(value for _, value in lift))
    chart = Chart((0, 1), (0, max(top, 1.08 * best)))
    chart.axes(tr("share of the records that is reviewed"), tr("times a random ranking"))
    perfect = [(share, min(best, 1 / share)) for share, _ in lift]
    chart.line(perfect, "muted", dashed=True, name=tr("perfect ranking"))
    chart.line(lift, "c1", name=tr("this model"))
    tenth = min(lift, key=lambda point: abs(point[0] - 0.1))
    description = tr(
        "The 10 % of the records with the highest scores contain {times} times as much fraud as a random 10 %.",
        times=format_number(round(tenth[1], 1)),
    )
    return chart.to_figure(tr("Lift"), description)


def draw_histogram(report: EvaluationReport) -> Figure | None:
    """Draw the number of records of each kind by probability, on an axis of logarithms; None without scores."""
    bins = () if report.curves is None else report.curves.histogram
    if not bins:
        return None
    highest = max(max(part.frauds, part.legitimate) for part in bins)
    chart = Chart((0, 1), (EMPTY, math.log10(max(highest, 10)) * 1.04), log_up=True)
    chart.axes(tr("probability of fraud"), tr("records"))
    for name, css, counts in (
        (tr("legitimate"), "c1", [part.legitimate for part in bins]),
        (tr("fraud"), "c2", [part.frauds for part in bins]),
    ):
        line = _steps(counts)
        chart.band([(x, EMPTY) for x, _ in line], line, css)
        chart.line(line, css, dashed=css == "c2", name=name)
    title = tr("Scores of fraud and of legitimate records")
    return chart.to_figure(title, tr("Each step up is ten times as many records."))


def draw_rounds(report: EvaluationReport) -> Figure | None:
    """Draw the metrics by number of boosting rounds; None if the number was not chosen."""
    choice = report.trees
    if choice is None or len(choice.curve) < 2:
        return None
    highest = max(point.log_loss for point in choice.curve)
    chart = Chart((0, choice.curve[-1].rounds), (0, 1))
    chart.axes(tr("boosting rounds"), tr("metric"))
    chart.line([(choice.chosen.rounds, 0), (choice.chosen.rounds, 1)], "muted", dashed=True)
    losses = [(point.rounds, point.log_loss / highest) for point in choice.curve]
    chart.line(losses, "c1", name=tr("log loss (highest: 1)"))
    precisions = [(point.rounds, point.average_precision) for point in choice.curve]
    chart.line(precisions, "c2", dashed=True, name=tr("average precision"))
    description = tr(
        "{lowest:,} rounds have the lowest log loss on {rows:,} {which} training rows with {frauds:,} frauds. All "
        "training rows get {rounds:,}, in proportion.",
        lowest=choice.chosen.rounds,
        rounds=choice.rounds,
        rows=choice.rows,
        which=tr("of the latest") if choice.later else tr("other"),
        frauds=choice.frauds,
    )
    return chart.to_figure(tr("How the number of rounds was chosen"), description)


def _steps(counts: Sequence[int]) -> list[tuple[float, float]]:
    """Return the outline of bars of equal width."""
    heights = [math.log10(max(count, 0.5)) for count in counts]
    n = len(counts)
    return [point for i, y in enumerate(heights) for point in ((i / n, y), ((i + 1) / n, y))]


MAX_ROWS = 24
STRENGTH_MARKS = {"light": ("c1", "circle"), "medium": ("c2", "square"), "strong": ("c3", "diamond")}


def draw_figures(report: EvaluationReport) -> list[Figure]:
    """Draw the charts of an evaluation report, except those of its labels, of records unlike training and of
    features.

    They are in the language of the page around them; outside of a page, in English.

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


def draw_figure_files(report: EvaluationReport, *, language: Language = "en") -> dict[str, str]:
    """Return all charts of a report as SVG images that need no other file, by file name in a folder ``figures``."""
    others = {"labels_known": _draw_labels, "unlike_training": draw_unlike, "column_importance": draw_column_importance}
    with in_language(language):
        figures = {name: draw(report) for name, draw in (CHARTS | others).items()}
        return {f"figures/{name}.svg": standalone_svg(figure) for name, figure in figures.items() if figure is not None}


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
    chart.axes(label, tr("share"))
    chart.line([(at, 0), (at, 1)], "muted", dashed=True, name=tr("capacity, {alerts}", alerts=format_number(at)))
    for name, css in (("recall", "c1"), ("precision", "c2")):
        _interval_band(chart, points, name, css)
        line = [(_alerts(point), getattr(point, name)) for point in points]
        chart.line(line, css, dashed=name == "precision", name=tr(name))
    description = tr(
        "Recall {recall:.3f} and precision {precision:.3f} at the capacity of {alerts} {label}, {why}.",
        recall=report.recall_at_capacity,
        precision=report.precision_at_capacity,
        alerts=format_number(at),
        label=label,
        why=tr(capacity.why),
    )
    return chart.to_figure(tr("Found against alerts"), description)


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
    return tr("alerts in all") if counts.alerts_a_day is None else tr("alerts per day")


def _precision_recall(report: EvaluationReport) -> Figure | None:
    """Draw precision against recall, over the base rate."""
    curve, base = None if report.curves is None else report.curves.precision_recall, report.base_rate
    if not curve or base is None:
        return None
    chart = Chart((0, 1), (0, 1))
    chart.axes(tr("recall"), tr("precision"))
    chart.line([(0, base), (1, base)], "muted", dashed=True, name=tr("random ranking"))
    chart.line(curve, "c1", name=tr("this model"))
    description = tr(
        "Average precision {value:.3f}; a random ranking has {base:.3f}.", value=report.average_precision, base=base
    )
    return chart.to_figure(tr("Precision against recall"), description)


def _reliability(report: EvaluationReport) -> Figure | None:
    return None if report.curves is None else draw_reliability(report.curves.reliability, report.ece)


def draw_reliability(bins: Sequence[ReliabilityBin], ece: float | None) -> Figure | None:
    """Draw the share of fraud against the mean probability of each bin; None without bins."""
    if not bins:
        return None
    top = max(0.01, *(max(part.expected, part.observed) for part in bins)) * 1.04
    chart = Chart((0, top), (0, top))
    chart.axes(tr("mean probability"), tr("share that is fraud"))
    chart.line([(0, 0), (top, top)], "muted", dashed=True, name=tr("as predicted"))
    chart.line([(part.expected, part.observed) for part in bins], "c1")
    for part in bins:
        title = tr("predicted {expected:.3f}, observed {observed:.3f}, {rows:,} rows", **vars(part))
        chart.dot(part.expected, part.observed, "c1", title=title)
    chart.legend(tr("15 bins of equal size"), "c1", shape="circle")
    description = tr("Calibration error {ece:.3f}; below the diagonal there is less fraud than predicted.", ece=ece)
    return chart.to_figure(tr("Are the probabilities right?"), description)


def _by_month(report: EvaluationReport) -> Figure | None:
    """Draw average precision, recall and the base rate by month."""
    months = report.by_month
    if not months or len(months) < 2:
        return None
    chart = Chart((-0.3, len(months) - 0.7), (0, 1))
    chart.names_below([month.month for month in months], tr("month"), tr("share"))
    series = (
        ("average precision", "average_precision", "c1", "circle"),
        ("recall", "recall", "c2", "square"),
        ("base rate", "base_rate", "muted", "diamond"),
    )
    for words, name, css, shape in series:
        values = [(i, value) for i, month in enumerate(months) if (value := getattr(month, name)) is not None]
        if values:
            chart.line(values, css)
            chart.legend(tr(words), css, shape=shape)
        for i, value in values:
            title = tr("{month}: {metric} {value:.3f}", month=months[i].month, metric=tr(words), value=value)
            chart.dot(i, value, css, shape=shape, title=title)
    for i, month in enumerate(months):
        if month.interval:
            chart.span((i, i), month.interval, "c1")
    description = tr("Recall at one threshold: 1 % false positives over all months. Bars are intervals.")
    return chart.to_figure(tr("By month"), description)


def _by_type(report: EvaluationReport) -> Figure | None:
    """Draw the F1 of every type, and the share that is flagged as whatever type."""
    types = [(label_words(name), metrics) for name, metrics in report.by_type.items() if metrics.rows]
    types.sort(key=lambda item: -item[1].rows)
    shown = types[:MAX_ROWS]
    if not shown:
        return None
    chart = make_row_chart([name for name, _ in shown], tr("share"), 26)
    flagged = any(metrics.caught is not None for _, metrics in shown)
    for i, (name, metrics) in enumerate(shown):
        title = tr("{name}: F1 {f1:.3f}, {rows:,} rows", name=name, f1=metrics.f1, rows=metrics.rows)
        chart.bar(-i, metrics.f1, "c1 pale", title=title)
        if metrics.interval:
            chart.span(metrics.interval, (-i, -i), "c1")
        if metrics.caught is not None:
            title = tr("{name}: {share:.3f} flagged", name=name, share=metrics.caught)
            chart.dot(metrics.caught, -i, "c2", shape="diamond", title=title)
    chart.legend(tr("F1 of the type"), "c1", shape="square")
    if flagged:
        chart.legend(tr("flagged at 1 % false positives"), "c2", shape="diamond")
    own, any_type = tr("Predicted as its own type."), tr("Predicted as its own type, and flagged at all.")
    return chart.to_figure(tr("By type"), (any_type if flagged else own) + _not_drawn(types))


def _under_attack(report: EvaluationReport) -> Figure | None:
    """Draw the share of the recall that is kept under every obfuscation."""
    attack = report.attack
    if attack is None or attack.recall == 0:
        return None
    kept = {name: {s: getattr(metrics, s) for s in STRENGTH_MARKS} for name, metrics in attack.obfuscations.items()}
    rows = [
        (obfuscation_words(name), recalls)
        for name, recalls in kept.items()
        if any(recall.changed for recall in recalls.values())
    ]
    if not rows:
        return None
    chart = make_row_chart([name for name, _ in rows], tr("share of the recall that is kept"), 24)
    for i, (name, recalls) in enumerate(rows):
        values = [recall.kept for recall in recalls.values()]
        chart.span((min(values), max(values)), (-i, -i), "muted")
        for strength, recall in recalls.items():
            css, shape = STRENGTH_MARKS[strength]
            words = tr(strength, sense="obfuscation")
            title = tr("{name}, {strength}: {kept:.3f}", name=name, strength=words, kept=recall.kept)
            chart.dot(recall.kept, -i, css, shape=shape, title=title)
    for strength, (css, shape) in STRENGTH_MARKS.items():
        chart.legend(tr(strength, sense="obfuscation"), css, shape=shape)
    description = tr(
        "Recall {recall:.3f} on {rows:,} original texts at 1 % false positives.",
        recall=attack.recall,
        rows=attack.rows,
    )
    return chart.to_figure(tr("Under attack"), description)


def _importance(report: EvaluationReport) -> Figure | None:
    """Draw the gain of every family of features."""
    description = tr(
        "LightGBM's gain by family of features. The text model, from which boosting starts, is not included."
    )
    return _gains(report.importance, tr("What the trees use"), description)


def draw_column_importance(report: EvaluationReport) -> Figure | None:
    """Draw the gain of the features that gain most."""
    return _gains(report.column_importance, tr("Features that the trees use"), tr("LightGBM's gain by feature."))


def _gains(shares: Mapping[str, float] | None, title: str, description: str) -> Figure | None:
    gains = list((shares or {}).items())
    if not gains:
        return None
    shown = gains[:MAX_ROWS]
    names = [feature_words(name) for name, _ in shown]
    chart = make_row_chart(names, tr("share of the gain"), 24, top=12, end=shown[0][1])
    for i, (name, (_, gain)) in enumerate(zip(names, shown, strict=True)):
        chart.bar(-i, gain, "c1", title=tr("{name}: {gain:.3f}", name=name, gain=gain))
    return chart.to_figure(title, description + _not_drawn(gains))


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
    chart.axes(label, tr("reviews per 1,000 records"))
    if report.capacity is not None:
        at = _alerts(report.capacity)
        chart.line([(at, 0), (at, top)], "muted", dashed=True, name=tr("capacity"))
    chart.line([(_alerts(point), point.cost) for point in points], "c1", name=tr("by score"))
    chart.dot(_alerts(costs), report.cost_per_1000 or 0.0, "c2", shape="diamond", title=tr("decided by cost"))
    chart.legend(tr("by cost"), "c2", shape="diamond")
    description = tr(
        "A missed fraud costs {cost} reviews{spread}. Decided by cost: {alerts} {label}.",
        cost=format_number(costs.missed_cost),
        spread=tr(", in proportion to its amount") if costs.by_amount else "",
        alerts=format_number(_alerts(costs)),
        label=label,
    )
    return chart.to_figure(tr("What mistakes cost"), description)


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
    "rounds": draw_rounds,
}
"""All charts in the order of the page, by the names of their files."""


def _not_drawn(rows: Sequence[object]) -> str:
    return tr(" {n} more are not drawn.", n=len(rows) - MAX_ROWS) if len(rows) > MAX_ROWS else ""
