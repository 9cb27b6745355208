"""The first words of the page of an evaluation report: how much fraud is found, for how many reviews."""

from collections.abc import Iterator
from dataclasses import dataclass

from fraudsieve._translation import tr
from fraudsieve.pages.rendering import format_range
from fraudsieve.pages.words import format_number, point_words
from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.points import exceeded_notes
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.evaluation.report_parts.decision import DecisionMetrics
from fraudsieve.training.evaluation.report_parts.weighting import Weighting


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
