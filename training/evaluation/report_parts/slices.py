"""Slices of the rows: the values of a few columns, and the metrics of each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.scoring.scores import reached
from fraudsieve.tables.cells import STRING, nested_values
from fraudsieve.training.data.builders import Builder
from fraudsieve.training.data.groups import column_named, without_values
from fraudsieve.training.evaluation.bootstrap import LEVEL, Interval
from fraudsieve.training.evaluation.fraud_rows import FraudRows, SliceMetrics
from fraudsieve.training.evaluation.points import PointMetrics

MIN_ROWS, MIN_FRAUDS, MAX_VALUES = 50, 10, 20
"""Slices with fewer rows, legitimate rows or frauds have no metrics of these; of many values, the most frequent ones
are slices."""
MIXTURES: Final = ("channel", "source")
"""Columns of which training warns if a promised rate does not hold for each value."""
COLUMNS: Final = (*MIXTURES, "country", "kind", "language")
"""Columns whose values are slices, if a table has them."""
LENGTHS: Final = ((0, "up to 20 characters"), (21, "21 to 70"), (71, "71 to 160"), (161, "more than 160"))
AGES: Final = ((0, "less than 1 day"), (1, "1 to 7 days"), (7, "7 to 30 days"), (30, "more than 30 days"))
N_BINS: Final = 4
MAX_NAMED: Final = 5
BREAK: Final = 3.0
"""Times the rate of the deciding point, above which it does not hold for a slice."""
LEAST_RATE: Final = 0.001
OF_FRAUD: Final = (
    *("average_precision", "interval", "roc_auc", "recall", "recall_interval", "precision", "precision_interval"),
    *("observed_over_expected", "observed_over_expected_interval"),
)
"""Metrics that need frauds."""
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class PointRate:
    """The false positive rate of an operating point in a slice, and the rate that the point promises, if any."""

    name: str
    false_positive_rate: float
    interval: Interval | None
    promised: float | None

    @property
    def is_exceeded(self) -> bool:
        """Whether the whole interval is above the promised rate."""
        return self.promised is not None and self.interval is not None and self.interval[0] > self.promised

    def is_far_above(self, rate: float) -> bool:
        """Return whether chance does not explain that this is several times a rate."""
        return self.interval is not None and self.interval[0] > rate and self.false_positive_rate > BREAK * rate


@dataclass(frozen=True, kw_only=True)
class Slice(SliceMetrics):
    """Metrics of the rows with one value, such as ``email`` by ``channel``. None where there are too few rows."""

    by: str
    value: str
    points: tuple[PointRate, ...]


@dataclass(frozen=True, kw_only=True)
class Slices:
    """All slices of a report."""

    # Name of the point that decides, which recall, precision and false positive rate are of; None for the threshold
    # that flags 1 % of the legitimate rows, if there are no points.
    point: str | None
    requested: tuple[str, ...]
    # Number of slices with metrics. The more are compared, the more differ by chance.
    compared: int
    # Number of slices with too few rows for any metric.
    too_small: int
    # Of each slicing, the largest slice first.
    parts: tuple[Slice, ...]


def check_slicing(rows: pd.DataFrame, by: Sequence[str], origin: str, names: Mapping[str, str]) -> pd.DataFrame:
    """Check that rows can be sliced by some columns, and return them with these columns.

    A column that got another name when it was read is there under both.
    """
    return rows.assign(**{name: column_named(rows, name, origin, names, "slice") for name in by})


def first_seen_of(rows: pd.DataFrame, subject: Subject, builder: Builder | None) -> pd.Series | None:
    """Return when the account of each row was created or, if that is not known, had its first event.

    A column ``created_at`` of messages or events is not about their accounts.
    """
    if subject.is_account and "created_at" in rows:
        return rows["created_at"]
    events = None if builder is None else builder.events
    if events is None or "account_id" not in rows or "occurred_at" not in events:
        return None
    return rows["account_id"].map(events.groupby("account_id")["occurred_at"].min())


def slices_of_rows(rows: pd.DataFrame, first_seen: pd.Series | None = None, by: Sequence[str] = ()) -> dict[str, Array]:
    """Return the value of every row, by the name of the slicing."""
    slices = {name: _by_value(rows[name]) for name in by}
    others = (name for name in COLUMNS if name not in slices and name in rows and not nested_values(rows[name]))
    slices |= {name: _by_frequency(rows[name]) for name in others}
    if "text" in rows:
        slices.setdefault("language", _language(rows["text"]))
        slices.setdefault("length", _steps(rows["text"].str.len().to_numpy(np.float64), LENGTHS))
    if first_seen is not None and "as_of" in rows:
        age = (rows["as_of"] - first_seen).to_numpy()
        slices["age of the account"] = _steps(age / np.timedelta64(1, "D"), AGES)
    return {name: values for name, values in slices.items() if name in by or len({*values} - {None}) > 1}


def mixture_of(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many rows have each value of the columns that tell the parts of a mixture apart.

    Columns with many values are left out: they may tell persons apart.
    """
    columns = (rows[name] for name in MIXTURES if name in rows and not without_values(rows[name]))
    few = (column for column in columns if 0 < column.nunique() <= MAX_VALUES)
    counts = {str(column.name): column.dropna().astype(STRING).value_counts() for column in few}
    return {name: {str(value): int(n) for value, n in of_values.items()} for name, of_values in counts.items()}


