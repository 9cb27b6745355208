"""The evaluation report: metrics of the scores of a model on labelled records.

Standard metrics are those of scikit-learn. Metrics of fraud against legitimate need a legitimate class; without one,
only those of types are computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from fraudsieve._html import facts_table
from fraudsieve._typing import Array, JsonObject
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.scoring.scores import reached
from fraudsieve.training.attack.recall import AttackMetrics
from fraudsieve.training.data.column_notes import RefitSummary
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import EvaluateRecipe
from fraudsieve.training.splits.split import Split

from .bootstrap import LEVEL
from .capacity import naive_utc
from .fraud import FraudMetrics, fraud_metrics
from .fraud_rows import FraudRows, TypeMetrics, threshold_at, type_metrics
from .label_delays import LabelMetrics, LabelSelection
from .metrics import METRIC_NAMES
from .points import PointMetrics, point_metrics
from .ranking import ECE_BINS, Ranking
from .report_parts.slices import Slices, slice_metrics
from .report_parts.weighting import DecisionMetrics, RuleMetrics, UnlikeMetrics, Weighting, decision_metrics

SHOWN = (
    "average_precision",
    "base_rate",
    "recall_at_capacity",
    "precision_at_capacity",
    "recall_at_1pct_fpr",
    "ece",
    "macro_f1",
)
"""The metrics of the short table of a report."""


MAX_RECORDS = 10


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """Summary of a split into training, calibration and test; see `Split`."""

    kind: str
    keeps_apart: tuple[str, ...]
    flatters: bool
    rows: Mapping[str, int]
    dropped: Mapping[str, int]
    gap_days: float

    @classmethod
    def of(cls, split: Split) -> Self:
        """Summarise a split."""
        return cls(**{field.name: getattr(split, field.name) for field in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class TemporalMetrics:
    """Metrics of the same recipe when it is split by time, or the reason why there are none (``skipped``)."""

    average_precision: float | None = None
    roc_auc: float | None = None
    base_rate: float | None = None
    macro_f1: float | None = None
    rows: int | None = None
    split: SplitSummary | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class RoundMetrics:
    """Metrics of the later rows after some rounds."""

    rounds: int
    log_loss: float
    average_precision: float


@dataclass(frozen=True)
class TriedTrees:
    """Trees that were tried on the later training rows."""

    # Small trees, or large ones: `SIZES`.
    size: str
    # Whether they read the columns of the records alone, and no history.
    own: bool
    # The rounds with the lowest log loss on the later rows.
    rounds: int
    log_loss: float


@dataclass(frozen=True)
class TreeChoice:
    """Trees and their number of rounds, and how they were chosen."""

    # The rounds of the model: those of `chosen`, in proportion to the rows that it learns from.
    rounds: int
    rows: int
    frauds: int
    # Whether these rows are the latest; otherwise they are some campaigns or accounts.
    later: bool
    # Metrics of these rows by number of rounds.
    curve: tuple[RoundMetrics, ...]
    chosen: TriedTrees
    tried: tuple[TriedTrees, ...]

    @property
    def notes(self) -> list[str]:
        """What differs from the default, and why."""
        default = self.tried[0]
        if self.chosen == default:
            return []
        columns = "the columns of the records alone, without any history" if self.chosen.own else "all columns"
        note = (
            f"the model has {self.chosen.size} trees over {columns}: their log loss on {self.rows:,} other training "
            f"rows is {self.chosen.log_loss:.3g} instead of {default.log_loss:.3g}"
        )
        return [note + (". Declare [[history.views]] to keep a history" if self.chosen.own else "")]


@dataclass(frozen=True)
class ScoredRecord:
    """A record by its identifier, with its label and its probability of fraud."""

    record_id: str
    label: str
    probability: float


@dataclass(frozen=True)
class LargestErrors:
    """Records that the model is most wrong about."""

    # Frauds that are not flagged, those with the lowest probabilities.
    missed: tuple[ScoredRecord, ...]
    # Legitimate records that are flagged, those with the highest probabilities.
    false_alarms: tuple[ScoredRecord, ...]

    @classmethod
    def of(cls, ids: Array, labels: Array, probability: Array, is_fraud: Array, flagged: Array) -> Self:
        """Find the largest errors, at most ten of each kind."""
        rising = np.argsort(probability, kind="stable")

        def records(wrong: Array, order: Array) -> Iterator[ScoredRecord]:
            for i in order[wrong[order]][:MAX_RECORDS]:
                yield ScoredRecord(str(ids[i]), str(labels[i]), float(probability[i]))

        return cls(tuple(records(is_fraud & ~flagged, rising)), tuple(records(~is_fraud & flagged, rising[::-1])))


@dataclass(frozen=True, kw_only=True)
class BootstrapSummary:
    """Draws behind the intervals: what a group is (``over``), the level, and how many groups were drawn how often."""

    over: str
    level: float
    groups: int
    groups_with_fraud: int
    replicates: int

    @classmethod
    def of(cls, groups: Array | None, is_fraud: Array, kind: str, settings: EvaluateRecipe) -> Self | None:
        """Count the groups; None if nothing is drawn."""
        if groups is None or not settings.replicates or len(np.unique(groups)) < 2:
            return None
        return cls(
            over=kind,
            level=LEVEL,
            groups=len(np.unique(groups)),
            groups_with_fraud=len(np.unique(groups[is_fraud])),
            replicates=settings.replicates,
        )


@dataclass(frozen=True, kw_only=True)
class ReportDetails:
    """Parts of a report besides the metrics of scores. See `EvaluationReport`."""

    unscorable: int = 0
    importance: Mapping[str, float] | None = None
    column_importance: Mapping[str, float] | None = None
    attack: AttackMetrics | None = None
    labels: LabelMetrics | None = None
    split: SplitSummary | None = None
    warnings: tuple[Mapping[str, str], ...] = ()
    temporal: TemporalMetrics | None = None
    not_later_than_training: int | None = None
    label_selection: LabelSelection | None = None
    refit: RefitSummary | None = None
    trees: TreeChoice | None = None
    rules: tuple[RuleMetrics, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EvaluationReport(ReportDetails, TypeMetrics, FraudMetrics):
    """Metrics of the scores of a model on labelled records.

    A metric that cannot be computed is None. Metrics of the probability of fraud need a legitimate class, and metrics
    per day need cutoff times.

    Parameters
    ----------
    rows : int
        Records that could be scored; all metrics are about them.
    frauds : int or None
        Number of these records that are fraud.
    base_rate : float or None
        Share of fraud.
    average_precision : float or None
        Area under the precision-recall curve, as scikit-learn computes it.
    roc_auc : float or None
        Area under the ROC curve, as scikit-learn computes it.
    brier : float or None
        Mean squared difference of probability and truth, as scikit-learn computes it.
    recall_at_1pct_fpr : float or None
        Recall at the threshold that flags at most 1 % of the legitimate records.
    ece : float or None
        Expected calibration error over 15 bins of equal mass.
    log_loss : float or None
        Mean log loss of the probabilities, in nats, as scikit-learn computes it.
    observed_over_expected : float or None
        Number of frauds over the sum of the probabilities.
    cost_per_1000 : float or None
        Cost per 1,000 records of the decision by cost, in reviews.
    recall_at_capacity : float or None
        Share of the frauds found with as many alerts as people can review.
    precision_at_capacity : float or None
        Share of fraud among as many alerts as people can review.
    capacity : CapacityCurve or None
        The review capacity: the number of alerts, their share of the rows, and the reason; and 20 points up to twice
        the capacity. By default there are as many alerts as frauds.
    costs : CostCurve or None
        Costs by number of alerts.
    curves : ScoreCurves or None
        Precision and recall, ROC, gains, reliability, and the scores of each kind of record.
    by_month : tuple of MonthMetrics, or None
        Metrics by month, at the threshold of all rows.
    cold_start : ColdStart or None
        Metrics of the accounts with and without a history.
    slices : Slices or None
        Metrics by channel, language, length and other values that the rows have, at the point that decides.
    decision : DecisionMetrics or None
        Frauds found and reviews, by the operating point that decides and the policy of the model; None without
        operating points.
    errors : LargestErrors or None
        Missed frauds and false alarms, by identifier, at the point that decides; None without identifiers.
    macro_f1 : float
        Mean of the F1 scores of the types.
    accuracy : float
        Share of the records whose predicted type is their label.
    confusion : ConfusionMatrix
        Numbers of records by label and predicted class.
    by_type : mapping of str to ClassMetrics
        Metrics of every type.
    intervals : mapping of str to (float, float), or None
        The 95 % interval of every main metric.
    bootstrap : BootstrapSummary or None
        Draws behind the intervals.
    operating_points : tuple of PointMetrics
        Rates of the operating points of the model; the first one decides. See `PointMetrics`.
    unscorable : int
        Records that could not be scored.
    unlike_training : UnlikeMetrics or None
        Records that look like nothing in training, and the average precision without them.
    importance : mapping of str to float, or None
        Share of every family of features in the gain of the trees.
    column_importance : mapping of str to float, or None
        Share of each of the fifty features that gain most.
    attack : AttackMetrics or None
        Recall under obfuscation; None without an attack.
    labels : LabelMetrics or None
        Metrics of the reliability of labels.
    split : SplitSummary or None
        The split of a training run; None for other records.
    warnings : tuple of mappings
        Leaks that training found.
    temporal : TemporalMetrics or None
        For a random split, what the same recipe reaches when split by time.
    not_later_than_training : int or None
        Records that are not later than those that the model was trained and calibrated on, which make the metrics
        optimistic. None if unknown.
    label_selection : LabelSelection or None
        Whether labels depend on what a model flags: this one, or in a training run the champion. None if unknown.
    refit : RefitSummary or None
        For a model that was trained again on all mature rows: the metrics are those of the evaluated model.
    trees : TreeChoice or None
        How the trees of a training run and the number of boosting rounds were chosen.
    rules : tuple of RuleMetrics
        The records that rules decide; all other metrics are those of the model without rules.
    weighting : Weighting or None
        The weights of records that were drawn with known probabilities, and the main metrics without them. Metrics of
        fraud, at points and of slices are weighted, and numbers of reviews and of frauds found are estimates. Those of
        types and counts of rows are not. None if no label has an inclusion probability.

    Examples
    --------
    >>> p = np.array([0.1, 0.2, 0.9, 0.8])
    >>> labels = np.array(["ham", "ham", "spam", "spam"], object)
    >>> report = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    >>> report.to_dict()["by_type"]["spam"]["f1"]
    1.0
    """

    rows: int
    bootstrap: BootstrapSummary | None
    operating_points: tuple[PointMetrics, ...]
    decision: DecisionMetrics | None
    errors: LargestErrors | None
    slices: Slices | None
    unlike_training: UnlikeMetrics | None
    weighting: Weighting | None

    def __repr__(self) -> str:
        """Return one line; `to_dict` has everything."""
        return f"EvaluationReport({headline_figure(self)} on {self.rows:,} rows)"

    def _repr_html_(self) -> str:
        return report_table(self)

    def to_dict(self) -> JsonObject:
        """Return the report as plain JSON types, under the names of its fields.

        Returns
        -------
        dict
            None stands for values that could not be computed.
        """
        content: JsonObject = to_json_types(self)
        return {"rows": self.rows, **content}


def evaluate(
    probability: Array,
    classes: tuple[str, ...],
    class_probability: Array,
    labels: Array,
    legitimate: str | None,
    *,
    cutoff_times: Array | None = None,
    groups: Array | None = None,
    group_kind: str = "group",
    amounts: Array | None = None,
    has_history: Array | None = None,
    slices: Mapping[str, Array] | None = None,
    by: Sequence[str] = (),
    ids: Array | None = None,
    unlike_training: Array | None = None,
    share: float = 1.0,
    points: Sequence[OperatingPoint] = (),
    flagged: Array | None = None,
    weight: Array | None = None,
    settings: EvaluateRecipe | None = None,
    details: ReportDetails | None = None,
) -> EvaluationReport:
    """Evaluate scores of labelled records.

    Parameters
    ----------
    probability : ndarray, shape (n_rows,)
        Calibrated probability of fraud; ignored without a legitimate class.
    classes : tuple of str
        The model's classes.
    class_probability : ndarray, shape (n_rows, n_classes)
        Probability of every class.
    labels : ndarray of str objects, shape (n_rows,)
        The truth. A label that the model does not have counts as fraud of an unknown type.
    legitimate : str or None
        The class that is not fraud.
    cutoff_times : array-like of datetime64, shape (n_rows,), default=None
        When each row was scored, UTC, for alerts per day and metrics by month.
    groups : ndarray, shape (n_rows,), default=None
        The account or campaign of each row, for the intervals.
    group_kind : str, default="group"
        The kind of group: ``account`` or ``campaign``.
    amounts : ndarray of float64, shape (n_rows,), default=None
        Amounts at stake, for the costs. See `RowCosts`.
    has_history : ndarray of bool, shape (n_rows,), default=None
        Whether the account has a history, for the cold start.
    slices : mapping of str to ndarray of str objects, shape (n_rows,), default=None
        The value of each row, by the name of the slicing, as from `slices_of_rows`.
    by : sequence of str, default=()
        The names of the slicings that were asked for.
    ids : ndarray of str objects, shape (n_rows,), default=None
        The identifier of each row, for the largest errors.
    unlike_training : ndarray of float64, shape (n_rows,), default=None
        The share of training records that are less unfamiliar than each row; NaN if unknown.
    share : float, default=1.0
        Share of all records of the same period that the rows make up, for alerts per day. See `Capacity`.
    points : sequence of OperatingPoint, default=()
        Operating points of the model; the first one decides.
    flagged : ndarray of bool, shape (n_rows,), default=None
        Rows that the model flags, which its policy may do below the threshold that decides; None for those that reach
        it.
    weight : ndarray of float64, shape (n_rows,), default=None
        Number of records that each row stands for, from `inclusion_weights`; None for 1.
    settings : EvaluateRecipe, default=None
        Capacity, costs and replicates; None for the defaults.
    details : ReportDetails, default=None
        Further parts of the report; None for no further parts.

    Returns
    -------
    EvaluationReport
        The complete report.

    Examples
    --------
    >>> p = np.array([0.1, 0.2, 0.9, 0.8])
    >>> labels = np.array(["ham", "ham", "spam", "spam"], object)
    >>> report = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    >>> report.average_precision, report.macro_f1, report.by_month
    (1.0, 1.0, None)
    """
    settings = EvaluateRecipe() if settings is None else settings
    is_fraud = labels != legitimate
    times, drawn = None if cutoff_times is None else naive_utc(cutoff_times), (groups, settings.replicates, weight)
    rows = FraudRows(np.asarray(probability, np.float64), is_fraud, *drawn, times, amounts, share)
    fraud, decision, errors, sliced, weighting = FraudMetrics(), None, None, None, None
    if legitimate is not None:
        fraud = fraud_metrics(rows, settings, has_history=has_history)
        if points:
            decision = decision_metrics(rows, points[0].name, points[0].threshold, flagged)
        weighting = Weighting.of_report(rows, settings, points, flagged)
        if points or rows.both:
            threshold = points[0].threshold if points else threshold_at(rows.probability, is_fraud, weight=weight)[0]
            flags = reached(rows.probability, threshold) if flagged is None else flagged
            errors = None if ids is None else LargestErrors.of(ids, labels, rows.probability, is_fraud, flags)
            sliced = slice_metrics(rows, flags, slices, points, by) if slices else None
    predicted = np.array(classes, object)[class_probability.argmax(axis=1)]
    types = type_metrics(labels, predicted, rows, legitimate=legitimate)
    if weighting is not None:
        weighting = weighting.with_types(type_metrics(labels, predicted, rows.plain, legitimate=legitimate))
    return EvaluationReport(
        rows=len(labels),
        bootstrap=BootstrapSummary.of(groups, is_fraud, group_kind, settings),
        operating_points=point_metrics(points, rows, flagged),
        decision=decision,
        errors=errors,
        slices=sliced,
        unlike_training=None if unlike_training is None else UnlikeMetrics.of(rows, unlike_training),
        weighting=weighting,
        **vars(details or ReportDetails()),
        **vars(fraud) | vars(types) | {"intervals": {**fraud.intervals, **types.intervals}},
    )


def calibration_error(probability: Array, is_fraud: Array, n_bins: int = ECE_BINS) -> float:
    """Return the expected calibration error over bins of equal mass.

    Mean absolute gap between the mean probability and the share of fraud, weighted by rows (Naeini et al., 2015, with
    the equal-mass bins of Nixon et al., 2019). A row at the edge of two bins is split between them; rows of one
    probability count as their mean, so that their order does not matter.
    """
    return Ranking.of(probability, is_fraud).calibration_gap(n_bins)


def headline_figure(report: EvaluationReport) -> str:
    """Return the name and the value of the metric that matters most."""
    if report.base_rate == 0:
        return "no fraud to measure recall and precision on"
    name = "average_precision" if report.average_precision is not None else "macro_f1"
    return f"{METRIC_NAMES[name]} {getattr(report, name):.3f}"


def report_table(report: EvaluationReport) -> str:
    """Return the main figures as a table in HTML."""
    facts = {"records": f"{report.rows:,}" + ("" if report.frauds is None else f", {report.frauds:,} of them fraud")}
    if report.decision is not None:
        decision = report.decision
        facts["found"] = f"{decision.found:,} frauds with {decision.reviews:,} reviews, at {decision.point}"
    for name in SHOWN:
        value, interval = getattr(report, name), report.intervals.get(name)
        if value is not None:
            between = "" if interval is None else f" (95 % interval: {interval[0]:.3f} to {interval[1]:.3f})"
            facts[METRIC_NAMES[name]] = f"{value:.3f}{between}"
    facts["types"] = ", ".join(report.by_type)
    return facts_table("Evaluation report", facts)
