"""Operating points: the choice of those of a recipe in training, and their metrics on other records."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError
from fraudsieve.features.profile.custom_columns import category_codes
from fraudsieve.features.profile.frames import category_column
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.points import OperatingPoint, SourcePoints
from fraudsieve.models.scoring.scores import reached
from fraudsieve.models.thresholds import Targets, operating_points
from fraudsieve.pages.words import point_words
from fraudsieve.training.data.assumed_labels import inclusion_weights
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.held_out import HeldOutScores
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split

from .bootstrap import LEVEL, Interval
from .capacity import count_days
from .fraud_rows import FraudRows

DAY = pd.Timedelta(days=1)
MIN_OF_SOURCE = 30
"""Legitimate records that a threshold of their own needs: sources differ by less than an estimate of fewer does."""
WITHOUT_DAYS = (
    "evaluate.alerts_a_day: expected records with different times, got none. The point capacity flags as many "
    "records as there are frauds among those that it was chosen on. Add times, or remove this setting"
)


@dataclass(frozen=True, kw_only=True)
class PointRates:
    """Rates of an operating point on some records.

    ``flagged`` is a share of these records; ``alerts_a_day`` counts alerts of all records. None if a rate cannot be
    computed.
    """

    false_positive_rate: float | None
    recall: float | None
    precision: float | None
    flagged: float | None
    alerts_a_day: float | None


@dataclass(frozen=True)
class PointMetrics:
    """An operating point with its rates on the calibration slice, and its rates on the evaluated records.

    The rates ``here`` of the point that decides are those of the decisions: the policy of a model may flag further
    records, which look like nothing in training. All other rates are those of the threshold alone.
    """

    point: OperatingPoint
    here: PointRates
    # The interval of the false positive rate here; None if the groups of the records are unknown.
    interval: Interval | None = None

    @property
    def calibration(self) -> PointRates:
        """Its rates on the calibration slice."""
        return PointRates(**{rate.name: getattr(self.point, rate.name) for rate in fields(PointRates)})

    @property
    def is_exceeded(self) -> bool:
        """Whether the whole interval of the false positive rate here is above the rate that the point is for."""
        rate = self.point.target_rate
        return rate is not None and self.interval is not None and self.interval[0] > rate


def point_metrics(
    points: Sequence[OperatingPoint], rows: FraudRows, flagged: Array | None = None
) -> tuple[PointMetrics, ...]:
    """Compute the rates of every operating point on some records, next to those on the calibration slice."""
    masks = [reached(rows.probability, point.threshold) for point in points]
    if masks and flagged is not None:
        masks[0] = flagged
    intervals = rows.false_positive_intervals(np.column_stack(masks)) if masks else []
    return tuple(
        PointMetrics(point, _rates(mask, rows), between)
        for point, mask, between in zip(points, masks, intervals, strict=True)
    )


def exceeded_notes(points: Sequence[PointMetrics]) -> list[str]:
    """Return a note for each point that flags clearly more of the legitimate records than its rate."""
    return [
        tr(
            "{point}: {share:.2g} % of the legitimate records here are flagged ({level:.0f} % interval {low:.2g} to "
            "{high:.2g} %), more than the point is for. Look at the months and at --by, or recalibrate the model",
            point=point_words(one.point.name),
            share=100 * (one.here.false_positive_rate or 0),
            level=100 * LEVEL,
            low=100 * one.interval[0],
            high=100 * one.interval[1],
        )
        for one in points
        if one.is_exceeded and one.interval is not None
    ]


def rates_known(points: Sequence[PointMetrics]) -> list[str]:
    """Return the names of the rates that any point has: without days there are no alerts per day."""
    rates = [rates for point in points for rates in (point.here, point.calibration)]
    return [rate.name for rate in fields(PointRates) if any(getattr(item, rate.name) is not None for item in rates)]


def _rates(flagged: Array, rows: FraudRows) -> PointRates:
    return PointRates(
        false_positive_rate=rows.share(flagged, ~rows.is_fraud),
        recall=rows.share(flagged, rows.is_fraud),
        precision=rows.share(rows.is_fraud, flagged),
        flagged=rows.share(flagged),
        alerts_a_day=rows.alerts_a_day(flagged),
    )


def calibration_days(data: LabelledData, rows: Array) -> float | None:
    """Return the number of days in which as many records come as there are rows to calibrate on.

    Reviewers get alerts of all records, not only of labelled ones, and a slice leaves rows out. So the rows count as
    the time in which as many messages come during their window; of accounts and events, those with a label count. None
    if fewer than two records have a time, or all have the same.
    """
    times = data.rows["as_of"]
    window = times.iloc[rows].dropna()
    all_times = times if data.messages is None else data.messages["as_of"]
    n_records = int(all_times.between(window.min(), window.max()).sum()) if len(window) else 0
    if n_records < 2 or window.min() == window.max():
        return None
    # There is one gap less than there are records.
    return float((window.max() - window.min()) / DAY / (n_records - 1) * len(rows))


def share_of_records(data: LabelledData, rows: pd.DataFrame) -> float:
    """Return the share of all records of their time that some labelled rows are, counted as by `calibration_days`.

    At most 1; 1 where no record has a time. Rows that were drawn with known probabilities are the records that they
    stand for.
    """
    times = rows["as_of"].dropna()
    weights = inclusion_weights(rows)
    n_rows = len(times) if weights is None else float(weights[rows["as_of"].notna()].sum())
    all_times = data.rows["as_of"] if data.messages is None else data.messages["as_of"]
    n_records = int(all_times.between(times.min(), times.max()).sum()) if len(times) else 0
    return min(n_rows / n_records, 1.0) if n_records else 1.0


def check_points(data: LabelledData, split: Split, recipe: Recipe) -> None:
    """Check, before any work, that the operating points of a recipe can be chosen."""
    thresholds, problems = recipe.thresholds, []
    if thresholds.alerts_a_day and calibration_days(data, split.calibration) is None:
        problems.append("thresholds.alerts_a_day: the records have no times. Add times, or remove this setting")
    if thresholds.costs is not None and thresholds.costs.by_amount:
        amounts = amounts_of(data, split.calibration)
        is_fraud = data.rows["label"].iloc[split.calibration].to_numpy(object) != data.legitimate
        if amounts is None or np.isnan(amounts[is_fraud]).all():
            problems.append("thresholds.costs.by_amount: no fraud to calibrate on has an amount. Set it to false")
    if problems:
        raise RecipeError("recipe", problems)


def amounts_of(data: LabelledData, rows: Array) -> Array | None:
    """Return the amounts of rows, NaN for unknown; None if rows have no amount."""
    if "amount" not in data.rows:
        return None
    return data.rows["amount"].iloc[rows].to_numpy(np.float64, na_value=np.nan)


def choose_points(
    probability: Array, is_fraud: Array, data: LabelledData, groups: Array, scores: HeldOutScores, recipe: Recipe
) -> tuple[tuple[OperatingPoint, ...], tuple[str, ...]]:
    """Choose the operating points of a recipe by the probabilities of held-out rows; return them, and notes."""
    targets, alerts_a_day = replace(recipe.thresholds.targets, reserve=scores.reserve), recipe.evaluate.alerts_a_day
    # Times within one day may be no more than an order, so alerts per day are only computed if the recipe has some.
    is_requested = bool(targets.alerts_a_day) or alerts_a_day is not None
    in_days = is_requested or (count_days(data.rows["as_of"].to_numpy()) or 0) > 1
    days = calibration_days(data, scores.rows) if in_days else None
    points = operating_points(
        probability,
        is_fraud,
        targets,
        groups=groups[scores.rows],
        capacity=None if alerts_a_day is None or days is None else alerts_a_day * days,
        days=days,
        amounts=amounts_of(data, scores.rows),
        promise=scores.promise,
    )
    notes = point_notes(points, targets)
    return points, notes if alerts_a_day is None or days is not None else (*notes, WITHOUT_DAYS)


def choose_source_points(
    model: Model,
    probability: Array,
    is_fraud: Array,
    data: LabelledData,
    groups: Array,
    scores: HeldOutScores,
    recipe: Recipe,
) -> tuple[SourcePoints, Array, tuple[str, ...]]:
    """Choose the point of each value of the column `thresholds.by`; return them, the value of each row, and notes.

    A value with few legitimate records is decided by the first point, as values that training did not see are.
    """
    column, rate = recipe.thresholds.by or "", model.points[0].target_rate if model.points else None
    seen = model.matrix.custom.categories.get(column) if column in data.rows else None
    if seen is None or rate is None:
        got = f"got {column!r}" if seen is None else f"got the point {model.points[0].name}"
        expected = f"a category of the {data.subject}s" if seen is None else "a false positive rate to decide"
        if column == "source":
            got = "got the source of the label. Give the column of records another name, such as channel"
        raise RecipeError("recipe", [f"thresholds.by: expected {expected}, {got}"])
    values, _ = category_column(data.rows[column].iloc[scores.rows])
    codes = category_codes(values, seen, model.matrix.custom.digest_key)
    targets = Targets((rate,), confidence=recipe.thresholds.confidence, reserve=scores.reserve)
    points: dict[str, OperatingPoint] = {}
    for code, value in enumerate(seen):
        of_value = codes == code
        if (of_value & ~is_fraud).sum() >= MIN_OF_SOURCE:
            parts = probability[of_value], is_fraud[of_value], targets
            of_rates = operating_points(*parts, groups=groups[scores.rows][of_value], promise=scores.promise)
            points[value] = next(point for point in of_rates if point.target_rate is not None)
    notes = [f"where {column} is {value}: {point.basis}" for value, point in points.items()]
    others = len(seen) - len(points)
    if others:
        few = f"fewer than {MIN_OF_SOURCE} legitimate records to set a threshold on, so {model.points[0].name} decides"
        notes.append(f"{others:,} of {len(seen):,} values of {column!r} have {few}")
    value_of = np.array([*(value if value in points else None for value in seen), None], object)
    return SourcePoints(column, points), value_of[np.maximum(codes, -1).astype(np.int64)], tuple(notes)


def point_notes(points: Sequence[OperatingPoint], targets: Targets) -> tuple[str, ...]:
    """Return notes on points that are estimated or flag nothing, and on the decision if another point makes it."""
    idle = [point.name for point in points if not point.flagged]
    notes = (
        [f"operating points that flag nothing on the records that they were chosen on: {', '.join(idle)}"]
        if idle
        else []
    )
    first = points[0] if points else None
    if first is not None and first.estimated_false_positive_rate is not None:
        notes.append(tr("the deciding point is not promised: {basis}", basis=first.basis))
    meant = targets.decide_by or targets.names[0]
    if first is not None and first.name != meant:
        flags = f"it flags {100 * first.flagged:.1f} % of the records that it was chosen on"
        notes.append(f"{meant} is absent, so {first.name} decides: {flags}")
    return tuple(notes)
