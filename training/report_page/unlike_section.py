"""Records that look like nothing in training, on a page: a sentence, facts, and a chart."""

from fraudsieve._translation import tr
from fraudsieve.pages.rendering import Card, format_interval, format_metric, format_range, format_rate
from fraudsieve.pages.svg import Chart, Figure
from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.evaluation.report_parts.unlike_records import UnlikeMetrics


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
    chart.line(outline, "c1")
    chart.line([(0, 1 / n), (1, 1 / n)], "muted", dashed=True)
    chart.legend(tr("these records"), "c1")
    chart.legend(tr("records like those of training"), "muted", shape="dashed")
    title = tr("Do the records look like those of training?")
    return chart.to_figure(title, tr("{text}.", text=unlike_text(unlike)))
