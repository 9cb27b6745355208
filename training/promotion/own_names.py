"""Tables that are read for two models, for each under the names of columns that it was trained with."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import ComparisonError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import column_names
from fraudsieve.tables.source import InputTable, Source, as_input
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.evaluation_run import read_tables
from fraudsieve.training.recipe.recipe import Recipe

from .model_comparison import Sides


def read_for_both(
    recipe: Recipe, champion: Model | None, challenger: Model, tables: Mapping[str, Source | None]
) -> Sides[LabelledData]:
    """Read labelled records for two models: row by row the same ones, each under its own names of columns."""
    if champion is None or options_of_model(champion) == options_of_model(challenger):
        data = read_tables(recipe, challenger, tables, champion=champion)
        return Sides(None if champion is None else data, data)
    new = read_tables(recipe, challenger, _named(recipe, tables, challenger, champion), champion=champion)
    old = read_tables(recipe, champion, _named(recipe, tables, champion, challenger), champion=challenger)
    return match_records(old, new)


def _named(
    recipe: Recipe, tables: Mapping[str, Source | None], model: Model, other: Model
) -> dict[str, InputTable | None]:
    """Add the names of columns that a model does not have: those of the other model, for columns that it lacks."""
    given = {name: None if table is None else as_input(table, recipe.data.options) for name, table in tables.items()}
    return {
        name: None if table is None else as_input(table, ReadOptions(borrowed_names(name, table, model, other)))
        for name, table in given.items()
    }


def borrowed_names(name: str, table: InputTable, model: Model, other: Model) -> dict[str, str]:
    """Return names for columns that a model does not find under its own: those of fraudsieve, or those of the other.

    A column that the model reads under another name is not borrowed.
    """
    there, own, others = column_names(table), _names(name, model), _names(name, other)
    read = {*own.values(), *(field.name for field in model.matrix.fields)}
    gone = {ours: ours for ours, theirs in own.items() if theirs not in there and ours in there}
    lacking = {ours: theirs for ours, theirs in others.items() if own.get(ours) not in there and ours not in there}
    return gone | {ours: theirs for ours, theirs in lacking.items() if theirs in there and theirs not in read}


def _names(table: str, model: Model) -> dict[str, str]:
    """Return the columns that a model has names for in a table, by name without the table."""
    names = options_of_model(model).columns
    of_table = {
        name.removeprefix(f"{table}."): column for name, column in names.items() if name.startswith(f"{table}.")
    }
    return {name: column for name, column in names.items() if "." not in name} | of_table


def match_records(old: LabelledData, new: LabelledData) -> Sides[LabelledData]:
    """Keep the records that both readings have, in the order of the second."""
    of_old, of_new = _keys(old), _keys(new)
    if of_old is None or of_new is None:
        if len(old.rows) != len(new.rows):
            found = f"{len(old.rows):,} {old.subject}s under those of the champion, and {len(new.rows):,}"
            problem = f"expected the same records under the names of columns of both models, got {found}"
            raise ComparisonError(
                "compare", [f"{problem} under those of the challenger. Add ids to the {new.subject}s"]
            )
        return Sides(old, new)
    places = of_old.get_indexer(of_new)
    both = np.flatnonzero(places >= 0)
    notes = list(dict.fromkeys((*new.notes, *old.notes)))
    left_out = len(new.rows) - len(both)
    if left_out:
        notes.append(
            f"{left_out:,} {new.subject}s can be read under the names of columns of one model only: they are left out"
        )
    return Sides(_rows(old, places[both]), replace(_rows(new, both), notes=tuple(notes)))


def _keys(data: LabelledData) -> pd.Index | None:
    """Return a unique key of every record; None if some have no id."""
    name = f"{data.subject}_id"
    if name not in data.rows or data.rows[name].isna().any():
        return None
    keys = pd.Index(data.rows[name].astype(str) + " " + data.rows["as_of"].astype(str))
    return keys if keys.is_unique else None


def _rows(data: LabelledData, places: Array) -> LabelledData:
    return replace(data, rows=data.rows.iloc[places].reset_index(drop=True))
