"""The labels of an evaluation report: facts, a table of delays, and a chart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fraudsieve.training.evaluation.label_delays import SHARES, LabelMetrics, YoungestRecords
from fraudsieve.training.evaluation.metrics import format_days, format_number
from fraudsieve.training.labels import MATURE

from .rendering import PageTable
from .svg import Chart, Figure

__all__ = ["delay_table", "draw_label_delays", "label_facts", "page_facts"]


def page_facts(labels: LabelMetrics, *, of_training: bool = True) -> dict[str, str]:
    """Return the facts on the page: those of `label_facts` that no table shows, and the delays by class."""
    facts = dict(label_facts(labels, of_training=of_training))
    if labels.delays:
        del facts["labels have arrived"]  # the table shows it
    if labels.mature_by_class:
        classes = (f"{name} {format_days(days)}" for name, days in labels.mature_by_class.items())
        facts[f"days until {100 * MATURE:.0f} % have arrived, by class"] = ", ".join(classes)
    return facts


def label_facts(labels: LabelMetrics, *, of_training: bool = True) -> Iterator[tuple[str, str]]:
    """Yield names and texts of facts about the labels; how rows were split only for those of a training run."""
    delays = [f"{100 * delay.share:.0f} % after {format_days(delay.days)} days" for delay in labels.delays or ()]
    yield "labels have arrived", ", ".join(delays) or "not known: labels have no times"
    days, why = labels.gap.days, labels.gap.why
    if of_training or days is not None:
        yield "gap before the test", why if days is None else f"{format_days(days)} days; {why}"
    yield "unlabelled in this period", f"{labels.unlabelled_in_period:,} of {labels.records_in_period:,} records"
    if labels.youngest is not None and labels.youngest.records:
        yield f"of the last {format_days(labels.youngest.days)} days", _waiting(labels.youngest)
    if labels.reversals is not None:
        yield "reversals", f"{labels.reversals.count:,}{_pairs(labels.reversals.pairs)}"


def _waiting(youngest: YoungestRecords) -> str:
    frauds = youngest.expected_frauds
    of_fraud = "" if frauds is None else f", {format_number(round(frauds, 1))} of fraud"
    return (
        f"{youngest.waiting:,} of {youngest.records:,} records are waiting for labels; "
        f"{100 * (youngest.share_to_come or 0):.0f} % of the labels at their age are still to come, "
        f"expected: {format_number(round(youngest.expected, 1))}{of_fraud}"
    )


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> str:
    shown = [f"{pair['count']:,} {pair['from']} to {pair['to']}" for pair in pairs[:3]]
    return f" ({', '.join(shown)}{' and others' if len(pairs) > 3 else ''})" if shown else ""


def delay_table(labels: LabelMetrics) -> PageTable | None:
    """Return the delays of all labels, and of those that each source gave first; None if labels have no times."""
    if not labels.delays:
        return None
    reversals = "–" if not labels.reversals else f"{labels.reversals.count:,}"
    delays = (format_days(delay.days) for delay in labels.delays)
    rows = [["all labels", f"{labels.timed:,}", *delays, reversals]]
    for source in labels.by_source or ():
        days = ["–"] * len(SHARES) if source.days is None else [format_days(day) for day in source.days]
        rows.append([f"first from {source.source}", f"{source.first:,}", *days, f"{source.reversed:,}"])
    columns = ["labels", "rows", *(f"{100 * share:.0f} %" for share in SHARES), "reversed"]
    return PageTable("Days until these shares of the labels have arrived, of those that arrive at all.", columns, rows)


def draw_label_delays(labels: LabelMetrics) -> Figure | None:
    """Draw the share of labels that have arrived against the age of a record; None if labels have no times."""
    delays, curve, gap = labels.delays, labels.curve, labels.gap.days
    if not curve or not delays:
        return None
    end = 1.1 * (max(delays[-1].days, gap or 0.0) or curve[-1][0])
    chart = Chart((0, end), (0, 1))
    chart.axes("age in days", "share of the labels that arrive")
    chart.line([(0.0, 0.0), *((age, share) for age, share in curve if age <= end)], "c1")
    texts = [f"{100 * delay.share:.0f} % after {format_days(delay.days)}" for delay in delays]
    for delay, text in zip(delays, texts, strict=True):
        chart.dot(delay.days, delay.share, "c1", title=f"{text} days")
    chart.legend("come by that age", "c1")
    if gap is not None:
        chart.line([(gap, 0), (gap, 1)], "muted", dashed=True)
        chart.legend(f"gap, {format_days(gap)} days", "muted", shape="dashed")
    description = f"{texts[0]} days, {texts[2]} days; from {labels.timed:,} labels, and the records that wait."
    return chart.to_figure("How long labels take", description)
