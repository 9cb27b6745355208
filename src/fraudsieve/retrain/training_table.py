"""The tables of a retraining: what the model needs of them, and the labelled records as of a time."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import check_usable, columns_used, label_reader, options_of_model
from fraudsieve.tables.source import InputTable, Source, as_input, origin_of
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.classes import check_classes
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.headers import check_headers
from fraudsieve.training.recipe.recipe import Recipe


def inputs_of(model: Model, recipe: Recipe, tables: Mapping[str, Source]) -> dict[str, InputTable]:
    """Return the tables that were given, to be read as those of the model were."""
    options = recipe.data.options.or_else(options_of_model(model))
    inputs = {name: as_input(table, options) for name, table in tables.items()}
    check_usable(
        [model], {name: table for name, table in inputs.items() if name not in ("labels", f"{model.subject}s")}
    )
    if "events" in model.matrix.history_parts and "events" not in inputs:
        raise RecipeError("--events", ["expected the events that the model has features of, got none. Add --events"])
    check_headers(recipe, inputs)
    return inputs


def read_training_table(model: Model, recipe: Recipe, inputs: Mapping[str, InputTable]) -> LabelledData:
    """Read the records that a retraining learns from, as `train` does."""
    reader = label_reader(model)
    data = read_data(recipe, inputs, min_label_rows=recipe.data.min_label_rows, reader=reader)
    _check_columns(model, data, partial(_origin, inputs))
    check_classes(data, inputs[f"{model.subject}s"] if f"{model.subject}s" in inputs else inputs["labels"], recipe.data)
    return data


def _origin(inputs: Mapping[str, InputTable], table: str) -> str:
    return origin_of(inputs[table]) if table in inputs else table


def _check_columns(model: Model, data: LabelledData, origin: Any) -> None:
    """Check that the tables have the columns that the model has learned from: without them it would be another one."""
    for name, columns in columns_used(model).items():
        rows = data.events if name == "events" and data.events is not None else data.rows
        missing = [column for column in columns if column not in rows]
        if missing:
            used = f"expected the {len(columns)} columns that the model uses, got a table without {', '.join(missing)}"
            fix = "Add them, or name them with --column NAME=COLUMN. A model without them is a new recipe: use train."
            raise SchemaError(origin(name), used, fix)


def count_labels(data: LabelledData) -> tuple[dict[str, int], dict[str, int] | None]:
    """Return the numbers of labelled records by class, and of labels by source; None if labels have no sources."""
    labels = data.rows if data.all_labels is None else data.all_labels
    by_source = labels["source"].fillna("none").value_counts() if "source" in labels else None
    return _counts(data.rows["label"].value_counts()), None if by_source is None else _counts(by_source)


def _counts(counts: "pd.Series[int]") -> dict[str, int]:
    return {str(name): int(count) for name, count in counts.items()}
