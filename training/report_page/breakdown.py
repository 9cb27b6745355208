"""Tables of an evaluation report that break its metrics down: types that are confused, slices, largest errors.

Slices on a page: a table of each slicing, and one of the false positives of each operating point.

The labels of an evaluation report: facts, a table of delays, and a chart.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fraudsieve._translation import tr, tr_all
from fraudsieve.pages.rendering import (
    PageTable,
    format_interval,
    format_metric,
    format_range,
    format_rate,
    label_words,
    listed,
)
from fraudsieve.pages.svg import Chart, Figure
from fraudsieve.pages.words import feature_words, format_number, point_words
from fraudsieve.training.evaluation.bootstrap import LEVEL, Interval
from fraudsieve.training.evaluation.fraud_rows import ConfusionMatrix, SliceMetrics
from fraudsieve.training.evaluation.label_delays import SHARES, AssumedLabels, LabelDelay, LabelMetrics, YoungestRecords
from fraudsieve.training.evaluation.metrics import format_days
from fraudsieve.training.evaluation.report import EvaluationReport, LargestErrors, ScoredRecord
from fraudsieve.training.evaluation.report_parts.slices import (
    MIN_FRAUDS,
    MIN_ROWS,
    MIXTURES,
    PointRate,
    Slice,
    Slices,
)
from fraudsieve.training.evaluation.report_parts.weighting import RuleMetrics
from fraudsieve.training.labels import MATURE

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def slice_words(name: str) -> str:
    """Return the words for a slicing or for one of its values; those of the user's own columns stay as they are."""
    return tr(name, sense="slice")


def sliced_tables(slices: Slices | None) -> list[PageTable]:
    """Return the tables of all slicings, which say how many slices are compared."""
    if slices is None:
        return []
    parts: dict[str, dict[str, Slice]] = {}
    for part in slices.parts:
        parts.setdefault(part.by, {})[part.value] = part
    tables = []
    for by, values in parts.items():
        tables.append(_value_table(_caption(slices, by), by, values))
        if by in (*MIXTURES, *slices.requested):
            tables += _rate_tables(by, values)
    return tables


def _caption(slices: Slices, by: str) -> str:
    at = tr("the threshold that flags 1 % of all legitimate records")
    if slices.point is not None:
        at = tr("the point that decides ({name})", name=point_words(slices.point))
    return tr(
        "By {by}. Recall and false positives are those of {point}. In brackets: {level:.0f} % intervals. A dash: fewer "
        "than {frauds} frauds, or fewer than {rows} legitimate records. {n} slices were compared: {misses:.0f} % of "
        "such intervals miss the true value by chance.",
        by=slice_words(by),
        point=at,
        level=100 * LEVEL,
        frauds=MIN_FRAUDS,
        rows=MIN_ROWS,
        n=slices.compared,
        misses=100 - 100 * LEVEL,
    )


def _count_columns() -> list[str]:
    return tr_all("rows", "frauds", "average precision")


def _rate_columns() -> list[str]:
    return [tr("false positives"), tr("observed / expected")]


def slice_table(caption: str, name: str, slices: Mapping[str, SliceMetrics | None]) -> PageTable:
    """Return a table with one row per slice, such as a month."""
    rows = [
        [
            *_counts(key, metrics),
            _with_interval(metrics.recall, metrics.recall_interval),
            _with_interval(metrics.precision, metrics.precision_interval),
            format_rate(metrics.false_positive_rate),
            format_metric(metrics.observed_over_expected),
        ]
        for key, metrics in slices.items()
        if metrics is not None
    ]
    return PageTable(caption, [name, *_count_columns(), tr("recall"), tr("precision"), *_rate_columns()], rows)


def _value_table(caption: str, by: str, values: Mapping[str, Slice]) -> PageTable:
    """Return the table of the values of a column."""
    rows = [
        [
            *_counts(value, part),
            _with_interval(part.recall, part.recall_interval),
            _rate_with_interval(part.false_positive_rate, part.false_positive_rate_interval),
            _with_interval(part.observed_over_expected, part.observed_over_expected_interval),
        ]
        for value, part in values.items()
    ]
    return PageTable(caption, [slice_words(by), *_count_columns(), tr("recall"), *_rate_columns()], rows)


def _counts(key: str, metrics: SliceMetrics) -> list[str]:
    precision = _with_interval(metrics.average_precision, metrics.interval)
    return [slice_words(key), f"{metrics.rows:,}", f"{metrics.frauds:,}", precision]


def _rate_tables(by: str, values: Mapping[str, Slice]) -> list[PageTable]:
    """Return the table of the false positive rates of all points; none if there is no such rate."""
    rated = {value: part.points for value, part in values.items() if part.points}
    if not rated:
        return []
    columns = [point_words(point.name) for point in next(iter(rated.values()))]
    rows = [[slice_words(value), *map(_rate_of_point, points)] for value, points in rated.items()]
    caption = tr(
        "False positives of each point by {by}. In brackets: {level:.0f} % intervals. A promised rate is kept over all "
        "records together, not for each value.",
        by=slice_words(by),
        level=100 * LEVEL,
    )
    return [PageTable(caption, [slice_words(by), *columns], rows)]


