"""The parts of the page of an evaluation report: warnings, headline metrics, and tables.

The first words of the page of an evaluation report: how much fraud is found, for how many reviews.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from fraudsieve._translation import tr, tr_all
from fraudsieve.pages.rendering import (
    Card,
    Notice,
    PageTable,
    capitalised,
    format_interval,
    format_metric,
    format_range,
    format_rate,
    label_words,
    listed,
)
from fraudsieve.pages.words import format_number, names_in_words, obfuscation_words, point_words
from fraudsieve.training.attack.recall import AttackMetrics
from fraudsieve.training.evaluation.bootstrap import MIN_GROUPS, Interval
from fraudsieve.training.evaluation.fraud_rows import ClassMetrics, SliceMetrics
from fraudsieve.training.evaluation.label_delays import label_notes, selection_notes
from fraudsieve.training.evaluation.metrics import METRIC_NAMES, RATE_NAMES
from fraudsieve.training.evaluation.points import exceeded_notes, rates_known
from fraudsieve.training.evaluation.report import EvaluationReport, SplitSummary, TemporalMetrics
from fraudsieve.training.evaluation.report_parts.slices import break_notes, excess_notes
from fraudsieve.training.evaluation.report_parts.weighting import UNWEIGHTED, DecisionMetrics, Weighting
from fraudsieve.training.splits.split import LEFT_OUT, describe_split

from .breakdown import slice_table
from .charts import unlike_card, unlike_text

SHARES = frozenset(
    {
        "average_precision",
        "recall_at_1pct_fpr",
        "recall_at_capacity",
        "precision_at_capacity",
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
        yield Notice(sentence(first), [sentence(line) for line in others])
    if report.split is not None:
        yield _split_notice(report.split)
    elif report.not_later_than_training is not None:
        yield _later_notice(report.not_later_than_training, report.rows)
    else:
        title = tr("How these records were chosen is unknown.")
        yield Notice(title, [tr("If the model was trained on some of them, the metrics are too good.")])
    reasons = [*_reasons(report)]
    if reasons:
        yield Notice(tr("Take these metrics with care"), reasons, "warn")


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital, and a full stop."""
    return capitalised(tr("{text}.", text=text))


def _split_notice(split: SplitSummary) -> Notice:
    counts = listed(f"{tr(name, sense='slice of a split')} {rows:,}" for name, rows in split.rows.items())
    lines: list[str] = [tr("Rows: {counts}.", counts=counts)] * bool(counts)
    lines += [
        tr("Left out: {rows:,} rows, which {reason}.", rows=rows, reason=_reason(reason))
        for reason, rows in split.dropped.items()
        if rows
    ]
    if split.flatters:
        title = tr(
            "These metrics are too good: the split is random, so training and test may share campaigns or accounts."
        )
        return Notice(title, [*lines, tr(OPTIMISTIC)], "bad")
    return Notice(tr("Split {how}.", how=describe_split(split.kind, split.keeps_apart)), lines)


def _reason(name: str) -> str:
    return tr(LEFT_OUT.get(name, name.replace("_", " ")))


def _later_notice(not_later: int, rows: int) -> Notice:
    if not not_later:
        return Notice(tr("All records are later than what the model was trained and calibrated on."))
    title = tr(
        "These metrics are too good: {not_later:,} of {rows:,} records are not later than what the model was "
        "trained and calibrated on.",
        not_later=not_later,
        rows=rows,
    )
    return Notice(title, [tr(OPTIMISTIC)], "bad")


