"""Slices on a page: a table of each slicing, and one of the false positives of each operating point."""

from collections.abc import Mapping
from typing import Final

from fraudsieve.training.evaluation.bootstrap import LEVEL, Interval
from fraudsieve.training.evaluation.fraud_rows import SliceMetrics
from fraudsieve.training.evaluation.report_parts.slices import (
    MIN_FRAUDS,
    MIN_ROWS,
    MIXTURES,
    PointRate,
    Slice,
    Slices,
)

from .rendering import PageTable, format_interval, format_metric, format_rate
from .words import point_words

__all__ = ["slice_table", "sliced_tables"]

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
COUNTS: Final = ("rows", "frauds", "average precision")
RATES: Final = ("false positives", "observed / expected")
CAPTION: Final = "By {by}. Recall and false positives are those of {point}. In brackets: {level:.0f} % intervals."
AT_POINT, AT_THRESHOLD = "the point that decides ({name})", "the threshold that flags 1 % of all legitimate records"
TOO_FEW: Final = "A dash: fewer than {frauds} frauds, or fewer than {rows} legitimate records."
COMPARED: Final = "{n} slices were compared: {misses:.0f} % of such intervals miss the true value by chance."
RATES_CAPTION: Final = (
    "False positives of each point by {by}. In brackets: {level:.0f} % intervals. A promised rate is kept over all "
    "records together, not for each value."
)
ABOVE: Final = "above the promise"


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
    at = AT_THRESHOLD if slices.point is None else AT_POINT.format(name=point_words(slices.point))
    caption = CAPTION.format(by=by, point=at, level=100 * LEVEL)
    few = TOO_FEW.format(frauds=MIN_FRAUDS, rows=MIN_ROWS)
    return f"{caption} {few} {COMPARED.format(n=slices.compared, misses=100 - 100 * LEVEL)}"


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
    return PageTable(caption, [name, *COUNTS, "recall", "precision", *RATES], rows)


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
    return PageTable(caption, [by, *COUNTS, "recall", *RATES], rows)


def _counts(key: str, metrics: SliceMetrics) -> list[str]:
    precision = _with_interval(metrics.average_precision, metrics.interval)
    return [key, f"{metrics.rows:,}", f"{metrics.frauds:,}", precision]


def _rate_tables(by: str, values: Mapping[str, Slice]) -> list[PageTable]:
    """Return the table of the false positive rates of all points; none if there is no such rate."""
    rated = {value: part.points for value, part in values.items() if part.points}
    if not rated:
        return []
    columns = [point_words(point.name) for point in next(iter(rated.values()))]
    rows = [[value, *map(_rate_of_point, points)] for value, points in rated.items()]
    return [PageTable(RATES_CAPTION.format(by=by, level=100 * LEVEL), [by, *columns], rows)]


def _rate_of_point(rate: PointRate) -> str:
    text = _rate_with_interval(rate.false_positive_rate, rate.interval)
    return f"{text} {ABOVE}" if rate.is_exceeded else text


def _with_interval(value: float | None, interval: Interval | None) -> str:
    between = "" if value is None or interval is None else format_interval(interval)
    return _in_brackets(format_metric(value), between)


def _rate_with_interval(rate: float | None, interval: Interval | None) -> str:
    between = "" if rate is None or interval is None else " to ".join(map(format_rate, interval))
    return _in_brackets(format_rate(rate), between)


def _in_brackets(value: str, between: str) -> str:
    return f"{value} ({between.replace(' ', NO_BREAK_SPACE)})" if between else value
