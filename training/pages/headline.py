"""The first words of the page of an evaluation report: how much fraud is found, for how many reviews."""

from collections.abc import Iterator
from dataclasses import dataclass

from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.metrics import format_number
from fraudsieve.training.evaluation.report import EvaluationReport

from .words import point_words

__all__ = ["Headline", "headline"]


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
    given = capacity is not None and capacity.why == "as given"
    if decision is not None and not given:
        return Headline(
            _title(decision.found, report.frauds, decision.reviews),
            tuple(
                _lines(
                    report.base_rate,
                    (decision.recall, decision.recall_interval),
                    (decision.precision, decision.precision_interval),
                    f"Every record with a probability of at least {decision.threshold:.3g} is reviewed: "
                    f"the point {point_words(decision.point)}, which decides.{_unfamiliar(decision.unlike_training)}"
                    f"{_per_day(decision.reviews_a_day)}",
                )
            ),
        )
    if capacity is None or report.recall_at_capacity is None:
        return None
    found = report.recall_at_capacity * report.frauds
    why = "as many as the recipe says" if given else capacity.why
    return Headline(
        _title(round(found), report.frauds, round(capacity.alerts)),
        tuple(
            _lines(
                report.base_rate,
                (report.recall_at_capacity, report.intervals.get("recall_at_capacity")),
                (report.precision_at_capacity, report.intervals.get("precision_at_capacity")),
                f"The records with the highest probabilities are reviewed, {why}.{_per_day(capacity.alerts_a_day)}",
            )
        ),
    )


def _title(found: int, frauds: int, reviews: int) -> str:
    return f"{found:,} of {frauds:,} frauds are found with {reviews:,} reviews."


def _unfamiliar(reviews: int) -> str:
    if not reviews:
        return ""
    return f" So are {reviews:,} records with a lower probability, because they look like nothing in training."


def _per_day(reviews_a_day: float | None) -> str:
    if reviews_a_day is None:
        return ""
    return f" Over all records of this period, that is {format_number(float(f'{reviews_a_day:.2g}'))} reviews per day."


def _lines(
    base_rate: float,
    recall: tuple[float | None, Interval | None],
    precision: tuple[float | None, Interval | None],
    how: str,
) -> Iterator[str]:
    yield f"{_share(*recall)} of all fraud is found."
    if precision[0] is not None:
        at_random = f"Reviews at random would find {_percent(base_rate)}, the base rate."
        yield f"{_share(*precision)} of the reviews find fraud. {at_random}"
    yield how


def _share(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "An unknown share"
    between = "" if interval is None else f" (95 % interval: {_percent(interval[0])} to {_percent(interval[1])})"
    return f"{_percent(value)}{between}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