def _by_value(column: pd.Series) -> Array:
    """Return the value of each row; for a column of many different numbers, the range between quantiles."""
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if not is_number or column.nunique() <= MAX_VALUES:
        return _by_frequency(column)
    numbers = column.replace([np.inf, -np.inf], np.nan).to_numpy(np.float64, na_value=np.nan)
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, N_BINS + 1)))
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    place = np.clip(np.searchsorted(edges, numbers) - 1, 0, len(names) - 1)
    values = np.array(names, object)[place]
    values[np.isnan(numbers)] = None
    return values


def _by_frequency(column: pd.Series) -> Array:
    """Return the most frequent values, and `OTHER` for the rest with their number; None for a missing value."""
    words = column.astype(STRING)
    by_frequency = words[column.notna()].value_counts().index
    other = f"{OTHER} ({len(by_frequency) - MAX_VALUES:,} values)"
    values = words.where(words.isin(by_frequency[:MAX_VALUES]), other)
    return values.astype(object).where(column.notna(), None).to_numpy(object)


def _language(texts: pd.Series) -> Array:
    """Distinguish languages by their script: characters, not words, so no text is ever too short for it."""
    is_chinese, is_latin = texts.str.contains(r"[㐀-鿿]"), texts.str.contains(r"[A-Za-z]")
    return np.select([is_chinese, is_latin], ["Chinese", "Latin script"], OTHER).astype(object)


def _steps(numbers: Array, steps: tuple[tuple[int, str], ...]) -> Array:
    """Return the name of the step that each number is in; None for a missing or negative one."""
    place = np.searchsorted([low for low, _ in steps], numbers, side="right") - 1
    known = np.isfinite(numbers) & (place >= 0)
    return np.array([steps[i][1] if ok else None for i, ok in zip(place, known, strict=True)], object)


def slice_metrics(
    rows: FraudRows,
    flagged: Array,
    slices: Mapping[str, Array],
    points: Sequence[OperatingPoint] = (),
    by: Sequence[str] = (),
) -> Slices:
    """Compute the metrics of every slice that has enough rows and frauds."""
    # The first point decides, so its rows are those that the policy of the model flags too.
    masks = np.column_stack([flagged, *(reached(rows.probability, point.threshold) for point in points[1:])])
    parts = []
    for name, values in slices.items():
        for value in pd.Series(values, dtype=object).value_counts().index:
            mask = np.asarray(values == value, bool)
            parts.append(_slice(rows.part(mask), masks[mask], points, name, str(value)))
    compared = sum(part.rows >= MIN_ROWS for part in parts)
    return Slices(
        point=points[0].name if points else None,
        requested=tuple(by),
        compared=compared,
        too_small=len(parts) - compared,
        parts=tuple(parts),
    )


