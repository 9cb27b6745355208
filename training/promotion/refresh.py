"""Refreshes: challengers with the recipe of the champion, trained on later data."""

import hashlib
import json
from typing import Any, Final

from pydantic import ValidationError

from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.data.after_training import learned_until
from fraudsieve.training.recipe.recipe import HistoryRecipe, Recipe, SplitRecipe
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
