"""What features are made of: the custom columns that are features by a recipe, and notes on the columns of records."""

from typing import Final

from fraudsieve._translation import tr
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.profile.choice import (
    ProfileColumns,
    candidate_columns,
    choose_profile_columns,
    declared_columns,
)
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models.artifact.bounds import MAX_ITEMS
from fraudsieve.training.recipe.recipe import Recipe

from .labelled import LabelledData

MAX_NAMES: Final = 8
TEXT: Final = frozenset({"wording", "pinyin", "surprisal", "cues", "shape", "obfuscation"})
"""The families of features of a text."""


def check_custom_columns(data: LabelledData, recipe: Recipe) -> None:
    """Raise an error before the work if a named column is missing or cannot be a feature, or if there are too many."""
    table, declared = f"{data.subject}s", recipe.history.categories
    if data.subject != "message":
        _check_settings_of_messages(table, recipe)
    chosen: CustomColumns | ProfileColumns
    if data.precomputed is not None:
        chosen, fix = data.precomputed.matrix_.custom, "Compute the features again, with fewer columns."
    elif data.subject == "message":
        chosen = declared_columns(data.rows, recipe.features.columns, categories=declared)
        fix = "Name fewer in features.columns."
    elif data.rows.shape[1] > MAX_ITEMS:  # otherwise there cannot be too many, and choosing them takes time
        exclude = {*recipe.history.exclude, *(("amount",) if data.subject == "account" else ())}
        chosen = choose_profile_columns(data.rows, exclude=exclude, declared=declared)
        fix = "Remove some, or name them in history.exclude."
    else:
        return
    for kind, names in (("numbers", chosen.numbers), ("categories", chosen.categories)):
        if len(names) > MAX_ITEMS:
            problem = f"custom columns: expected at most {MAX_ITEMS:,} of {kind}, got {len(names):,}"
            raise SchemaError(table, problem, fix)


def _check_settings_of_messages(table: str, recipe: Recipe) -> None:
    problems = []
    if recipe.features.campaigns:
        problems.append(f"features.campaigns: expected messages, got {table}. Remove it")
    if recipe.features.columns:
        got = f"got {table}, whose custom columns are features already"
        problems.append(f"features.columns: expected messages, {got}. Remove it")
    if problems:
        raise RecipeError("recipe", problems)


def candidate_notes(data: LabelledData, recipe: Recipe) -> list[str]:
    """Return a note that names the columns of messages that could be features, or none."""
    if data.subject != "message":
        return []
    names = [name for name in candidate_columns(data.rows) if name not in (*recipe.features.columns, data.group)]
    if not names:
        return []
    shown = ",".join(names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    known = "if they are known when a message is scored"
    return [f"columns that could be features, {known}: --feature-columns {shown}{more}"]


def built_from(matrix: FeatureMatrix) -> dict[str, str]:
    """Say which columns of the records became views, categories, numbers and text; each only if there are any."""
    views = ["+".join(view.entities) for view in matrix.history_declaration.histories]
    n_text = sum(name.partition("__")[0] in TEXT for name in matrix.columns)
    n_views = len(matrix.columns) - len(matrix.custom.columns) - n_text
    parts = {
        tr("views"): ([*views, *([tr("network")] if matrix.network else [])], n_views),
        tr("categories"): (matrix.custom.categories, 0),
        tr("numbers"): (matrix.custom.numbers, 0),
        tr("text"): ([tr("text")] if n_text else [], n_text),
    }
    return {kind: _names_text([*dict.fromkeys(names)], n) for kind, (names, n) in parts.items() if names}


def _names_text(names: list[str], n_columns: int) -> str:
    shown = tr(", ").join(names[: 2 * MAX_NAMES])
    if len(names) > 2 * MAX_NAMES:
        shown = tr("{names} and {n:,} more", names=shown, n=len(names) - 2 * MAX_NAMES)
    return tr("{names} ({n:,} columns)", names=shown, n=n_columns) if n_columns else shown
