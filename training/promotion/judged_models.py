"""The models that the gates judge, and the records that these are compared on.

Frauds that a champion knew and that are legitimate by a later label, by the source of that label.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pandas as pd

from fraudsieve._typing import Progress
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.after_training import RowsAfterTraining, known_before, trained_until
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.evaluation_run import read_tables
from fraudsieve.training.recipe.cores import with_threads
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import plan_refit, refit_facts, refit_model
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.tracking.registry import Registry

from .model_comparison import ModelComparison, overturned_frauds
from .refresh import STAND_IN_FOR, is_refresh, recipe_of_model
from .same_records import NewestSlice, can_stand_in, check_comparable, compare_models, newest_slice, unseen_slice

Versions: TypeAlias = tuple[Registry, str | None, str]
"""A registered model, and the versions of its champion, if there is one, and of the challenger."""


@dataclass(frozen=True, eq=False)
class _Judged:
    """The models to compare, the records (None for those later than the training of both), and what to say about it."""

    champion: Scorer | None
    challenger: Scorer
    rows: RowsAfterTraining | None = None
    notes: Sequence[str] = ()
    # Whether they are the evaluated models of a refresh.
    evaluated: bool = False


def compare_judged(
    champion: Scorer | None,
    challenger: Scorer,
    tables: dict[str, Any],
    recipe: Recipe,
    progress: Progress,
    versions: Versions | None = None,
) -> tuple[ModelComparison, tuple[str, ...]]:
    """Compare two models as the gates judge them.

    Of a refresh that is its shipped model, or a stand-in if that has learned from the newest slice, or, where labels
    come too late for one, the evaluated model. Otherwise it is the evaluated model of the run of a registered version,
    or the challenger itself.

    Returns the comparison, and notes on the tables.
    """
    old = None if champion is None else champion.model
    check_comparable(old, challenger.model)
    progress("reading")
    data = read_tables(recipe, challenger.model, tables, champion=old)
    refresh = champion is not None and is_refresh(champion.model, challenger.model)
    if champion is not None and refresh:
        judged = _judged_refresh(champion, challenger, data, recipe, progress, versions)
    else:
        evaluated, said = (
            (challenger, []) if versions is None else evaluated_model(versions[0], versions[2], challenger)
        )
        judged = _Judged(champion, evaluated, notes=said)
    comparison = compare_models(
        judged.champion,
        judged.challenger,
        data,
        rows=judged.rows,
        refresh=refresh,
        settings=recipe.evaluate,
        progress=progress,
    )
    trust = recipe.data.trusted
    overturned = None if champion is None else overturned_frauds(data, champion.model, trust)
    warnings = (*comparison.warnings, *judged.notes)
    return replace(comparison, overturned=overturned, warnings=warnings, evaluated=judged.evaluated), data.notes


def _judged_refresh(
    champion: Scorer,
    challenger: Scorer,
    data: LabelledData,
    recipe: Recipe,
    progress: Progress,
    versions: Versions | None,
) -> _Judged:
    """Return models that have not learned from the newest slice: the given ones, or stand-ins for them."""
    used = _recipe_of(challenger, recipe)
    is_fraud = (data.rows["label"] != challenger.model.legitimate).to_numpy()
    ends = [trained_until(model) for model in (champion.model, challenger.model)]
    newest = newest_slice(data, ends, used, is_fraud, recipe.gates.refresh_frauds)
    learned = [newest.is_known_to(end) for end in ends]
    if any(learned) and versions is not None and not can_stand_in(data, newest, used):
        return _judged_evaluated(champion, challenger, data, used, versions)
    new, old = challenger, champion
    if learned[1]:
        check_learned_rows(challenger.model, data)
        new = _stand_in("challenger", challenger, data, used, newest, progress)
    if learned[0]:
        same = learned[1] and _recipe_of(champion, recipe) == used
        again = new if same else None
        old = _stand_in("champion", champion, data, _recipe_of(champion, recipe), newest, progress, again)
    roles = [role for role, seen in zip(("champion", "challenger"), learned, strict=True) if seen]
    return _Judged(old, new, newest.rows, _refresh_notes(newest, roles, data.subject))


def _judged_evaluated(
    champion: Scorer, challenger: Scorer, data: LabelledData, recipe: Recipe, versions: Versions
) -> _Judged:
    """Return the evaluated models of both, and the mature records that neither has learned from."""
    registry, *numbers = versions
    old, new = (
        _standing_in(evaluated_model(registry, str(number), scorer)[0].model, scorer)
        for number, scorer in zip(numbers, (champion, challenger), strict=True)
    )
    rows = unseen_slice(data, [trained_until(old.model), trained_until(new.model)], recipe)
    note = (
        f"the challenger is a refresh, and labels come so late that most of the frauds before the newest "
        f"{data.subject}s were not yet known: a stand-in would have learned too little. So the evaluated models of "
        f"both are compared, on the {int(rows.rows.sum()):,} mature {data.subject}s that neither has learned from. The "
        "metrics are not those of the model that is promoted"
    )
    return _Judged(old, new, rows, [note], evaluated=True)


def _standing_in(model: Model, scorer: Scorer) -> Scorer:
    """Return a model as a stand-in for another one, unless it is that model."""
    of_other = {} if model.digest == scorer.model.digest else {STAND_IN_FOR: scorer.model.digest}
    return Scorer(replace(model, training=model.training | of_other))


def _recipe_of(scorer: Scorer, recipe: Recipe) -> Recipe:
    """Return the recipe of a model, with the threads of the recipe of the comparison."""
    own = recipe_of_model(scorer.model)
    assert own is not None  # a refresh has one
    return with_threads(own.model_copy(update={"n_jobs": recipe.n_jobs}))[0]


def _stand_in(
    role: str,
    scorer: Scorer,
    data: LabelledData,
    recipe: Recipe,
    newest: NewestSlice,
    progress: Progress,
    again: Scorer | None = None,
) -> Scorer:
    """Train the recipe of a model on the records before the newest slice, unless that was done for the other one."""
    if again is None:
        earlier = known_before(data, newest.start, min_label_rows=recipe.data.min_label_rows)
        again = train_again(earlier, recipe, lambda step: progress(f"stand-in for the {role}: {step}"))
    return _standing_in(again.model, scorer)


def _refresh_notes(newest: NewestSlice, roles: Sequence[str], subject: str) -> list[str]:
    since = newest.start.isoformat()
    notes = [
        "the challenger is a refresh: it has the recipe of the champion, and later data. They are compared on the "
        f"{int(newest.rows.rows.sum()):,} newest mature {subject}s, since {since}"
    ]
    if roles:
        have = "has" if len(roles) == 1 else "have"
        notes.append(
            f"{' and '.join(roles)} {have} learned from these: the recipe was trained again on what was known before, "
            "and this stand-in is compared. The metrics are not those of the model that is promoted"
        )
    return notes


def evaluated_model(registry: Registry, version: str, challenger: Scorer) -> tuple[Scorer, list[str]]:
    """Return the model to compare with the champion.

    A shipped model has seen nearly all labelled records, so it could only be evaluated weeks later. The evaluated model
    of its run has the same settings and has not seen the test slice.
    """
    training = challenger.model.training
    folder = registry.split_model_folder(version) if training.get("refit") else None
    if folder is None:
        return challenger, []
    scorer = Scorer.load(folder, digest=training["split_model"]["digest"])
    shipped_until, evaluated_until = trained_until(challenger.model), trained_until(scorer.model)
    times = ""
    if shipped_until is not None and evaluated_until is not None:
        times = f" ({shipped_until.isoformat()}, its evaluated model {evaluated_until.isoformat()})"
    return scorer, [
        f"the challenger was trained again on later records{times}: its evaluated model, with the same settings, "
        "is compared. The metrics are not those of the model that is promoted"
    ]


LEARNED_SHARE = 0.9
"""Share of the records that a model has learned from that the tables must have: labels may have changed since."""


def check_learned_rows(model: Model, data: LabelledData) -> None:
    """Check that the tables have the records that a model was trained on."""
    window, expected = model.training["window"], model.training["rows"]["train"]
    if not window:
        return
    times, (first, last) = data.rows["as_of"], map(pd.Timestamp, window)
    there = int((times.between(first, last) | times.isna()).sum())
    if there < LEARNED_SHARE * expected:
        problem = (
            "the challenger is a refresh that has learned from the newest records, so its recipe is trained again on "
            f"earlier ones; expected the {expected:,} labelled {data.subject}s that it was trained on, got {there:,} "
            "of their period"
        )
        raise SchemaError(f"{data.subject}s", problem, "Give the tables that it was trained on, or later records.")


def train_again(data: LabelledData, recipe: Recipe, progress: Progress) -> Scorer:
    """Train a recipe on labelled records as `train` does, without an evaluation."""
    groups, kind = groups_of(data)
    split = choose_split(data, groups, kind, recipe)
    evaluated = fit_model(data, groups, split, recipe, progress)
    if not recipe.model.refit:
        return Scorer(evaluated.model)
    plan = plan_refit(data, split)
    shipped, _ = refit_model(plan, data, groups, evaluated.model, evaluated.builder, evaluated.recipe, progress)
    facts = refit_facts(plan, data, evaluated.model, shipped, recipe)
    return Scorer(replace(shipped, training=facts))
