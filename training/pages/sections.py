"""The parts of the page of an evaluation report: warnings, headline metrics, and tables."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

from fraudsieve.training.attack.recall import AttackMetrics
from fraudsieve.training.evaluation.bootstrap import MIN_GROUPS
from fraudsieve.training.evaluation.capacity import CapacityCurve
from fraudsieve.training.evaluation.fraud_rows import SliceMetrics
from fraudsieve.training.evaluation.label_delays import waiting_note
from fraudsieve.training.evaluation.metrics import METRIC_NAMES, RATE_NAMES, describe_capacity, format_number
from fraudsieve.training.evaluation.points import rates_known
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.evaluation.report_parts.slices import excess_notes
from fraudsieve.training.evaluation.report_parts.splits import SplitSummary, TemporalMetrics
from fraudsieve.training.evaluation.types import ClassMetrics
from fraudsieve.training.splits.split import LEFT_OUT, describe_split

from .rendering import Card, Notice, PageTable, format_interval, format_metric, format_rate
from .slices_section import slice_table
from .unlike_section import unlike_card, unlike_text
from .words import names_in_words, point_words

__all__ = [
    "capacity_text",
    "headline_cards",
    "metric_table",
    "point_table",
    "report_notices",
    "slice_tables",
    "temporal_facts",
]

SHARES = frozenset(
    {
        "average_precision",
        "recall_at_1pct_fpr",
        "recall_at_capacity",
        "precision_at_capacity",
        "card_precision",
        "macro_f1",
    }
)
"""Headline metrics that lie between 0 and 1, and are drawn on a line."""
OPTIMISTIC = "A live model will perform worse than shown here."
STRENGTHS = ("light", "medium", "strong")


def report_notices(report: EvaluationReport) -> Iterator[Notice]:
    """Yield notices on the model and on how the records were chosen, and one with reasons to take care."""
    if report.refit is not None:
        first, *others = report.refit.lines
        yield Notice(_sentence(first), [_sentence(line) for line in others], "warn")
    if report.split is not None:
        yield _split_notice(report.split)
    elif report.not_later_than_training is not None:
        yield _later_notice(report.not_later_than_training, report.rows)
    else:
        title = "How these records were chosen is unknown."
        yield Notice(title, ["If the model was trained on some of them, the metrics are too good."])
    reasons = [*_reasons(report)]
    if reasons:
        yield Notice("Take these metrics with care", reasons, "warn")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _split_notice(split: SplitSummary) -> Notice:
    counts = ", ".join(f"{name} {rows:,}" for name, rows in split.rows.items())
    lines = [f"Rows: {counts}."] * bool(counts)
    lines += [f"Left out: {rows:,} rows, which {_reason(reason)}." for reason, rows in split.dropped.items() if rows]
    if split.flatters:
        title = "These metrics are too good: the split is random, so training and test may share campaigns or accounts."
        return Notice(title, [*lines, OPTIMISTIC], "bad")
    return Notice(f"Split {describe_split(split.kind, split.keeps_apart)}.", lines)


def _reason(name: str) -> str:
    return LEFT_OUT.get(name, name.replace("_", " "))


def _later_notice(not_later: int, rows: int) -> Notice:
    if not not_later:
        return Notice("All records are later than what the model was trained and calibrated on.")
    title = (
        f"These metrics are too good: {not_later:,} of {rows:,} records are not later than what the model was "
        "trained and calibrated on."
    )
    return Notice(title, [OPTIMISTIC], "bad")


def _reasons(report: EvaluationReport) -> Iterator[str]:
    for warning in report.warnings:
        yield names_in_words(f"{warning['found']}. {warning['do']}")
    draws = report.bootstrap
    if draws is not None and draws.groups_with_fraud < MIN_GROUPS:
        yield f"Only {draws.groups_with_fraud} {draws.over}s have fraud: the intervals are not reliable."
    if report.unlike_training is not None and report.unlike_training.is_clearly_more:
        yield f"{unlike_text(report.unlike_training)}. The model knows little about such records."
    if report.unscorable:
        yield f"{report.unscorable:,} records could not be scored. They are not in these metrics."
    yield from map(_sentence, excess_notes(report.slices))
    waiting = None if report.labels is None else waiting_note(report.labels.youngest)
    if waiting:
        yield f"{waiting}."


def headline_cards(report: EvaluationReport) -> list[Card]:
    """Return cards of the headline metrics, each with a value to compare it with."""
    descriptions = dict(_descriptions(report))
    cards = [
        _card(report, name, descriptions[name])
        for name in METRIC_NAMES
        if name in descriptions and getattr(report, name) is not None
    ]
    return cards if report.unlike_training is None else [*cards, unlike_card(report.unlike_training)]


def _card(report: EvaluationReport, name: str, description: str) -> Card:
    value, interval = getattr(report, name), report.intervals.get(name)
    level = 0.95 if report.bootstrap is None else report.bootstrap.level
    low, high = interval or (value, value)
    return Card(
        METRIC_NAMES[name],
        format_metric(value),
        description,
        interval=f"{100 * level:.0f} %: {format_interval(interval)}" if interval else "no interval",
        gauge=(low, value, high) if name in SHARES else None,
    )


def _descriptions(report: EvaluationReport) -> Iterator[tuple[str, str]]:
    yield "macro_f1", f"mean F1 of {len(report.by_type)} types, each with the same weight"
    if report.base_rate is None:
        return
    yield "average_precision", f"a random ranking has the base rate: {format_metric(report.base_rate)}"
    yield "recall_at_1pct_fpr", "of all fraud, flagged when 1 % of the legitimate records are flagged too"
    if report.capacity is not None:
        capacity = capacity_text(report.capacity)
        yield "recall_at_capacity", f"of all fraud, found with {capacity}"
        yield "precision_at_capacity", f"of the alerts are fraud, with {capacity}"
    if report.costs is not None:
        yield "cost_per_1000", f"{format_number(report.costs.without_review)} when nothing is reviewed"
    if report.card_precision is not None:
        best = format_metric(report.card_precision_ceiling)
        yield "card_precision", f"of the {report.accounts_a_day} accounts listed per day; a perfect ranking has {best}"
    yield "ece", "mean gap between the probabilities and the share of fraud"


def capacity_text(capacity: CapacityCurve) -> str:
    """Describe the review capacity of a report."""
    names = ("alerts", "alerts_a_day", "flagged", "why")
    return describe_capacity(**{name: getattr(capacity, name) for name in names})


def metric_table(report: EvaluationReport) -> PageTable:
    """Return the table of all main metrics with their intervals."""
    rows = [
        [words, format_metric(getattr(report, name)), format_interval(report.intervals.get(name))]
        for name, words in METRIC_NAMES.items()
        if getattr(report, name) is not None
    ]
    basis, draws = "no intervals: accounts or campaigns are not known", report.bootstrap
    if draws is not None:
        basis = f"{100 * draws.level:.0f} % intervals from {draws.replicates} draws of {draws.groups:,} {draws.over}s"
        basis += f", of which {draws.groups_with_fraud:,} have fraud"
        basis += "; card precision over accounts" if report.intervals.get("card_precision") else ""
    return PageTable(f"All main metrics; {basis}.", ["metric", "value", "interval"], rows)


def point_table(report: EvaluationReport) -> PageTable:
    """Return the table of the operating points: their rates on these records, and on the calibration slice."""
    known = rates_known(report.operating_points)
    columns = ["point", "threshold", *(RATE_NAMES[name] for name in known)]
    rows = [
        [point_words(point.name), format_metric(point.threshold)]
        + [
            f"{_rate(name, getattr(point.here, name))} ({_rate(name, getattr(point.calibration, name))})"
            for name in known
        ]
        for point in report.operating_points
    ]
    caption = "Rates of each threshold on these records, and in brackets those on the calibration slice."
    promise = " False positive rates are promised over campaigns or accounts, each of which counts once."
    absent = "".join(f" {point.reason}." for point in report.absent_points)
    decides = f" The first point decides.{_unfamiliar_reviews(report)}"
    return PageTable(f"{caption}{decides}{promise}{absent}", columns, rows)


def _unfamiliar_reviews(report: EvaluationReport) -> str:
    """Return how many records are flagged below the threshold that decides, if the policy of the model flags any."""
    decision = report.decision
    if decision is None or not decision.unlike_training:
        return ""
    counts = f"{decision.unlike_training:,} of its {decision.reviews:,} reviews here"
    return f" {counts} are of records below its threshold, which look like nothing in training."


def _rate(name: str, value: float | None) -> str:
    return format_rate(value) if name in ("false_positive_rate", "flagged") else format_metric(value)


def slice_tables(report: EvaluationReport) -> dict[str, PageTable]:
    """Return the tables of metrics by type, by month, by history and under attack, by their headings."""
    months = {month.month: month for month in report.by_month or ()}
    histories: dict[str, SliceMetrics | None] = {}
    if report.cold_start is not None:
        histories = {
            field.name.replace("_", " "): getattr(report.cold_start, field.name) for field in fields(report.cold_start)
        }
    return {
        "By type": _type_table(report.by_type),
        "By month": slice_table("Months, at one threshold: 1 % false positives over all months.", "month", months),
        "Cold start": slice_table("Accounts with and without a history, at that threshold.", "history", histories),
        "Under attack": _attack_table(report.attack),
    }


def _type_table(by_type: Mapping[str, ClassMetrics]) -> PageTable:
    rows = [
        [
            name,
            f"{metrics.rows:,}",
            format_metric(metrics.f1),
            format_interval(metrics.interval),
            format_metric(metrics.precision),
            format_metric(metrics.recall),
            format_metric(metrics.caught),
        ]
        for name, metrics in sorted(by_type.items(), key=lambda item: -item[1].rows)
    ]
    columns = ["type", "rows", "F1", "interval", "precision", "recall", "flagged"]
    return PageTable("Types; flagged: at 1 % false positives, as any type.", columns, rows)


def _attack_table(attack: AttackMetrics | None) -> PageTable:
    if attack is None:
        return PageTable("", [], [])
    rows = []
    for name, metrics in attack.obfuscations.items():
        recalls = [getattr(metrics, strength) for strength in STRENGTHS]
        kept = [format_metric(recall.kept if recall.changed else None) for recall in recalls]
        rows.append([name.replace("_", " "), metrics.level, *kept])
    means = [format_metric(attack.character[strength].mean) for strength in STRENGTHS]
    alike = [format_metric(attack.character[strength].mean_alike) for strength in STRENGTHS]
    flagged = [format_metric(attack.character[strength].flagged) for strength in STRENGTHS]
    rows.append([f"mean of characters ({attack.language})", "", *means])
    rows.append(["the same, legitimate texts obfuscated alike", "", *alike])
    rows.append(["share of these that is flagged", "", *flagged])
    caption = (
        f"Share that is kept of the recall of {format_metric(attack.recall)} on {attack.rows:,} original texts, "
        f"at {100 * attack.false_positive_rate:.0f} % false positives. The last two rows: the same at that rate among "
        f"{attack.legitimate_rows:,} legitimate texts that are obfuscated alike, and the share of these that the "
        "threshold of original texts flags."
    )
    return PageTable(caption, ["obfuscation", "level", *STRENGTHS], rows)


def temporal_facts(temporal: TemporalMetrics | None) -> dict[str, str]:
    """Return the metrics of the same recipe when it is split by time, by their names."""
    if temporal is None:
        return {}
    facts: dict[str, str] = {}
    for field in fields(temporal):
        value = getattr(temporal, field.name)
        if value is None:
            continue
        if isinstance(value, SplitSummary):
            facts |= {f"split, {name}": text for name, text in _split_facts(value)}
        else:
            name = METRIC_NAMES.get(field.name, field.name.replace("_", " "))
            facts[name] = _fact(value)
    return facts


def _fact(value: float | int | str) -> str:
    if isinstance(value, str):
        return value
    return format_metric(value) if isinstance(value, float) else f"{value:,}"


def _split_facts(split: SplitSummary) -> Iterator[tuple[str, str]]:
    yield "kind", split.kind
    yield "not shared by training and test", ", ".join(split.keeps_apart) or "nothing"
    for name, rows in split.rows.items():
        yield f"{name} rows", f"{rows:,}"
    for reason, rows in split.dropped.items():
        yield f"left out, as they {_reason(reason)}", f"{rows:,}"
    yield "gap in days", format_number(split.gap_days)
