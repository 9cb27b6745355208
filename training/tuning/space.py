"""The search space for Optuna, and the recipe of a trial."""

from typing import Any

from optuna.trial import Trial

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.recipe.recipe import LabelledSize, Recipe
from fraudsieve.training.recipe.sections import Choices, Range, SpaceRecipe, TuneRecipe


def recipe_settings(recipe: Recipe, subject: Subject, size: LabelledSize) -> dict[str, Any]:
    """Return the values in a recipe of the settings that it searches, for so many labelled rows."""
    space = tune_of(recipe).space
    if space.features and not subject.has_text:
        raise RecipeError(
            "recipe", [f"tune.space.features: these are settings of messages, not {subject}s. Remove them"]
        )
    of_model = FraudClassifier(**recipe.model.settings(subject, size)).get_params()
    recipe_value = {f"model.{name}": of_model[name] for name in space.model}
    return recipe_value | {f"features.{name}": getattr(recipe.features, name) for name in space.features}


def suggest_settings(trial: Trial, space: SpaceRecipe, recipe_values: dict[str, Any]) -> dict[str, Any]:
    """Let a trial choose its settings; the ranges include the values of the recipe, of `recipe_settings`."""
    declared = {f"model.{name}": values for name, values in space.model.items()}
    declared |= {f"features.{name}": values for name, values in space.features.items()}
    return {name: _suggest(trial, name, declared[name], recipe_value) for name, recipe_value in recipe_values.items()}


def _suggest(trial: Trial, name: str, values: Range | Choices, recipe_value: Any) -> Any:
    if not isinstance(values, Range):
        return trial.suggest_categorical(name, values if recipe_value in values else (*values, recipe_value))
    if values.log and recipe_value <= 0:
        raise RecipeError(
            "recipe",
            [f"tune.space.{name}: log = true needs positive values, and the recipe has {recipe_value!r}. Remove log"],
        )
    low, high = min(values.low, recipe_value), max(values.high, recipe_value)
    if isinstance(recipe_value, int):
        return trial.suggest_int(name, int(low), int(high), log=values.log)
    return trial.suggest_float(name, low, high, log=values.log)


def tune_of(recipe: Recipe) -> TuneRecipe:
    """Return the section ``[tune]`` of a recipe."""
    if recipe.tune is None:
        raise RecipeError("recipe", ["the section [tune] is missing. Add it, or use --tune 20m"])
    return recipe.tune
