"""Stand-ins: a recipe trained again on the records before the newest slice, for a model that has learned from it."""

from dataclasses import replace

import pandas as pd

from fraudsieve._typing import Progress
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import sample_slice
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit.plan import plan_refit
from fraudsieve.training.refit.refitted import refit_facts, refit_model
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split

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
    facts = refit_facts(plan, data, evaluated.model, len(sample_slice(data, plan.split.train, recipe)))
    return Scorer(replace(shipped, training=facts))
