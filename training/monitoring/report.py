"""The monitor report: changes between reference and current records, and exceeded bounds.

The measures of a monitor report: reference records beside current records, as frozen values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

import numpy as np
from scipy.stats import norm

from fraudsieve._typing import Array, JsonObject
from fraudsieve.training.evaluation.bootstrap import LEVEL
from fraudsieve.training.evaluation.report_parts.curves import ReliabilityBin
from fraudsieve.training.evaluation.report_parts.weighting import RowWeights
from fraudsieve.training.json_types import to_json_types

Value = TypeVar("Value")


@dataclass(frozen=True)
class ExpectedPerformance:
    """Expected precision and recall of the rows that are flagged, if the probabilities are right."""

    alerts: int
    frauds: float
    # Share of the flagged rows that is fraud, and share of the fraud that is flagged; None if no row is flagged, or no
    # fraud is expected.
    precision: float | None
    recall: float | None
    # Contains the true value for these rows in 95 of 100 cases: which rows are fraud is chance, even if the
    # probabilities are right.
    precision_interval: list[float] | None
    recall_interval: list[float] | None

    @classmethod
    def of(cls, probability: Array, flagged: Array) -> Self:
        """Estimate precision and recall."""
        alerts, hits, missed = int(flagged.sum()), float(probability[flagged].sum()), float(probability[~flagged].sum())
        spread = probability * (1 - probability)
        of_hits, of_missed = float(spread[flagged].sum()), float(spread[~flagged].sum())
        frauds = hits + missed
        precision = hits / alerts if alerts else None
        recall = hits / frauds if frauds > 0 else None
        return cls(
            alerts,
            frauds,
            precision,
            recall,
            None if precision is None else _around(precision, np.sqrt(of_hits) / alerts),
            None
            if recall is None
            else _around(recall, np.sqrt((1 - recall) ** 2 * of_hits + recall**2 * of_missed) / frauds),
        )


def _around(share: float, deviation: float) -> list[float]:
    """Return the interval around a share, kept within 0 and 1."""
    reach = float(norm.isf((1 - LEVEL) / 2)) * float(deviation)
    return [max(share - reach, 0.0), min(share + reach, 1.0)]


@dataclass(frozen=True)
class Both(Generic[Value]):
    """A value of the reference and one of the current records."""

    reference: Value
    current: Value

    def of(self, table: str) -> Value:
        """Return the value of ``reference`` or ``current``."""
        value: Value = getattr(self, table)
        return value


@dataclass(frozen=True, kw_only=True)
class DriftIndex:
    """The drift of a distribution; see `Drift`."""

    # The population stability index, its mean without drift, their difference, and the Jensen-Shannon distance.
    psi: float
    expected: float
    excess: float
    # What chance explains of the index; None if unknown.
    chance: float | None
    js: float
    # Whether the distribution moved by more than that.
    clear: bool


@dataclass(frozen=True)
class BinShare:
    """Shares of both tables in one bin of a column: which values, in words."""

    bin: str
    reference: float
    current: float


@dataclass(frozen=True, kw_only=True)
class ColumnDrift(DriftIndex):
    """Drift of a column, with the mean and the share of missing values of both tables.

    ``distribution`` has the shares of both tables in each bin; None except for the columns that moved most.
    """

    column: str
    family: str
    mean: Both[float | None]
    missing: Both[float]
    distribution: tuple[BinShare, ...] | None = None


@dataclass(frozen=True)
class MeanDrift:
    """Means of the indices of a family."""

    psi: float
    expected: float
    js: float


@dataclass(frozen=True)
class FamilyDrift:
    """Drift of a family of columns: how many they are, the one that moved most, and their mean."""

    family: str
    columns: int
    worst: ColumnDrift
    mean: MeanDrift


@dataclass(frozen=True, kw_only=True)
class TypeDrift(DriftIndex):
    """Drift of the most probable classes, with the share of each class in both tables."""

    shares: Mapping[str, Both[float]]


@dataclass(frozen=True, kw_only=True)
class ProbabilityDrift(DriftIndex):
    """Drift of the probability, with its means, and the ``curve``: pairs of the shares that a threshold flags."""

    mean: Both[float]
    curve: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ScoreDrift:
    """Drift of the scores; no probability where no class is legitimate."""

    types: TypeDrift | None = None
    probability: ProbabilityDrift | None = None

    def items(self) -> Iterator[tuple[str, DriftIndex]]:
        """Yield the name and the drift of those that are compared."""
        yield from ((name, drift) for name, drift in vars(self).items() if drift is not None)


@dataclass(frozen=True)
class ShareChange:
    """A share of both tables, its rise, and the rise that ``chance`` explains; None if unknown."""

    reference: float
    current: float
    rise: float
    chance: float | None


@dataclass(frozen=True)
class RatioChange:
    """A share of both tables, how many ``times`` the reference the current one is, and the factor of chance."""

    reference: float
    current: float
    times: float
    chance: float | None


@dataclass(frozen=True, kw_only=True)
class PointAlerts(RatioChange):
    """The records that an operating point flags.

    ``unlike_training`` are the shares of the rows that the policy of the model flags below the threshold.
    """

    name: str
    threshold: float
    alerts_a_day: Both[float | None]
    unlike_training: Both[float]


@dataclass(frozen=True)
class ObservedPerformance:
    """Precision and recall of labelled rows, weighted as `LabelledCalibration`.

    None if none is flagged, or none is fraud.
    """

    rows: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class TablePerformance(ExpectedPerformance):
    """Expected precision and recall of a table, and the observed ones; None without labels."""

    observed: ObservedPerformance | None = None


@dataclass(frozen=True)
class PointPerformance:
    """Precision and recall of an operating point in both tables."""

    name: str
    reference: TablePerformance
    current: TablePerformance


@dataclass(frozen=True, kw_only=True)
class LabelledCalibration:
    """Calibration on the labelled current records: how many, their share, metrics with intervals, and the curve.

    If labels have inclusion probabilities, the metrics and the curve are weighted by them: ``weights`` tells what the
    records stand for, and ``plain`` has the metrics without weights.
    """

    rows: int
    share: float
    ece: float | None
    brier: float | None
    observed_over_expected: float | None
    average_precision: float | None
    base_rate: float | None
    frauds: int | None
    intervals: Mapping[str, tuple[float, float] | None]
    over: str
    reliability: tuple[ReliabilityBin, ...]
    weights: RowWeights | None = None
    plain: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ShareChanges:
    """Changes of the shares of rejected rows, of rows without a history or unlike training, and of unseen categories.

    None where a table does not show them.
    """

    rejected: ShareChange
    cold_start: ShareChange | None = None
    unseen: Mapping[str, ShareChange] = field(default_factory=dict)
    unlike_training: ShareChange | None = None


@dataclass(frozen=True)
class UnlikePeriod:
    """The share of records that look like nothing in training, in one period of a table."""

    table: str
    start: str
    rows: int
    share: float


@dataclass(frozen=True)
class UnlikeOverTime:
    """These shares over time, and the length of the periods: ``day``, ``week`` or ``month``."""

    period: str
    periods: tuple[UnlikePeriod, ...]


@dataclass(frozen=True)
class RuleShares:
    """A rule, and the share of both tables that it decides."""

    id: str
    action: str
    reason: str
    expired: bool
    reference: float
    current: float


@dataclass(frozen=True, kw_only=True)
class MonitorMeasures:
    """All measures of both tables. See `MonitorReport`."""

    rows: Both[int]
    windows: Both[tuple[str, str] | None]
    labelled: Both[int]
    families: tuple[FamilyDrift, ...]
    columns: tuple[ColumnDrift, ...]
    left_out: Mapping[str, tuple[str, ...]]
    scores: ScoreDrift
    alerts: tuple[PointAlerts, ...]
    expected: tuple[PointPerformance, ...]
    calibration: LabelledCalibration | None
    shares: ShareChanges
    unlike: UnlikeOverTime | None
    bounds: Mapping[str, float | None]
    rules: tuple[RuleShares, ...] = ()


@dataclass(frozen=True)
class ExceededBound:
    """A bound of the recipe that is exceeded.

    Parameters
    ----------
    bound : str
        Name of the bound in the recipe.
    name : str
        What exceeds it: a family, a category, an operating point.
    value, limit : float
        The measure, and the bound.
    text : str
        A sentence with the value and the limit.
    """

    bound: str
    name: str
    value: float
    limit: float
    text: str


@dataclass(frozen=True, kw_only=True)
class MonitorReport(MonitorMeasures):
    """Changes between reference records and current records.

    ``chance`` is what chance explains of a change. It is None if all records of a table are of one account: they say
    nothing about other accounts, and such a change exceeds no bound.

    Parameters
    ----------
    rows : Both of int
        Scored records of ``reference`` and ``current``.
    windows : Both of tuple of (str, str), or None
        First and last time of both tables.
    labelled : Both of int
        Numbers of records with a label.
    families : tuple of FamilyDrift
        The drift of every family of features. The family that moved most comes first.
    columns : tuple of ColumnDrift
        The drift of every column. The first six also have their ``distribution``.
    left_out : mapping of str to tuple of str
        Columns that are not compared, by reason.
    scores : ScoreDrift
        Drift of the types and of the probability.
    alerts : tuple of PointAlerts
        For every operating point, the share that is flagged and the alerts per day. The deciding point comes first; it
        also counts the records that the policy of the model flags because they are ``unlike_training``.
    expected : tuple of PointPerformance
        For every operating point, the precision and recall expected from the probabilities (`ExpectedPerformance`),
        and the ``observed`` ones if labels have arrived.
    calibration : LabelledCalibration or None
        Calibration on the labelled current records; None without labels.
    shares : ShareChanges
        Shares of ``rejected`` rows, of ``cold_start`` rows without a history, of ``unseen`` categories, and of rows
        with an ``unlike_training`` above .99, which look like nothing in training.
    unlike : UnlikeOverTime or None
        The share of these rows over time, see `unlike_over_time`; None without times.
    bounds : mapping of str to float, or None
        The bounds of the recipe.
    rules : tuple of RuleShares
        The share of both tables that each rule decides. The rest of the report is about the model without rules.
    model, digest, subject : str
        Name and digest of the model, and what a record is: message, account or event.
    exceeded : tuple of ExceededBound
        The bounds that are exceeded.
    notes : tuple of str
        What limits the comparison.
    """

    model: str
    digest: str | None
    subject: str
    exceeded: tuple[ExceededBound, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> JsonObject:
        """Return the report as plain JSON types, under the names of its fields.

        Returns
        -------
        dict
            None stands for values that could not be computed.
        """
        content: JsonObject = to_json_types(self)
        for column in (*content["columns"], *(family["worst"] for family in content["families"])):
            _leave_out_none(column, "distribution")
        _leave_out_none(content["scores"], "types")
        _leave_out_none(content["scores"], "probability")
        return content


def _leave_out_none(content: JsonObject, name: str) -> None:
    if content[name] is None:
        del content[name]