def _reasons(report: EvaluationReport) -> Iterator[str]:
    yield from map(sentence, break_notes(report.slices, report.operating_points))
    for warning in report.warnings:
        yield names_in_words(tr("{found}. {do}", found=tr(warning["found"]), do=tr(warning["do"])))
    draws = report.bootstrap
    if draws is not None and draws.groups_with_fraud < MIN_GROUPS:
        yield tr(
            "Only {n} {groups} have fraud: the intervals are not reliable.",
            n=draws.groups_with_fraud,
            groups=tr(f"{draws.over}s"),
        )
    if report.unlike_training is not None and report.unlike_training.is_clearly_more:
        unlike = unlike_text(report.unlike_training)
        yield tr("{unlike}. The model knows little about such records.", unlike=unlike)
    if report.unscorable:
        yield tr("{n:,} records could not be scored. They are not in these metrics.", n=report.unscorable)
    yield from map(sentence, excess_notes(report.slices))
    yield from map(sentence, [*label_notes(report.labels), *selection_notes(report.label_selection)])


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
    between = tr("no interval")
    if interval:
        between = tr("{level:.0f} %: {interval}", level=100 * level, interval=format_interval(interval))
    return Card(
        tr(METRIC_NAMES[name]),
        format_metric(value),
        description,
        interval=between,
        gauge=(low, value, high) if name in SHARES else None,
    )


def _descriptions(report: EvaluationReport) -> Iterator[tuple[str, str]]:
    yield "macro_f1", tr("mean F1 of {n} types, each with the same weight", n=len(report.by_type))
    if report.base_rate is None:
        return
    base_rate = format_metric(report.base_rate)
    yield "average_precision", tr("a random ranking has the base rate: {base_rate}", base_rate=base_rate)
    yield "recall_at_1pct_fpr", tr("of all fraud, flagged when 1 % of the legitimate records are flagged too")
    if report.capacity is not None:
        capacity = report.capacity.text
        yield "recall_at_capacity", tr("of all fraud, found with {capacity}", capacity=capacity)
        yield "precision_at_capacity", tr("of the alerts are fraud, with {capacity}", capacity=capacity)
    if report.costs is not None:
        without = format_number(report.costs.without_review)
        yield "cost_per_1000", tr("{cost} when nothing is reviewed", cost=without)
    yield "ece", tr("mean gap between the probabilities and the share of fraud")


def metric_table(report: EvaluationReport) -> PageTable:
    """Return the table of all main metrics with their intervals."""
    plain = {} if report.weighting is None else report.weighting.plain
    names = [name for name in METRIC_NAMES if getattr(report, name) is not None or plain.get(name) is not None]
    rows = [
        [tr(METRIC_NAMES[name]), format_metric(getattr(report, name)), format_interval(report.intervals.get(name))]
        for name in names
    ]
    caption: str = tr("All main metrics; {basis}.", basis=_basis(report))
    columns = tr_all("metric", "value", "interval")
    weighting = report.weighting
    if weighting is not None:
        caption = f"{caption} {tr(UNWEIGHTED)}"
        columns += [tr("without weights"), tr("interval")]
        for row, name in zip(rows, names, strict=True):
            row += [format_metric(weighting.plain.get(name)), format_interval(weighting.plain_intervals.get(name))]
    return PageTable(caption, columns, rows)


def _basis(report: EvaluationReport) -> str:
    draws = report.bootstrap
    if draws is None:
        return tr("no intervals: accounts or campaigns are not known")
    basis: str = tr(
        "{level:.0f} % intervals from {replicates} draws of {n:,} {groups}, of which {with_fraud:,} have fraud",
        level=100 * draws.level,
        replicates=draws.replicates,
        n=draws.groups,
        groups=tr(f"{draws.over}s"),
        with_fraud=draws.groups_with_fraud,
    )
    return basis


def point_table(report: EvaluationReport) -> PageTable:
    """Return the table of the operating points: their rates on these records, and on the calibration slice."""
    known = rates_known(report.operating_points)
    columns = [tr("point"), tr("threshold"), *(tr(RATE_NAMES[name]) for name in known)]
    rows = [
        [point_words(point.point.name), format_metric(point.point.threshold)]
        + [
            tr(
                "{value} ({interval})",
                value=_rate(name, getattr(point.here, name)),
                interval=_rate(name, getattr(point.calibration, name)),
            )
            for name in known
        ]
        for point in report.operating_points
    ]
    caption = tr(
        "Rates of each threshold on these records, and in brackets those on the calibration slice. "
        "The first point decides.{unfamiliar} "
        "False positive rates are counted over campaigns or accounts, each of which counts once.{bases}",
        unfamiliar=_unfamiliar_reviews(report),
        bases="".join(tr(" {text}.", text=basis) for one in report.operating_points if (basis := one.point.basis)),
    )
    return PageTable(caption, columns, rows)


