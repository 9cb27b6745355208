"""Tables of an evaluation report that break its metrics down: types that are confused, slices, largest errors."""

from collections.abc import Sequence

import numpy as np

from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.evaluation.report_parts.errors import LargestErrors, ScoredRecord
from fraudsieve.training.evaluation.report_parts.reviews import CaseReviews
from fraudsieve.training.evaluation.report_parts.rules import RuleMetrics
from fraudsieve.training.evaluation.types import ConfusionMatrix

from .rendering import PageTable, format_metric
from .slices_section import sliced_tables

__all__ = ["breakdown_tables", "review_facts"]

MAX_CLASSES = 9


def breakdown_tables(report: EvaluationReport) -> dict[str, list[PageTable]]:
    """Return the tables by their headings."""
    return {
        "Which types are confused": [_confusion_table(report.confusion)],
        "Slices": sliced_tables(report.slices),
        "Largest errors": _error_tables(report.errors),
        "Rules": [_rule_table(report.rules)] if report.rules else [],
    }


def review_facts(reviews: CaseReviews | None) -> dict[str, str]:
    """Return what reviews of cases find beside reviews of records, in words; the reason if there is no comparison."""
    if reviews is None:
        return {}
    if reviews.reviews is None:
        return {"cases": f"{str(reviews.skipped).capitalize()}."}
    form = f"the {reviews.records:,} records with the highest probabilities form {reviews.cases:,} cases"
    facts = {
        f"recall, {reviews.reviews:,} records reviewed": format_metric(reviews.recall_of_records),
        f"recall, {reviews.reviews:,} cases reviewed": f"{format_metric(reviews.recall_of_cases)}; {form}, "
        "as known at the end of the period",
    }
    if reviews.reviews_saved is not None and reviews.time_saved is not None:
        same = f"{reviews.reviews_of_cases:,} reviews of cases find as much fraud as {reviews.reviews:,} of records"
        facts["reviews saved"] = f"{100 * reviews.reviews_saved:.0f} %: {same}"
        facts["time saved"] = f"{100 * reviews.time_saved:.0f} %, since each record of a case takes time too"
    return facts


def _confusion_table(confusion: ConfusionMatrix) -> PageTable:
    """Return the matrix; the classes with the fewest records are added up if there are many."""
    counts, names = np.array(confusion.counts), list(confusion.classes)
    order = np.argsort(-counts.sum(axis=1), kind="stable")
    shown, rest = (
        (order, order[:0]) if len(order) <= MAX_CLASSES else (order[: MAX_CLASSES - 1], order[MAX_CLASSES - 1 :])
    )
    groups, heads = [[i] for i in shown], [names[i] for i in shown]
    if len(rest):
        groups, heads = [*groups, list(rest)], [*heads, f"{len(rest)} others"]
    rows = [
        [head, *(f"{int(counts[np.ix_(group, other)].sum()):,}" for other in groups)]
        for head, group in zip(heads, groups, strict=True)
    ]
    caption = "Records by label (rows) and by the class that is predicted (columns)."
    return PageTable(caption, ["label", *heads], rows, by_label=True)


def _rule_table(rules: Sequence[RuleMetrics]) -> PageTable:
    """Return the table of what rules decide; the metrics of the page are those of the model."""
    columns = ["rule", "decision", "reason", "records", "of them fraud", "against the model", "of these fraud", "until"]
    rows = [
        [
            rule.id,
            rule.action,
            rule.reason,
            *(
                "-" if count is None else f"{count:,}"
                for count in (rule.records, rule.frauds, rule.changed, rule.changed_frauds)
            ),
            "expired" if rule.expired else rule.until or "-",
        ]
        for rule in rules
    ]
    decided = sum(rule.records for rule in rules)
    caption = f"{decided:,} records are decided by a rule. All metrics on this page are those of the model alone."
    return PageTable(caption, columns, rows)


def _error_tables(errors: LargestErrors | None) -> list[PageTable]:
    if errors is None:
        return []
    return [
        _error_table("Frauds that are not flagged, with the lowest probabilities.", errors.missed),
        _error_table("Legitimate records that are flagged, with the highest probabilities.", errors.false_alarms),
    ]


def _error_table(caption: str, records: Sequence[ScoredRecord]) -> PageTable:
    rows = [[record.record_id, record.label, f"{record.probability:.4f}"] for record in records]
    return PageTable(f"{caption} By identifier.", ["record", "label", "probability"], rows)
