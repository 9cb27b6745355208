"""Two models on the same records: their scores, metrics, robustness and latency.

The newest slice: the latest mature records, on which a refresh is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import ComparisonError, SchemaError, SplitError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model, score_kind
from fraudsieve.models.predict import Scorer
from fraudsieve.training.attack.recall import CharacterSummary, attack_messages, attackable
from fraudsieve.training.data.assumed_labels import inclusion_weights
from fraudsieve.training.data.builders import Builder, builder_of_model, scores_of
from fraudsieve.training.data.groups import RowsAfterTraining, groups_of, known_before, rows_after_training
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.bootstrap import MIN_GROUPS
from fraudsieve.training.evaluation.evaluation_run import row_context
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.label_delays import label_selection, selection_notes
from fraudsieve.training.evaluation.points import share_of_records
from fraudsieve.training.evaluation.report import BootstrapSummary
from fraudsieve.training.recipe.recipe import EvaluateRecipe, Recipe
from fraudsieve.training.refit import mature_rows, plan_refit
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split

from .model_comparison import (
    AttackedPair,
    ModelComparison,
    ModelFacts,
    PairedMetrics,
    Sides,
    latencies,
    live_scoring,
    paired_metrics,
    records_to_time,
)

STRENGTH = "medium"
"""Strength of the obfuscations under which the recall of the models is compared."""


def check_comparable(champion: Model | None, challenger: Model) -> None:
    """Check that two models can be compared on the same records."""
    problems = []
    for role, model in (("champion", champion), ("challenger", challenger)):
        if model is not None and model.legitimate is None:
            problem = f"the {role} has no legitimate class, and so no probability of fraud"
            problems.append(f"{problem}. Train it on legitimate records too")
    if champion is not None:
        pairs = {"subject": (str(champion.subject), str(challenger.subject))}
        pairs["label for legitimate records"] = (str(champion.legitimate), str(challenger.legitimate))
        pairs["kind of events to score"] = (str(score_kind(champion)), str(score_kind(challenger)))
        old_options, new_options = options_of_model(champion), options_of_model(challenger)
        pairs["time unit"] = (str(old_options.time_unit), str(new_options.time_unit))
        pairs["time start"] = (str(old_options.time_start), str(new_options.time_start))
        for name, (old, new) in pairs.items():
            if old != new:
                problem = f"expected models with the same {name}, got {old!r} (champion) and {new!r} (challenger)"
                problems.append(f"{problem}. Name two models that agree in it")
        differing = _differing_names(champion, challenger)
        if differing:
            problem = f"expected models that remember the same names of columns, got others for {', '.join(differing)}"
            problems.append(f"{problem}. Train the challenger again with the names of the champion")
        if champion.digest and champion.digest == challenger.digest:
            problems.append("champion and challenger are the same model: their digests are equal. Name another model")
    if problems:
        raise ComparisonError("promote", problems)


def _differing_names(champion: Model, challenger: Model) -> list[str]:
    """Return the columns, besides those of labels, that two models remember under different names."""
    table = f"{challenger.subject}s."
    old, new = (
        {name.removeprefix(table): column for name, column in options_of_model(model).columns.items()}
        for model in (champion, challenger)
    )
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return [name for name in names if not name.startswith("labels.") and name not in ("label", "labelled_at")]


def compare_models(
    champion: Scorer | None,
    challenger: Scorer,
    data: LabelledData,
    *,
    rows: RowsAfterTraining | None = None,
    refresh: bool = False,
    settings: EvaluateRecipe | None = None,
    progress: Progress | None = None,
) -> ModelComparison:
    """Compare two models on the labelled records that are later than the training of both.

    Parameters
    ----------
    champion : Scorer or None
        The model in use. With None the challenger is compared with a constant score.
    challenger : Scorer
        The model that may replace it.
    data : LabelledData
        Records of the subject of both models.
    rows : RowsAfterTraining, default=None
        The records to compare on; None for those that are later than the training of both models.
    refresh : bool, default=False
        Whether the challenger has the recipe of the champion, and later data.
    settings : EvaluateRecipe, default=None
        Capacity, costs, replicates, and whether messages are also attacked; None for the defaults.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    ModelComparison
        Metrics of both on the same records, with intervals of the differences.

    Raises
    ------
    ComparisonError
        When the models cannot be compared; see `check_comparable`.
    SchemaError
        When no record is later, or the records are all fraudulent or all legitimate.
    """
    report_step, settings = progress or (lambda step: None), EvaluateRecipe() if settings is None else settings
    check_comparable(None if champion is None else champion.model, challenger.model)
    scorers = [challenger] if champion is None else [champion, challenger]
    later = rows or rows_after_training(data, [scorer.model for scorer in scorers])
    report_step("scoring")
    sides, scored, unscorable = _score(scorers, data, later.rows)
    is_fraud = (scored.rows["label"] != challenger.model.legitimate).to_numpy()
    _check_kinds(is_fraud, challenger.model)
    report_step(f"looking for {data.subject.unit}s")
    groups, kind = groups_of(scored)
    report_step("drawing intervals")
    metrics = _paired_metrics(sides, scored, is_fraud, groups, settings)
    attacked = settings.attack and attackable(challenger.model, scored.rows["label"].to_numpy(object))
    if attacked:
        report_step("attacking")
    attacks = [side.attack(scored.rows, is_fraud) for side in sides] if attacked else []
    selection = label_selection(scorers[0], data, later.rows)
    report_step("timing single records")
    calls = [live_scoring(scorer, scored, _start(scored.rows)) for scorer in scorers]
    times = latencies(calls, [records_to_time(scored.rows, scorer.model.matrix) for scorer in scorers])
    bootstrap = BootstrapSummary.of(groups, is_fraud, kind, settings)
    return ModelComparison(
        **vars(metrics),
        champion=None if champion is None else ModelFacts.of(champion.model),
        challenger=ModelFacts.of(challenger.model),
        subject=data.subject,
        bootstrap=bootstrap,
        left_out={**later.left_out, "unscorable": unscorable},
        attack=_attacked_pair(attacks) if attacks else None,
        latency=Sides.of(times),
        label_selection=selection,
        refresh=refresh,
        warnings=(*later.warnings, *_few_groups_warnings(bootstrap), *selection_notes(selection)),
    )


@dataclass(frozen=True, eq=False)
class _Side:
    """A model, and its scores of the compared records."""

    scorer: Scorer
    builder: Builder
    probability: Array

    def attack(self, rows: pd.DataFrame, is_fraud: Array) -> CharacterSummary:
        """Return the means over obfuscations of characters."""
        metrics = attack_messages(
            lambda obfuscated: scores_of(self.scorer, obfuscated, self.builder)["probability"],
            rows,
            is_fraud,
            self.probability,
        )
        return metrics.character[STRENGTH]


def _score(scorers: Sequence[Scorer], data: LabelledData, later: Array) -> tuple[list[_Side], LabelledData, int]:
    """Score the later records; count and leave out those that any of the models cannot score."""
    rows = data.rows[later].reset_index(drop=True)
    builders = [builder_of_model(scorer.model, data) for scorer in scorers]
    scores = [scores_of(scorer, rows, builder) for scorer, builder in zip(scorers, builders, strict=True)]
    scorable = np.logical_and.reduce([score["status"] != "unscorable" for score in scores])
    sides = [
        _Side(scorer, builder, score["probability"][scorable])
        for scorer, builder, score in zip(scorers, builders, scores, strict=True)
    ]
    return sides, replace(data, rows=rows[scorable].reset_index(drop=True)), int((~scorable).sum())


def _paired_metrics(
    sides: Sequence[_Side], scored: LabelledData, is_fraud: Array, groups: Array, settings: EvaluateRecipe
) -> PairedMetrics:
    weight = inclusion_weights(scored.rows)
    constant = np.full(len(is_fraud), np.average(is_fraud, weights=weight))
    old, new = constant if len(sides) == 1 else sides[0].probability, sides[-1].probability
    context, share = row_context(scored.rows), share_of_records(scored, scored.rows)
    drawn = groups, settings.replicates, weight
    rows = FraudRows(new, is_fraud, *drawn, context["cutoff_times"], context["amounts"], share)
    return paired_metrics(replace(rows, probability=old), rows, settings)


def _check_kinds(is_fraud: Array, model: Model) -> None:
    for kind, rows in (("fraud", is_fraud), (f"{model.legitimate!r}", ~is_fraud)):
        if not rows.any():
            problem = f"none of {len(is_fraud)} later {model.subject}s is labelled {kind}"
            raise SchemaError(f"{model.subject}s", problem, "Add records of both kinds.")


def _start(rows: pd.DataFrame) -> pd.Timestamp | None:
    times = rows["as_of"].dropna()
    return None if times.empty else times.min()


def _attacked_pair(attacks: Sequence[CharacterSummary]) -> AttackedPair:
    means, alike = [attack.mean for attack in attacks], [attack.mean_alike for attack in attacks]
    return AttackedPair(STRENGTH, Sides.of(means), Sides.of(alike), Sides.of([attack.flagged for attack in attacks]))


def _few_groups_warnings(bootstrap: BootstrapSummary | None) -> list[str]:
    if bootstrap is None or bootstrap.groups_with_fraud >= MIN_GROUPS:
        return []
    return [f"only {bootstrap.groups_with_fraud} {bootstrap.over}s have fraud: the intervals are not reliable"]


NONE = np.array([], np.int64)
MIN_CLASSES = 2
MIN_KNOWN = 0.5
"""Share of the frauds before the newest slice that a stand-in must have learned from."""


@dataclass(frozen=True, eq=False)
class NewestSlice:
    """The records that a refresh is compared on."""

    # The time of the first of them. A model that was trained on any of them has learned from it, or from later ones.
    start: pd.Timestamp
    # Which records they are.
    rows: RowsAfterTraining

    def is_known_to(self, end: pd.Timestamp | None) -> bool:
        """Return whether a model that has learned until some time has learned from the slice."""
        return end is not None and end >= self.start


def newest_slice(
    data: LabelledData,
    ends: Sequence[pd.Timestamp | None],
    recipe: Recipe,
    is_fraud: Array,
    min_frauds: int,
) -> NewestSlice:
    """Choose the newest slice of labelled records; `ends` are the last times that each model has learned from, those of
    the champion first.

    These are the mature records that no model has learned from, if they have as many frauds as required. Otherwise
    they are the latest mature records with so many frauds, or with half of the frauds that are later than the training
    of the champion, if that is more: the other half is news for the challenger. They are at most the share of the test
    slice of the recipe, because the rest must suffice to train on.
    """
    times = data.rows["as_of"]
    mature, left_out = _mature(data, recipe)
    news, unseen = (mature & later_than(times, some) for some in (ends[:1], ends))
    wanted = max(min_frauds, int((news & is_fraud).sum()) // 2)
    start = _slice_start(times[mature], times[mature & is_fraud], recipe.split.test_share, wanted)
    if unseen.any() and (int((unseen & is_fraud).sum()) >= min_frauds or times[unseen].min() <= start):
        start = times[unseen].min()
    rows = mature & (times >= start).to_numpy()
    before = {"before the newest slice": int((mature & ~rows).sum())}
    return NewestSlice(start, RowsAfterTraining(rows, before | left_out))


def unseen_slice(data: LabelledData, ends: Sequence[pd.Timestamp | None], recipe: Recipe) -> RowsAfterTraining:
    """Choose the mature records that are later than what each model has learned from."""
    mature, left_out = _mature(data, recipe)
    rows = mature & later_than(data.rows["as_of"], ends)
    return RowsAfterTraining(rows, {"not later than training": int((mature & ~rows).sum())} | left_out)


def can_stand_in(data: LabelledData, newest: NewestSlice, recipe: Recipe) -> bool:
    """Return whether a stand-in can learn from what was known before the newest slice.

    It cannot if labels come so late that most of the frauds before the slice were not yet known, or leave no split.
    """
    earlier = known_before(data, newest.start, min_label_rows=recipe.data.min_label_rows)
    if earlier.rows["label"].nunique() < MIN_CLASSES:
        return False
    try:
        split = choose_split(earlier, *groups_of(earlier), recipe)
    except SplitError:
        return False
    known = earlier.rows["label"].iloc[plan_refit(earlier, split).split.train] != data.legitimate
    before = data.rows["label"][data.rows["as_of"] < newest.start] != data.legitimate
    return bool(known.sum() >= MIN_KNOWN * before.sum())


def _mature(data: LabelledData, recipe: Recipe) -> tuple[Array, dict[str, int]]:
    """Return which records are mature, and count the others by reason."""
    gap = data.gap_days(recipe.split.gap_days)
    positions, others = mature_rows(data, Split("time", NONE, NONE, NONE, (), gap_days=gap))
    if not len(positions):
        problem = f"expected records whose labels are mature, {gap:.3g} days after them, got none of {len(data.rows)}"
        raise SchemaError(f"{data.subject}s", problem, "Give older ones too, or set split.gap_days.")
    mature = np.zeros(len(data.rows), bool)
    mature[positions] = True
    return mature, {"not mature": others["not_mature"], "without a time": others["no_time"]}


def later_than(times: pd.Series, ends: Sequence[pd.Timestamp | None]) -> Array:
    """Return which records are later than what models have learned from, as far as that is known."""
    known = [end for end in ends if end is not None]
    return (times > max(known)).to_numpy() if known else np.ones(len(times), bool)


def _slice_start(mature: pd.Series, frauds: pd.Series, share: float, n_frauds: int) -> pd.Timestamp:
    """Return the time from which there are so many frauds, but at most a share of the mature records."""
    earliest = pd.Timestamp(cast(Any, mature.quantile(1 - share, interpolation="higher")))
    return earliest if len(frauds) < n_frauds else max(earliest, frauds.sort_values().iloc[-n_frauds])
