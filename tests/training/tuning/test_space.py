"""The search space always includes the recipe itself."""

from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError
from fraudsieve.training.recipe.recipe import LabelledSize, Recipe
from fraudsieve.training.tuning.space import recipe_settings, suggest_settings, tune_of
from tests.messages import refused

MUCH = LabelledSize(2000, 500)


def recipe(space: dict[str, Any], **rest: Any) -> Recipe:
    return Recipe.model_validate({"tune": {"trials": 5, "space": space}, **rest})


def suggested(given: Recipe, subject: Subject) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """Return the settings of a first trial, and what they were drawn from."""
    own, study = recipe_settings(given, subject, MUCH), optuna.create_study()
    study.enqueue_trial(own)
    trial = study.ask()
    return suggest_settings(trial, tune_of(given).space, own), trial.distributions


def test_ranges_and_choices_include_the_values_of_the_recipe() -> None:
    space = {
        "model": {
            "num_leaves": {"low": 10, "high": 20, "log": True},
            "l2": {"low": 2, "high": 3},
            "n_rounds": [50, 60],
        },
        "features": {"C": [1.0, 3.0], "pinyin": [True, False]},
    }
    _, searched = suggested(recipe(space, model={"l2": 2.5}), Subject.MESSAGE)
    assert searched == {
        "model.num_leaves": IntDistribution(7, 20, log=True),
        "model.l2": FloatDistribution(2, 3),
        "model.n_rounds": CategoricalDistribution((50, 60, 80)),
        "features.C": CategoricalDistribution((1.0, 3.0)),
        "features.pinyin": CategoricalDistribution((True, False, None)),
    }


@pytest.mark.parametrize("subject", [*Subject])
def test_the_recipe_itself_can_be_tried_by_default(subject: Subject) -> None:
    plain = Recipe.model_validate({"tune": {"trials": 5}})
    own = recipe_settings(plain, subject, MUCH)
    assert suggested(plain, subject)[0] == own
    assert own["model.n_rounds"] == (80 if subject == "message" else 300)
    assert plain.with_values(own).model.settings(subject, MUCH)["n_rounds"] == own["model.n_rounds"]


def test_a_trial_changes_only_its_settings() -> None:
    plain = Recipe.model_validate({"model": {"l2": 4.0}, "features": {"brands": ["icbc"]}})
    changed = plain.with_values({"model.num_leaves": 15, "features.C": 1.0})
    assert changed.model == plain.model.model_copy(update={"num_leaves": 15})
    assert changed.features == plain.features.model_copy(update={"C": 1.0})
    assert changed.model_copy(update={"model": plain.model, "features": plain.features}) == plain


def test_settings_that_cannot_be_searched_are_an_error() -> None:
    with pytest.raises(RecipeError, match="these are settings of messages, not events"):
        recipe_settings(recipe({"features": {"C": [1.0, 2.0]}}), Subject.EVENT, MUCH)
    with refused(RecipeError):
        suggested(recipe({"model": {"l2": {"low": 1, "high": 3, "log": True}}}, model={"l2": 0}), Subject.MESSAGE)
    with pytest.raises(RecipeError, match=r"the section \[tune\] is missing"):
        tune_of(Recipe())
