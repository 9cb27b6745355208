"""The columns of messages that are features by a recipe, and a note about those that could be."""

from typing import Final

from fraudsieve.features.profile.choice import candidate_columns, declared_columns
from fraudsieve.training.recipe.recipe import Recipe

from .labelled import LabelledData

__all__ = ["candidate_notes", "check_own_columns"]

MAX_NAMES: Final = 8


def check_own_columns(data: LabelledData, recipe: Recipe) -> None:
    """Raise an error before the work if a column that is named as a feature is missing or cannot be one.

    Parameters
    ----------
    data : LabelledData
        The rows.
    recipe : Recipe
        Settings.

    Raises
    ------
    SchemaError
        If a column of messages is missing, repeated, or one that cannot be a feature, such as the label.
    ColumnTypeError
        If a column holds times.
    """
    if data.subject == "message":
        declared_columns(data.rows, recipe.features.columns, categories=recipe.history.categories)


def candidate_notes(data: LabelledData, recipe: Recipe) -> list[str]:
    """Return a note that names the columns of messages that could be features, or none.

    Parameters
    ----------
    data : LabelledData
        The rows.
    recipe : Recipe
        Settings; the columns that it uses are not named.

    Returns
    -------
    list of str
    """
    if data.subject != "message":
        return []
    names = [name for name in candidate_columns(data.rows) if name not in recipe.features.columns]
    if not names:
        return []
    shown = ",".join(names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    known = "if they are known when a message is scored"
    return [f"columns that could be features, {known}: --feature-columns {shown}{more}"]
