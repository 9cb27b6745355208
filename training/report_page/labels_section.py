"""The labels of an evaluation report: facts, a table of delays, and a chart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fraudsieve._translation import tr
from fraudsieve.pages.rendering import PageTable, label_words, listed
from fraudsieve.pages.svg import Chart, Figure
from fraudsieve.pages.words import format_number
from fraudsieve.training.evaluation.label_delays import SHARES, AssumedLabels, LabelDelay, LabelMetrics, YoungestRecords
from fraudsieve.training.evaluation.metrics import format_days
from fraudsieve.training.labels import MATURE


def page_facts(labels: LabelMetrics, *, of_training: bool = True) -> dict[str, str]:
    """Return the facts on the page: those of `label_facts` that no table shows, and the delays by class."""
    facts = dict(label_facts(labels, of_training=of_training))
    if labels.delays:
        del facts[tr("labels have arrived")]  # the table shows it
    if labels.mature_by_class:
        classes = (f"{label_words(name)} {format_days(days)}" for name, days in labels.mature_by_class.items())
        facts[tr("days until {share:.0f} % have arrived, by class", share=100 * MATURE)] = listed(classes)
    return facts


def label_facts(labels: LabelMetrics, *, of_training: bool = True) -> Iterator[tuple[str, str]]:
    """Yield names and texts of facts about the labels; how rows were split only for those of a training run."""
    delays = [tr("{text} days", text=_arrived(delay)) for delay in labels.delays or ()]
    yield tr("labels have arrived"), listed(delays) or tr("not known: labels have no times")
    days, why = labels.gap.days, labels.gap.why
    if of_training or days is not None:
        gap = tr(why) if days is None else tr("{days} days; {why}", days=format_days(days), why=tr(why))
        yield tr("gap before the test"), gap
    without = tr("{n:,} of {records:,} records", n=labels.unlabelled_in_period, records=labels.records_in_period)
    yield tr("unlabelled in this period"), without
    if labels.assumed is not None:
        yield tr("count as legitimate"), _assumed(labels.assumed)
    if labels.youngest is not None and labels.youngest.records:
        yield tr("of the last {days} days", days=format_days(labels.youngest.days)), _waiting(labels.youngest)
    if labels.reversals is not None:
        yield tr("reversals"), f"{labels.reversals.count:,}{_pairs(labels.reversals.pairs)}"


def _arrived(delay: LabelDelay) -> str:
    return tr("{share:.0f} % after {days}", share=100 * delay.share, days=format_days(delay.days))


def _assumed(assumed: AssumedLabels) -> str:
    days = format_days(assumed.days)
    if assumed.share_to_come is None:
        return tr("{n:,} of them, {days} days old or more", n=assumed.records, days=days)
    return tr(
        "{n:,} of them, {days} days old or more; {share:.1f} % of the labels of fraud arrive later than that, "
        "for these records expected: {expected}",
        n=assumed.records,
        days=days,
        share=100 * assumed.share_to_come,
        expected=format_number(round(assumed.expected_frauds or 0.0, 1)),
    )


def _waiting(youngest: YoungestRecords) -> str:
    frauds = youngest.expected_frauds
    of_fraud = "" if frauds is None else tr(", {frauds} of fraud", frauds=format_number(round(frauds, 1)))
    return tr(
        "{waiting:,} of {records:,} records are waiting for labels; "
        "{share:.0f} % of the labels at their age are still to come, expected: {expected}{of_fraud}",
        waiting=youngest.waiting,
        records=youngest.records,
        share=100 * (youngest.share_to_come or 0),
        expected=format_number(round(youngest.expected, 1)),
        of_fraud=of_fraud,
    )


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> str:
    shown = [
        tr("{count:,} {before} to {after}", count=pair["count"], before=_label(pair, "from"), after=_label(pair, "to"))
        for pair in pairs[:3]
    ]
    others = tr(" and others") if len(pairs) > 3 else ""
    return tr(" ({reversals}{others})", reversals=listed(shown), others=others) if shown else ""


def _label(pair: Mapping[str, Any], end: str) -> str:
    return label_words(pair[end])


def delay_table(labels: LabelMetrics) -> PageTable | None:
    """Return the delays of all labels, and of those that each source gave first; None if labels have no times."""
    if not labels.delays:
        return None
    reversals = "–" if not labels.reversals else f"{labels.reversals.count:,}"
    delays = (format_days(delay.days) for delay in labels.delays)
    rows = [[tr("all labels"), f"{labels.timed:,}", *delays, reversals]]
    for source in labels.by_source or ():
        days = ["–"] * len(SHARES) if source.days is None else [format_days(day) for day in source.days]
        rows.append(
            [tr("first from {source}", source=source.source), f"{source.first:,}", *days, f"{source.reversed:,}"]
        )
    columns = [tr("labels"), tr("rows"), *(f"{100 * share:.0f} %" for share in SHARES), tr("reversed")]
    caption = tr("Days until these shares of the labels have arrived, of those that arrive at all.")
    return PageTable(caption, columns, rows)


def draw_label_delays(labels: LabelMetrics) -> Figure | None:
    """Draw the share of labels that have arrived against the age of a record; None if labels have no times."""
    delays, curve, gap = labels.delays, labels.curve, labels.gap.days
    if not curve or not delays:
        return None
    end = 1.1 * (max(delays[-1].days, gap or 0.0) or curve[-1][0])
    chart = Chart((0, end), (0, 1))
    chart.axes(tr("age in days"), tr("share of the labels that arrive"))
    chart.line([(0.0, 0.0), *((age, share) for age, share in curve if age <= end)], "c1")
    texts = [tr("{text} days", text=_arrived(delay)) for delay in delays]
    for delay, text in zip(delays, texts, strict=True):
        chart.dot(delay.days, delay.share, "c1", title=text)
    chart.legend(tr("come by that age"), "c1")
    if gap is not None:
        chart.line([(gap, 0), (gap, 1)], "muted", dashed=True)
        chart.legend(tr("gap, {days} days", days=format_days(gap)), "muted", shape="dashed")
    description = tr(
        "{first}, {second}; from {labels:,} labels, and the records that wait.",
        first=texts[0],
        second=texts[2],
        labels=labels.timed,
    )
    return chart.to_figure(tr("How long labels take"), description)
