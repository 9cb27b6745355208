"""The results of a comparison of two models on the same records.

Metrics of two models on the same records, and the intervals of their differences.

A draw has the same campaigns or accounts for both models, so records that are hard for both do not count as a
difference (paired bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993).

Latency of one record, measured with warm scorers that are called in turn.

Frauds that a champion knew and that are legitimate by a later label, by the source of that label.

Refreshes: challengers with the recipe of the champion, trained on later data.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ValidationError

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, JsonObject, Record
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.label_trust import Trust, labels_that_counted
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.fields import model_fields
from fraudsieve.models.given_history import resolve_history
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.label_values import with_times
from fraudsieve.training.data.groups import learned_until, trained_until
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.bootstrap import Replicates, percentile_interval
from fraudsieve.training.evaluation.capacity import Capacity, ReviewCapacity
from fraudsieve.training.evaluation.fraud import AT_ALERTS
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.label_delays import LabelSelection
from fraudsieve.training.evaluation.ranking import RANKING_METRICS
from fraudsieve.training.evaluation.report import BootstrapSummary
from fraudsieve.training.evaluation.report_parts.weighting import RowWeights
from fraudsieve.training.json_types import finite_or_none, to_json_types
from fraudsieve.training.recipe.recipe import EvaluateRecipe, HistoryRecipe, Recipe, SplitRecipe
from fraudsieve.training.recipe.sections import LISTS

OF_THE_FIT: Final[dict[str, Any]] = {
    "data": {"min_label_rows", "trust", "default_trust", "time_zone"},
    "labels": True,
    "split": {*SplitRecipe.model_fields} - {"also_temporal"},
    "features": True,
    "history": {*HistoryRecipe.model_fields} - {"order_key"},
    "model": True,
}
"""What of a recipe decides on the fit. The subject and the legitimate label are in the models themselves."""
STAND_IN_FOR: Final = "stand_in_for"
"""Training fact of a stand-in: the digest of the model that it stands for."""


def is_refresh(champion: Model, challenger: Model) -> bool:
    """Return whether a challenger has the recipe of the champion, and has learned from later records.

    A recalibrated challenger is not a refresh: its trees are those of an older model.
    """
    digest, old, new = recipe_digest(challenger), learned_until(champion), learned_until(challenger)
    later = old is not None and new is not None and old < new
    return later and "recalibration" not in challenger.training and digest == recipe_digest(champion) is not None


def recipe_digest(model: Model) -> str | None:
    """Return the digest of the recipe of a model, as from `digest_of`; None if the model does not keep one."""
    recipe = recipe_to_repeat(model)
    return None if recipe is None else digest_of(recipe)


def digest_of(recipe: Recipe) -> str:
    """Return the SHA-256 of the settings that decide on a fit.

    Tables, names of columns, seeds, thresholds, rules and all that concerns reports and promotion have no influence.
    Nor have the values of settings that a search has chosen: another search may choose others.
    """
    settings = recipe.model_dump(mode="json", include=OF_THE_FIT)
    for view in settings["history"]["views"] or ():
        view.pop("order_key", None)  # of the champion or the tables, not a setting
    searched = {} if recipe.tune is None else recipe.tune.space.model_dump()
    for section, names in searched.items():
        settings[section] |= dict.fromkeys(names, "searched")
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def recipe_of_model(model: Model) -> Recipe | None:
    """Return the recipe of a model, with the settings that a search has chosen, to train it again without tracking.

    Tables and rules are left out. None if the model does not keep a recipe, or one of another version.
    """
    recipe = recipe_to_repeat(model)
    if recipe is None:
        return None
    return recipe.model_copy(update={"tune": None, "track": recipe.track.model_copy(update={"enabled": False})})


def recipe_to_repeat(model: Model) -> Recipe | None:
    """Return the recipe of a model, to train it on other tables: its search begins with what it has chosen before.

    What a live state holds is that of the model, and not chosen again by the tables. Tables and rules are left out.
    None if the model does not keep a recipe, or one of another version.
    """
    written, lists = model.training.get("recipe"), model.matrix.lists
    if not written:
        return None
    custom = {} if lists is None else {name: getattr(lists, name) for name in LISTS if getattr(lists, name)}
    features = {**written.get("features", {}), **custom}
    history = {**written.get("history", {}), **_history_of(model.matrix)}
    content = {**written, "features": features, "history": history, "rules": None}
    try:
        return Recipe.model_validate(content)
    except ValidationError:
        return None


def keeps_history(recipe: Recipe, model: Model) -> bool:
    """Return whether a recipe declares the history that a model has."""
    kept, names = recipe_to_repeat(model), {*_history_of(model.matrix)}
    return kept is not None and kept.history.model_dump(include=names) == recipe.history.model_dump(include=names)


def _history_of(matrix: FeatureMatrix) -> dict[str, Any]:
    """Return the section ``history`` of a recipe that declares the history of a model, whatever the tables."""
    network, campaigns = matrix.network, matrix.campaigns
    return {
        "views": [view.to_dict() for view in matrix.event_views],
        "network": False if network is None else network.to_dict(),
        "campaign_types": None if campaigns is None else campaigns.types,
    }


@dataclass(frozen=True)
class Overturned:
    """Frauds known when the champion was trained, and how many of them each source has overturned, most first."""

    known: int
    by_source: Mapping[str, int]


def overturned_frauds(data: LabelledData, champion: Model, trust: Trust) -> Overturned | None:
    """Count the frauds that labels have overturned since the last record that a champion has learned from.

    None if it cannot be known, or no fraud was known then.
    """
    until = learned_until(champion)
    if data.all_labels is None or until is None:
        return None
    now = labels_that_counted(with_times(data.all_labels), trust=trust, legitimate=data.legitimate)
    before = now[~(now["labelled_at"] > until)]  # a label without a time was always known
    before, now = (labels.drop_duplicates("subject_id", keep="last") for labels in (before, now))
    frauds = before.loc[before["label"] != data.legitimate, "subject_id"]
    overturned = now[now["subject_id"].isin(frauds) & (now["label"] == data.legitimate)]
    counts = overturned["source"].astype(object).fillna("none").value_counts()
    return Overturned(len(frauds), {str(source): int(n) for source, n in counts.items()}) if len(frauds) else None


MAX_RECORDS = 200
WARM_UP = 30
ROUNDS = 5
MAX_EVENTS = 20_000
"""Largest number of events, and of earlier messages, in the live state of a model."""


@dataclass(frozen=True)
class Latency:
    """Time to score one record."""

    # The median and the 99th percentile over records, in milliseconds.
    p50_ms: float
    p99_ms: float


def records_to_time(rows: pd.DataFrame, matrix: FeatureMatrix) -> list[Record]:
    """Return up to 200 evenly spaced records as a service receives them for a model.

    They have no labels, no columns that are not fields of the model's records, and None for missing values.
    """
    sample = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, MAX_RECORDS).astype(np.intp))]
    # With the policy unknown = "error", a model would reject the other columns, such as the weights of labels.
    fields = model_fields(matrix).allowed - {"label", "labelled_at"}
    return _records(sample[[name for name in sample.columns if name in fields]])


def live_scoring(scorer: Scorer, data: LabelledData, until: pd.Timestamp | None = None) -> Callable[[Record], object]:
    """Return a function that scores one record as a service does, with a live state if the model uses history.

    The state holds the latest events and messages before `until`; None for no limit.
    """
    matrix = scorer.model.matrix
    if matrix.subject.has_text and not matrix.history_parts:
        return scorer.score
    history: dict[str, list[Record]] = {}
    if data.events is not None:
        history["events"] = _records(_latest(data.events, "occurred_at", until))
    if matrix.campaigns is not None and data.messages is not None:
        history["messages"] = _records(_latest(data.messages[data.messages["sent_at"].notna()], "sent_at", until))
    state = resolve_history(matrix, history)
    return lambda record: scorer.score(record, history=state)


def latencies(calls: Sequence[Callable[[Record], object]], records: Sequence[Sequence[Record]]) -> list[Latency]:
    """Time functions in turn, one record at a time; each function has its own sequence of records.

    Each record counts with the shortest of five times, to reduce the influence of other processes.
    """
    turns = [list(zip(calls, of_calls, strict=True)) for of_calls in zip(*records, strict=True)]
    for turn in turns[:WARM_UP]:
        for call, record in turn:
            call(record)
    seconds = np.array([[[_seconds(*timed) for timed in turn] for turn in turns] for _ in range(ROUNDS)])
    shortest: npt.NDArray[np.float64] = 1000 * seconds.min(axis=0)
    return [Latency(*np.percentile(times, [50, 99]).tolist()) for times in shortest.T]


def _seconds(call: Callable[[Record], object], record: Record) -> float:
    start = time.perf_counter()
    call(record)
    return time.perf_counter() - start


def _latest(table: pd.DataFrame, column: str, until: pd.Timestamp | None) -> pd.DataFrame:
    if column not in table:
        return table.tail(MAX_EVENTS)
    before = table if until is None else table[table[column] < until]
    return before.sort_values(column, kind="stable").tail(MAX_EVENTS)


def _records(frame: pd.DataFrame) -> list[Record]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(map(str, plain.columns), row, strict=True)) for row in plain.itertuples(index=False, name=None)]


@dataclass(frozen=True)
class Pair:
    """A metric of both models; None for what cannot be computed."""

    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class PairAtAlerts(Pair):
    """The recall of both models with a number of alerts, in all and per day."""

    alerts: float = 0.0
    alerts_a_day: float | None = None


@dataclass(frozen=True, kw_only=True)
class PairedCapacity(ReviewCapacity):
    """The review capacity at which both models are compared."""

    # The recall of both at 20 numbers of alerts up to twice the capacity.
    recall: tuple[PairAtAlerts, ...]


@dataclass(frozen=True, kw_only=True)
class PairedMetrics:
    """Metrics of two models on the same rows."""

    rows: int
    frauds: int
    base_rate: float
    # Each of `RANKING_METRICS` except the base rate, and recall and precision at the review capacity.
    figures: Mapping[str, Pair]
    # None without times, if the alerts are given per day.
    capacity: PairedCapacity | None
    # What the rows stand for; None if no label has an inclusion probability.
    weights: RowWeights | None = None
    # The figures if each row stands for itself alone; empty without weights.
    plain: Mapping[str, Pair] = field(default_factory=dict)


def paired_metrics(champion: FraudRows, challenger: FraudRows, settings: EvaluateRecipe) -> PairedMetrics:
    """Compare the scores of two models on the same rows."""
    if not np.array_equal(champion.is_fraud, challenger.is_fraud):
        raise ValueError("Expected scores of the same rows, got rows that differ in truth.")
    truth, capacity = challenger.is_fraud, challenger.capacity(settings.alerts_a_day)
    old, new = (_Side.of(rows, capacity, settings.missed_cost) for rows in (champion, challenger))
    compared = {name: place for place, name in enumerate(RANKING_METRICS) if name != "base_rate"}
    figures = {name: _pair(old.metric(place), new.metric(place)) for name, place in compared.items()}
    for row, name in enumerate(AT_ALERTS[:2]):
        at = Pair() if capacity is None else _pair(old.at(row, capacity.place), new.at(row, capacity.place))
        figures[f"{name}_at_capacity"] = at
    is_weighted = challenger.weight is not None
    return PairedMetrics(
        rows=len(truth),
        frauds=int(truth.sum()),
        base_rate=challenger.share(truth) or 0.0,
        figures=figures,
        capacity=None if capacity is None else _by_alerts(capacity, old, new),
        weights=RowWeights.of(challenger.weight, truth),
        plain=paired_metrics(champion.plain, challenger.plain, settings).figures if is_weighted else {},
    )


Drawn = tuple[float, Array | None]


@dataclass(frozen=True, eq=False)
class _Side:
    """Metrics of one model, its recall and precision by number of alerts, and the same for every draw."""

    metrics: Array
    at_alerts: Array
    drawn: Replicates | None

    @classmethod
    def of(cls, rows: FraudRows, capacity: Capacity | None, missed_cost: float) -> Self:
        points = np.zeros(0) if capacity is None else capacity.points
        per_fraud = capacity is not None and capacity.per_fraud
        ranking = rows.ranking(rows.costs(missed_cost))
        # A promotion is about records to come.
        drawn = rows.bootstrap(ranking, points, per_fraud=per_fraud, later=True)
        return cls(ranking.metrics(), ranking.at_alerts(points), drawn)

    def metric(self, place: int) -> Drawn:
        return self.metrics[place], None if self.drawn is None else self.drawn.metrics[:, place]

    def at(self, row: int, place: int) -> Drawn:
        return self.at_alerts[row, place], None if self.drawn is None else self.drawn.at_alerts[:, row, place]


def _pair(old: Drawn, new: Drawn) -> Pair:
    (old_value, old_drawn), (new_value, new_drawn) = old, new
    return Pair(
        finite_or_none(old_value),
        finite_or_none(new_value),
        finite_or_none(new_value - old_value),
        None if old_drawn is None or new_drawn is None else percentile_interval(new_drawn - old_drawn),
    )


def _by_alerts(capacity: Capacity, old: _Side, new: _Side) -> PairedCapacity:
    points = [
        PairAtAlerts(
            **vars(_pair(old.at(0, place), new.at(0, place))),
            alerts=float(alerts),
            alerts_a_day=capacity.per_day(alerts),
        )
        for place, alerts in enumerate(capacity.points)
    ]
    return PairedCapacity.of(capacity, recall=tuple(points))


Value = TypeVar("Value")


@dataclass(frozen=True)
class Sides(Generic[Value]):
    """A value of each model; None for the champion if there is none."""

    champion: Value | None
    challenger: Value

    @classmethod
    def of(cls, values: Sequence[Value]) -> Self:
        """Return the values of one or two models, the challenger last."""
        return cls(None if len(values) == 1 else values[0], values[-1])

    def map(self, function: "Callable[[Value], Any]") -> "Sides[Any]":
        """Return what a function gives for each value."""
        return Sides(None if self.champion is None else function(self.champion), function(self.challenger))


@dataclass(frozen=True)
class ModelFacts:
    """A model of a comparison."""

    name: str
    digest: str | None
    # The last time that it was trained on, ISO 8601; None if unknown.
    trained_until: str | None
    # Digest of the settings that decided on its fit, as from `recipe_digest`; None if it does not keep them.
    recipe: str | None = None
    # Digest of the model that it stands for; None for a model that is compared itself.
    stand_in_for: str | None = None

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the facts of a model."""
        until, stand_in_for = trained_until(model), model.training.get(STAND_IN_FOR)
        times = None if until is None else until.isoformat()
        return cls(model.name, model.digest or None, times, recipe_digest(model), stand_in_for)