def _unfamiliar_reviews(report: EvaluationReport) -> str:
    """Return how many records are flagged below the threshold that decides, if the policy of the model flags any."""
    decision = report.decision
    if decision is None or not decision.unlike_training:
        return ""
    return tr(
        " {n:,} of its {reviews:,} reviews here are of records below its threshold, "
        "which look like nothing in training.",
        n=decision.unlike_training,
        reviews=decision.reviews,
    )


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
        tr("By type"): _type_table(report.by_type),
        tr("By month"): slice_table(
            tr("Months, at one threshold: 1 % false positives over all months."), tr("month"), months
        ),
        tr("Cold start"): slice_table(
            tr("Accounts with and without a history, at that threshold."), tr("history"), histories
        ),
        tr("Under attack"): _attack_table(report.attack),
    }


def _type_table(by_type: Mapping[str, ClassMetrics]) -> PageTable:
    rows = [
        [
            label_words(name),
            f"{metrics.rows:,}",
            format_metric(metrics.f1),
            format_interval(metrics.interval),
            format_metric(metrics.precision),
            format_metric(metrics.recall),
            format_metric(metrics.caught),
        ]
        for name, metrics in sorted(by_type.items(), key=lambda item: -item[1].rows)
    ]
    columns = [tr("type"), tr("rows"), "F1", *tr_all("interval", "precision", "recall", "flagged")]
    return PageTable(tr("Types; flagged: at 1 % false positives, as any type."), columns, rows)


def _attack_table(attack: AttackMetrics | None) -> PageTable:
    if attack is None:
        return PageTable("", [], [])
    rows = []
    for name, metrics in attack.obfuscations.items():
        recalls = [getattr(metrics, strength) for strength in STRENGTHS]
        kept = [format_metric(recall.kept if recall.changed else None) for recall in recalls]
        rows.append([obfuscation_words(name), tr(metrics.level, sense="obfuscation"), *kept])
    means = [format_metric(attack.character[strength].mean) for strength in STRENGTHS]
    alike = [format_metric(attack.character[strength].mean_alike) for strength in STRENGTHS]
    flagged = [format_metric(attack.character[strength].flagged) for strength in STRENGTHS]
    rows.append([tr("mean of characters ({language})", language=tr(attack.language, sense="language")), "", *means])
    rows.append([tr("the same, legitimate texts obfuscated alike"), "", *alike])
    rows.append([tr("share of these that is flagged"), "", *flagged])
    strengths = [tr(strength, sense="obfuscation") for strength in STRENGTHS]
    return PageTable(_attack_caption(attack), [tr("obfuscation"), tr("level"), *strengths], rows)


def _attack_caption(attack: AttackMetrics) -> str:
    return tr(
        "Share that is kept of the recall of {recall} on {rows:,} original texts, at {rate:.0f} % false positives. "
        "The last two rows: the same at that rate among {legitimate:,} legitimate texts that are obfuscated alike, "
        "and the share of these that the threshold of original texts flags.",
        recall=format_metric(attack.recall),
        rows=attack.rows,
        rate=100 * attack.false_positive_rate,
        legitimate=attack.legitimate_rows,
    )


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
            facts |= {tr("split, {name}", name=name): text for name, text in _split_facts(value)}
        else:
            facts[tr(METRIC_NAMES.get(field.name, field.name.replace("_", " ")))] = _fact(value)
    return facts


def _fact(value: float | int | str) -> str:
    if isinstance(value, str):
        return tr(value)
    return format_metric(value) if isinstance(value, float) else f"{value:,}"


def _split_facts(split: SplitSummary) -> Iterator[tuple[str, str]]:
    yield tr("kind", sense="split"), tr(split.kind, sense="split")
    apart = listed(tr(name, sense="kept apart") for name in split.keeps_apart)
    yield tr("not shared by training and test"), apart or tr("nothing")
    for name, rows in split.rows.items():
        yield tr("{name} rows", name=tr(name, sense="slice of a split")), f"{rows:,}"
    for reason, rows in split.dropped.items():
        yield tr("left out, as they {reason}", reason=_reason(reason)), f"{rows:,}"
    yield tr("gap in days"), format_number(split.gap_days)