def _slice(rows: FraudRows, masks: Array, points: Sequence[OperatingPoint], by: str, value: str) -> Slice:
    """Compute the metrics of a slice, without those of too few rows."""
    metrics = rows.slice_metrics(masks[:, 0])
    enough = metrics.rows >= MIN_ROWS
    if not enough or metrics.frauds < MIN_FRAUDS:
        unknown: dict[str, Any] = dict.fromkeys(OF_FRAUD)
        metrics = replace(metrics, **unknown)
    if not enough or metrics.rows - metrics.frauds < MIN_ROWS:
        metrics = replace(metrics, false_positive_rate=None, false_positive_rate_interval=None)
    rates: tuple[PointRate, ...] = ()
    if metrics.false_positive_rate is not None:
        clean = ~rows.is_fraud
        shares, intervals = [rows.share(mask, clean) for mask in masks.T], rows.false_positive_intervals(masks)
        rates = tuple(
            PointRate(
                name=p.name, false_positive_rate=share or 0.0, interval=between, promised=p.max_false_positive_rate
            )
            for p, share, between in zip(points, shares, intervals, strict=False)  # without points, there is one mask
        )
    return Slice(by=by, value=value, points=rates, **asdict(metrics))


def excess_notes(slices: Slices | None) -> list[str]:
    """Return a note for each point whose promised rate is clearly exceeded by slices, which it names.

    They are those by a column that was asked for, or by one that tells the parts of a mixture apart.
    """
    if slices is None:
        return []
    above: dict[str, list[str]] = {}
    for part in slices.parts:
        for rate in part.points if part.by in (*MIXTURES, *slices.requested) else ():
            if rate.is_exceeded and rate.promised is not None and rate.interval is not None:
                low, high = (100 * end for end in rate.interval)
                text = tr(
                    "{rate:.2g} % of the legitimate records where {by} is {value} ({level:.0f} % interval {low:.2g} to "
                    "{high:.2g} %)",
                    rate=100 * rate.false_positive_rate,
                    by=tr(part.by, sense="slice"),
                    value=tr(part.value, sense="slice"),
                    level=100 * LEVEL,
                    low=low,
                    high=high,
                )
                above.setdefault(f"{100 * rate.promised:g} %", []).append(text)
    return [
        tr(
            "the point for {promised} false positives promises this for the mixture of all records, not for each "
            "value: it flags {parts}. {n:,} slices were compared",
            promised=promised,
            parts=reduce(_and, [*texts[:MAX_NAMED], *_more(len(texts) - MAX_NAMED)]),
            n=slices.compared,
        )
        for promised, texts in above.items()
    ]


def break_notes(slices: Slices | None, points: Sequence[PointMetrics]) -> list[str]:
    """Return a note for each value whose legitimate rows the deciding point flags far more often than it should.

    It should flag what it is for, or as many as of the rows that it was chosen on. The share of all rows that are
    flagged does not show this: it depends on how much fraud a source has.
    """
    chosen = points[0].point if points else None
    if slices is None or chosen is None or chosen.false_positive_rate is None:
        return []
    bound = chosen.target_rate or max(chosen.false_positive_rate, LEAST_RATE)
    parts = [part for part in slices.parts if part.points and part.by in (*MIXTURES, *slices.requested)]
    return [
        tr(
            "where {by} is {value}, {rate:.2g} % of the legitimate records are flagged, and not {bound:.2g} %: "
            "recalibrate the model on these records before it is used for them",
            by=tr(part.by, sense="slice"),
            value=tr(part.value, sense="slice"),
            rate=100 * part.points[0].false_positive_rate,
            bound=100 * bound,
        )
        for part in parts
        if part.points[0].is_far_above(bound)
    ]


def _and(text: str, other: str) -> str:
    return tr("{text}, {other}", text=text, other=other)


def _more(n: int) -> list[str]:
    return [tr("and more in {n} other slices", n=n)] if n > 0 else []
