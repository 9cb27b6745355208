"""Read a table of features that were computed before training, such as those of `fraudsieve.spark.training_sample`."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.tables.label_values import AUTO, LabelReading, read_labels
from fraudsieve.tables.source import Source, origin_of
from fraudsieve.tables.values.reading import normalise_label
from fraudsieve.training.labels import RATE
from fraudsieve.training.recipe.recipe import HistoryRecipe, Recipe

from .accounts_events import load_accounts, load_events
from .labelled import LabelledData
from .precomputed_matrix import PRECOMPUTED_ROW, MatrixDeclaration, PrecomputedMatrix, declaration_of
from .row_sample import CUTOFF_COLUMNS, ID_COLUMNS

FIX: Final = "Write it with fraudsieve.spark.training_sample and write.parquet of Spark."
IDS: Final = ("event_id", "account_id")


def load_precomputed(source: Source, recipe: Recipe, *, min_label_rows: int) -> LabelledData:
    """Read labelled rows and their features.

    The result is in the order of time and id, since Spark has no order of its own.
    """
    place = origin_of(source)
    files = _files(place)
    table, declared = _read(files, place)
    _check_recipe(recipe, declared)
    records, values = _split(table, declared, place)
    settings: dict[str, Any] = {
        "min_label_rows": min_label_rows,
        "reader": partial(_read_classes, declared.legitimate, recipe.data.legitimate),
    }
    if declared.matrix.subject == "event":
        data = load_events(records, **settings)
    else:
        data = load_accounts(None, accounts=records, **settings)
    _check_sample(data, declared, place)
    digests = {"features": _digest(files)}
    return replace(data, events=None, digests=digests, precomputed=PrecomputedMatrix(declared, values))


def _files(place: str) -> list[Path]:
    path = Path(place)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        problem = "expected a file of Parquet, or a folder of such files, on this machine, found none"
        raise SchemaError(place, problem, FIX)
    return files


def _read(files: list[Path], place: str) -> tuple[pa.Table, MatrixDeclaration]:
    """Return the rows of all files, and their declaration."""
    try:
        found = [declaration_of(pq.read_metadata(file).metadata) for file in files]
        table = pa.concat_tables([pq.ParquetFile(file).read() for file in files])
    except (OSError, pa.ArrowException) as error:
        problem = f"cannot be read as Parquet ({type(error).__name__})"
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        problem = f"has no declaration of its features of this version ({type(error).__name__})"
    else:
        if any(one != found[0] for one in found):
            raise SchemaError(place, "its files have different declarations of features", "Train on one of them.")
        return table, found[0]
    raise SchemaError(place, problem, FIX)


def _check_recipe(recipe: Recipe, declared: MatrixDeclaration) -> None:
    """Raise RecipeError for settings that need the records themselves, or rows that were left out."""
    subject, problems = declared.matrix.subject, []
    if recipe.data.subject not in ("auto", subject):
        problems.append(f"data.subject: the features are of {subject}s, got {recipe.data.subject!r}")
    if recipe.data.trusted.declared:
        problems.append("data.trust: the labels of a precomputed matrix have no sources. Remove it")
    if recipe.labels.age is not None:
        problems.append("labels.legitimate_after: a precomputed matrix has rows with labels only. Remove it")
    if recipe.history != HistoryRecipe():
        problems.append("history: the features of a precomputed matrix are declared where it is made. Remove it")
    if (recipe.model.sample_rate or 1.0) < 1:
        problems.append("model.sample_rate: a precomputed matrix is sampled where it is made. Remove it")
    if declared.until is not None:
        if recipe.split.kind not in ("auto", "time"):
            problems.append(f"split.kind: a sample is split by time, got {recipe.split.kind!r}. Remove it")
        if recipe.tune is not None:
            problems.append("tune: its folds would be tested on a sample. Remove it")
    if problems:
        raise RecipeError("recipe", problems)


def _split(table: pa.Table, declared: MatrixDeclaration, place: str) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return the records in the order of time and id, and the features of each."""
    columns, subject = declared.matrix.columns, declared.matrix.subject
    time, of_sample = CUTOFF_COLUMNS[subject], [] if declared.until is None else [ID_COLUMNS[subject], RATE]
    needed = dict.fromkeys((time, "account_id", "label", *of_sample, *columns))
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        shown = ", ".join(repr(name) for name in missing[:5])
        raise SchemaError(place, f"{len(missing)} columns are missing: {shown}", FIX)
    records = table.drop_columns(list(columns)).to_pandas()
    order = records.sort_values([time, *(name for name in IDS if name in records)], kind="stable").index.to_numpy()
    values = np.empty((len(records), len(columns)))
    for position, name in enumerate(columns):
        values[:, position] = table[name].to_numpy()[order]
    return records.iloc[order].reset_index(drop=True).assign(**{PRECOMPUTED_ROW: np.arange(len(records))}), values


def _read_classes(declared: str, setting: str, labels: "pd.Series[Any]") -> LabelReading:
    """Read labels by the setting of the recipe; with ``auto``, the label that was declared is legitimate."""
    if setting != AUTO:
        return read_labels(labels, setting)
    reading = read_labels(labels)
    is_declared = reading.classes.get(normalise_label(declared), declared) == reading.legitimate
    return reading if is_declared else read_labels(labels, declared)


def _check_sample(data: LabelledData, declared: MatrixDeclaration, place: str) -> None:
    """Check that the sampled rows are those that are read as legitimate."""
    if declared.until is None or declared.sample.rate == 1:
        return
    sampled = (data.rows[RATE] < 1).to_numpy()
    expected = (data.rows["label"] == data.legitimate) & (data.rows["as_of"] < pd.Timestamp(declared.until))
    if (sampled != expected).any():
        problem = f"{int((sampled != expected).sum())} rows are legitimate, or sampled, but not both"
        raise SchemaError(place, problem, "Remove --legitimate, or sample with the label that it names.")


def _digest(files: list[Path]) -> str:
    """Return the SHA-256 of the file, or of the digests of all files."""
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