@dataclass(frozen=True)
class Headline:
    """A sentence in large type, and the sentences below it."""

    title: str
    lines: tuple[str, ...]


def headline(report: EvaluationReport) -> Headline | None:
    """Return what the model finds: at the review capacity if it was given, otherwise at the point that decides.

    None without fraud, or without a probability of fraud.
    """
    decision, capacity = report.decision, report.capacity
    if not report.frauds or report.base_rate is None:
        return None
    warnings = exceeded_notes(report.operating_points[:1])
    given = capacity is not None and capacity.why == "as given"
    if decision is not None and not given:
        return Headline(
            _title(decision.found, decision.frauds, decision.reviews),
            (
                *warnings,
                *_lines(
                    report.base_rate,
                    (decision.recall, decision.recall_interval),
                    (decision.precision, decision.precision_interval),
                    _how(decision) + _unfamiliar(decision.unlike_training) + _per_day(decision.reviews_a_day),
                    *_weighting(report.weighting, ("recall", "precision")),
                ),
            ),
        )
    if capacity is None or report.recall_at_capacity is None:
        return None
    frauds = report.frauds if report.weighting is None else report.weighting.frauds
    found = report.recall_at_capacity * frauds
    why = tr("as many as the recipe says") if given else tr(capacity.why)
    how = tr("The records with the highest probabilities are reviewed, {why}.", why=why)
    return Headline(
        _title(round(found), round(frauds), round(capacity.alerts)),
        (
            *warnings,
            *_lines(
                report.base_rate,
                (report.recall_at_capacity, report.intervals.get("recall_at_capacity")),
                (report.precision_at_capacity, report.intervals.get("precision_at_capacity")),
                how + _per_day(capacity.alerts_a_day),
                *_weighting(report.weighting, ("recall_at_capacity", "precision_at_capacity")),
            ),
        ),
    )


def _weighting(weighting: Weighting | None, names: tuple[str, str]) -> Iterator[str]:
    """Yield what weighted figures are computed from, and recall and precision without weights."""
    if weighting is None:
        return
    yield weighting.sentence
    recall, precision = (_share(weighting.plain.get(name), weighting.plain_intervals.get(name)) for name in names)
    yield tr("Without weights, recall is {recall} and precision {precision}.", recall=recall, precision=precision)


def _title(found: int, frauds: int, reviews: int) -> str:
    return tr(
        "{found:,} of {frauds:,} frauds are found with {reviews:,} reviews.",
        found=found,
        frauds=frauds,
        reviews=reviews,
    )


def _how(decision: DecisionMetrics) -> str:
    return tr(
        "Every record with a probability of at least {threshold:.3g} is reviewed: the point {point}, which decides.",
        threshold=decision.threshold,
        point=point_words(decision.point),
    )


def _unfamiliar(reviews: int) -> str:
    if not reviews:
        return ""
    return tr(
        " So are {reviews:,} records with a lower probability, because they look like nothing in training.",
        reviews=reviews,
    )


def _per_day(reviews_a_day: float | None) -> str:
    if reviews_a_day is None:
        return ""
    reviews = format_number(float(f"{reviews_a_day:.2g}"))
    return tr(" Over all records of this period, that is {reviews} reviews per day.", reviews=reviews)


def _lines(
    base_rate: float,
    recall: tuple[float | None, Interval | None],
    precision: tuple[float | None, Interval | None],
    *others: str,
) -> Iterator[str]:
    yield tr("{share} of all fraud is found.", share=_share(*recall))
    if precision[0] is not None:
        yield tr(
            "{share} of the reviews find fraud. Reviews at random would find {base_rate}, the base rate.",
            share=_share(*precision),
            base_rate=_percent(base_rate),
        )
    yield from others


def _share(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return tr("An unknown share")
    if interval is None:
        return _percent(value)
    between = format_range(_percent(interval[0]), _percent(interval[1]))
    return tr("{value} (95 % interval: {interval})", value=_percent(value), interval=between)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