def _rate_of_point(rate: PointRate) -> str:
    text = _rate_with_interval(rate.false_positive_rate, rate.interval)
    return tr("{rate} above the promise", rate=text) if rate.is_exceeded else text


def _with_interval(value: float | None, interval: Interval | None) -> str:
    between = "" if value is None or interval is None else format_interval(interval)
    return _in_brackets(format_metric(value), between)


def _rate_with_interval(rate: float | None, interval: Interval | None) -> str:
    between = ""
    if rate is not None and interval is not None:
        between = format_range(f"{100 * interval[0]:.2f}", format_rate(interval[1]))
    return _in_brackets(format_rate(rate), between)


def _in_brackets(value: str, between: str) -> str:
    return tr("{value} ({interval})", value=value, interval=between.replace(" ", NO_BREAK_SPACE)) if between else value


MAX_CLASSES = 9


def breakdown_tables(report: EvaluationReport) -> dict[str, list[PageTable]]:
    """Return the tables by their headings."""
    return {
        tr("Which types are confused"): [_confusion_table(report.confusion)],
        tr("Slices"): sliced_tables(report.slices),
        tr("Largest errors"): _error_tables(report.errors),
        tr("Rules"): [_rule_table(report.rules)] if report.rules else [],
    }


def importance_tables(report: EvaluationReport) -> list[PageTable]:
    """Return the gain of families of features, and of the features that gain most."""
    families, features = tr("By family of features."), tr("By feature, those that gain most.")
    shares = {families: (tr("family"), report.importance), features: (tr("feature"), report.column_importance)}
    return [
        PageTable(caption, [kind, tr("share of the gain")], [[feature_words(n), f"{g:.3f}"] for n, g in gains.items()])
        for caption, (kind, gains) in shares.items()
        if gains
    ]


def _confusion_table(confusion: ConfusionMatrix) -> PageTable:
    """Return the matrix; the classes with the fewest records are added up if there are many."""
    counts, names = np.array(confusion.counts), list(confusion.classes)
    order = np.argsort(-counts.sum(axis=1), kind="stable")
    shown, rest = (
        (order, order[:0]) if len(order) <= MAX_CLASSES else (order[: MAX_CLASSES - 1], order[MAX_CLASSES - 1 :])
    )
    groups, heads = [[i] for i in shown], [label_words(names[i]) for i in shown]
    if len(rest):
        groups, heads = [*groups, list(rest)], [*heads, tr("{n} others", n=len(rest))]
    rows = [
        [head, *(f"{int(counts[np.ix_(group, other)].sum()):,}" for other in groups)]
        for head, group in zip(heads, groups, strict=True)
    ]
    caption = tr("Records by label (rows) and by the class that is predicted (columns).")
    return PageTable(caption, [tr("label"), *heads], rows, by_label=True)


def _rule_table(rules: Sequence[RuleMetrics]) -> PageTable:
    """Return the table of what rules decide; the metrics of the page are those of the model."""
    columns = tr_all(
        "rule", "decision", "reason", "records", "of them fraud", "against the model", "of these fraud", "until"
    )
    rows = [
        [
            rule.id,
            tr(rule.action, sense="decision"),
            rule.reason,
            *(
                "-" if count is None else f"{count:,}"
                for count in (rule.records, rule.frauds, rule.changed, rule.changed_frauds)
            ),
            tr("expired") if rule.expired else rule.until or "-",
        ]
        for rule in rules
    ]
    caption = tr(
        "{n:,} records are decided by a rule. All metrics on this page are those of the model alone.",
        n=sum(rule.records for rule in rules),
    )
    return PageTable(caption, columns, rows)


def _error_tables(errors: LargestErrors | None) -> list[PageTable]:
    if errors is None:
        return []
    return [
        _error_table(tr("Frauds that are not flagged, with the lowest probabilities. By identifier."), errors.missed),
        _error_table(
            tr("Legitimate records that are flagged, with the highest probabilities. By identifier."),
            errors.false_alarms,
        ),
    ]


def _error_table(caption: str, records: Sequence[ScoredRecord]) -> PageTable:
    rows = [[record.record_id, label_words(record.label), f"{record.probability:.4f}"] for record in records]
    return PageTable(caption, tr_all("record", "label", "probability"), rows)


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
    chart.line([(0.0, 0.0), *((age, share) for age, share in curve if age <= end)], "c1", name=tr("come by that age"))
    texts = [tr("{text} days", text=_arrived(delay)) for delay in delays]
    for delay, text in zip(delays, texts, strict=True):
        chart.dot(delay.days, delay.share, "c1", title=text)
    if gap is not None:
        chart.line([(gap, 0), (gap, 1)], "muted", dashed=True, name=tr("gap, {days} days", days=format_days(gap)))
    description = tr(
        "{first}, {second}; from {labels:,} labels, and the records that wait.",
        first=texts[0],
        second=texts[2],
        labels=labels.timed,
    )
    return chart.to_figure(tr("How long labels take"), description)