@dataclass(frozen=True)
class AttackedPair:
    """Both models under obfuscations of characters."""

    strength: str
    # Share of the recall that each model keeps; None if it finds no fraud without obfuscation.
    kept: Sides[float | None]
    # The same when legitimate messages are obfuscated alike.
    kept_alike: Sides[float | None]
    # Share of the obfuscated legitimate messages that it flags.
    flagged: Sides[float]


@dataclass(frozen=True, kw_only=True)
class ModelComparison(PairedMetrics):
    """Two models on the same later records. It has no text and no identifier."""

    # The model in use; None if the challenger is compared with a constant score.
    champion: ModelFacts | None
    challenger: ModelFacts
    # What a record is: message, account or event.
    subject: Subject
    bootstrap: BootstrapSummary | None
    # Numbers of records by reason.
    left_out: Mapping[str, int]
    attack: AttackedPair | None
    latency: Sides[Latency]
    # Whether labels depend on what the champion flags, or the challenger without a champion. None if unknown.
    label_selection: LabelSelection | None = None
    # Whether the challenger has the recipe of the champion, and later data.
    refresh: bool = False
    # Whether they are the evaluated models of two runs, because labels of a refresh come too late for stand-ins.
    evaluated: bool = False
    # Frauds known to the champion that are legitimate now, by source; None if unknown.
    overturned: Overturned | None = None
    warnings: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What both models find at the review capacity, and their average precision, in words."""
        found, precision = self.figures["recall_at_capacity"], self.figures["average_precision"]
        frauds = self.frauds if self.weights is None else self.weights.frauds
        sentences = []
        if self.capacity is not None and found.challenger is not None:
            reviews = f"of {round(frauds):,} frauds are found with {round(self.capacity.alerts):,} reviews"
            old = "" if found.champion is None else f", and {round(found.champion * frauds):,} by the champion"
            sentences.append(f"{round(found.challenger * frauds):,} {reviews}{old}.")
        if precision.challenger is not None:
            before = "" if precision.champion is None else f", that of the champion {precision.champion:.3f}"
            sentences.append(f"The average precision of the challenger is {precision.challenger:.3f}{before}.")
        return (*sentences, *([] if self.weights is None else [self.weights.sentence]))

    def to_dict(self) -> JsonObject:
        """Return the comparison as plain JSON types, under the names of its fields."""
        content: JsonObject = to_json_types(self)
        return content
