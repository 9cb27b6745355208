"""Tables of an evaluation report that break its metrics down: types that are confused, slices, largest errors."""

from collections.abc import Sequence

import numpy as np

from fraudsieve._translation import tr
from fraudsieve.pages.rendering import PageTable, label_words
from fraudsieve.pages.words import feature_words
from fraudsieve.training.evaluation.report import EvaluationReport, LargestErrors, ScoredRecord
from fraudsieve.training.evaluation.report_parts.rules import RuleMetrics
from fraudsieve.training.evaluation.types import ConfusionMatrix

from .slices_section import sliced_tables

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
    columns = [
        tr("rule"),
        tr("decision"),
        tr("reason"),
        tr("records"),
        tr("of them fraud"),
        tr("against the model"),
        tr("of these fraud"),
        tr("until"),
    ]
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
    return PageTable(caption, [tr("record"), tr("label"), tr("probability")], rows)
