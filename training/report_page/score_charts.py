"""Charts of the scores of an evaluation report: ROC, lift, the scores of each kind of record, and rounds."""

import math
from collections.abc import Sequence

from fraudsieve._translation import tr
from fraudsieve.pages.svg import Chart, Figure
from fraudsieve.pages.words import format_number
from fraudsieve.training.evaluation.report import EvaluationReport

EMPTY = math.log10(0.5)
"""Position of a bin without records on an axis of logarithms: half a step below one record."""


def draw_roc(report: EvaluationReport) -> Figure | None:
    """Draw recall against the false positive rate; None without both kinds of records."""
    curve = None if report.curves is None else report.curves.roc
    if not curve or report.roc_auc is None:
        return None
    chart = Chart((0, 1), (0, 1))
    chart.axes(tr("share of the legitimate records that is flagged"), tr("recall"))
    chart.line([(0, 0), (1, 1)], "muted", dashed=True)
    chart.line(curve, "c1")
    chart.legend(tr("this model"), "c1")
    chart.legend(tr("random ranking"), "muted", shape="dashed")
    description = tr("Area under the curve {auc:.3f}; a random ranking has 0.5.", auc=report.roc_auc)
    return chart.to_figure(tr("ROC curve"), description)


def draw_lift(report: EvaluationReport) -> Figure | None:
    """Draw how many times as much fraud as at random is found among the highest scores; None without fraud."""
    gains = None if report.curves is None else report.curves.gains
    if not gains or not report.base_rate:
        return None
    lift = [(share, recall / share) for share, recall in gains if share > 0]
    best, top = min(1 / report.base_rate, 1 / lift[0][0]), 1.08 * max(2.0, max(value for _, value in lift))
    chart = Chart((0, 1), (0, max(top, 1.08 * best)))
    chart.axes(tr("share of the records that is reviewed"), tr("times a random ranking"))
    chart.line([(share, min(best, 1 / share)) for share, _ in lift], "muted", dashed=True)
    chart.line(lift, "c1")
    chart.legend(tr("this model"), "c1")
    chart.legend(tr("perfect ranking"), "muted", shape="dashed")
    tenth = min(lift, key=lambda point: abs(point[0] - 0.1))
    description = tr(
        "The 10 % of the records with the highest scores contain {times} times as much fraud as a random 10 %.",
        times=format_number(round(tenth[1], 1)),
    )
    return chart.to_figure(tr("Lift"), description)


def draw_histogram(report: EvaluationReport) -> Figure | None:
    """Draw the number of records of each kind by probability, on an axis of logarithms; None without scores."""
    bins = () if report.curves is None else report.curves.histogram
    if not bins:
        return None
    highest = max(max(part.frauds, part.legitimate) for part in bins)
    chart = Chart((0, 1), (EMPTY, math.log10(max(highest, 10)) * 1.04), log_up=True)
    chart.axes(tr("probability of fraud"), tr("records"))
    for name, css, shape, counts in (
        (tr("legitimate"), "c1", "line", [part.legitimate for part in bins]),
        (tr("fraud"), "c2", "dashed", [part.frauds for part in bins]),
    ):
        line = _steps(counts)
        chart.band([(x, EMPTY) for x, _ in line], line, css)
        chart.line(line, css, dashed=shape == "dashed")
        chart.legend(name, css, shape=shape)
    title = tr("Scores of fraud and of legitimate records")
    return chart.to_figure(title, tr("Each step up is ten times as many records."))


def draw_rounds(report: EvaluationReport) -> Figure | None:
    """Draw the metrics by number of boosting rounds; None if the number was not chosen."""
    choice = report.trees
    if choice is None or len(choice.curve) < 2:
        return None
    highest = max(point.log_loss for point in choice.curve)
    chart = Chart((0, choice.curve[-1].rounds), (0, 1))
    chart.axes(tr("boosting rounds"), tr("metric"))
    chart.line([(choice.chosen.rounds, 0), (choice.chosen.rounds, 1)], "muted", dashed=True)
    chart.line([(point.rounds, point.log_loss / highest) for point in choice.curve], "c1")
    chart.line([(point.rounds, point.average_precision) for point in choice.curve], "c2", dashed=True)
    chart.legend(tr("log loss (highest: 1)"), "c1")
    chart.legend(tr("average precision"), "c2", shape="dashed")
    description = tr(
        "{lowest:,} rounds have the lowest log loss on {rows:,} {which} training rows with {frauds:,} frauds. All "
        "training rows get {rounds:,}, in proportion.",
        lowest=choice.chosen.rounds,
        rounds=choice.rounds,
        rows=choice.rows,
        which=tr("of the latest") if choice.later else tr("other"),
        frauds=choice.frauds,
    )
    return chart.to_figure(tr("How the number of rounds was chosen"), description)


def _steps(counts: Sequence[int]) -> list[tuple[float, float]]:
    """Return the outline of bars of equal width."""
    heights = [math.log10(max(count, 0.5)) for count in counts]
    n = len(counts)
    return [point for i, y in enumerate(heights) for point in ((i / n, y), ((i + 1) / n, y))]
