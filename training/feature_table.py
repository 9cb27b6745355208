"""The table of feature rows: those that a training run would learn from and be tested on, for use elsewhere."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._io import check_not_an_input, check_output_file
from fraudsieve._precompiled import compiling
from fraudsieve._typing import Array, Progress
from fraudsieve.features.label_trust import WEIGHT
from fraudsieve.tables.formats.files import storable
from fraudsieve.tables.formats.output import check_output_format, check_output_rows, publish
from fraudsieve.tables.label_values import LabelReader
from fraudsieve.tables.source import Source, local_files

from .data.assumed_labels import INCLUSION
from .data.builders import Builder, matrix_of, sample_of, training_rows
from .data.column_notes import built_from
from .fit import Prepared, prepare, tables_of, write_rejected_rows
from .recipe.headers import check_headers, with_kinds
from .recipe.recipe import Recipe

CHUNK = 1 << 14
"""Rows that are written at a time."""
SLICE = "slice"
"""The column of the slice of a row; features have two underscores in their names."""


@dataclass(frozen=True)
class FeatureTable:
    """Result of `write_features`.

    Parameters
    ----------
    output : Path
        The file.
    rows : dict of str to int
        Number of rows of each slice: ``train``, ``calibration`` and ``test``.
    columns : tuple of str
        Names of the features.
    notes : tuple of str
        Notes for the user.
    """

    output: Path
    rows: dict[str, int]
    columns: tuple[str, ...]
    notes: tuple[str, ...]


def write_features(
    recipe: Recipe | None = None,
    *,
    output: str | Path = "features.parquet",
    messages: "Source | None" = None,
    labels: "Source | None" = None,
    accounts: "Source | None" = None,
    events: "Source | None" = None,
    reader: "LabelReader | None" = None,
    progress: "Progress | None" = None,
) -> FeatureTable:
    """Write the feature rows that `train` would use, each as of its own cutoff time, to train other models on them.

    The columns are the ids of a record, ``label``, ``slice``, the weights of its label if there are any, and the
    features, which are numbers. The rows of the slice ``train`` are those that `train` fits its trees to, to the last
    bit: features that are learnt from labels are out of fold, and obfuscated copies of fraudulent messages have the id
    of the message. Rows that are in no slice are left out. It has all features of the recipe, also if `train` would
    choose to leave histories out.

    Parameters
    ----------
    recipe : Recipe, default=None
        All settings of the run; None for the defaults. Without a search: the settings are those of the recipe.
    output : str or Path, default="features.parquet"
        File to write, atomically: Parquet, CSV, a workbook or JSON Lines, according to its extension. Only the owner
        can read it. Rejected rows are written next to it, as by `train`.
    messages, labels, accounts, events : path or DataFrame, default=None
        The tables; by default those of the recipe.
    reader : callable, default=None
        As for `train`.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    FeatureTable
        The file, its rows and its columns.

    Raises
    ------
    SchemaError
        When a table cannot be used, or the extension of the output is not a known format.
    RecipeError
        When the tables do not fit the subject.
    SplitError
        When there is too little data for the split.
    FileExistsError
        When the output would overwrite an input.

    Examples
    --------
    >>> days = pd.date_range("2026-01-01", periods=600, freq="4h")
    >>> payments = pd.DataFrame({"event_id": range(600), "account_id": np.arange(600) % 7, "occurred_at": days,
    ...     "amount": np.arange(600) % 11, "label": np.where(np.arange(600) % 5, "legitimate", "fraud")})
    >>> recipe = Recipe.read(overrides={"track.enabled": False, "n_jobs": 1})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = write_features(recipe, events=payments, output=f"{folder}/features.parquet")
    ...     train = pd.read_parquet(table.output).query("slice == 'train'")
    >>> train[[*table.columns]].shape == (table.rows["train"], len(table.columns))
    True
    """
    report_step, recipe, output = progress or (lambda step: None), recipe or Recipe(), Path(output)
    tables = tables_of(recipe, {"messages": messages, "accounts": accounts, "events": events, "labels": labels})
    check_output_format(output)
    check_not_an_input(output, *(file for table in tables.values() if table is not None for file in local_files(table)))
    check_output_file(output)
    check_headers(recipe := with_kinds(recipe, tables), tables)
    with ExitStack() as work:
        if tables["messages"] is not None:
            work.enter_context(compiling("message", "training"))
        prepared = prepare(recipe, tables, reader, report_step)
        staged = Path(work.enter_context(tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent)))
        return _write(prepared, tables, staged / "rows", output, report_step)


def _write(prepared: Prepared, tables: dict[str, Any], staged: Path, output: Path, progress: Progress) -> FeatureTable:
    """Write the slices in parts: a slice is in memory once, and no two slices are."""
    data, counts, columns = prepared.data, dict[str, int](), tuple[str, ...]()
    check_output_rows(output, sum(prepared.split.rows.values()))
    ids = data.subject.ids
    names = [name for name in (*ids, "label", WEIGHT, INCLUSION) if name in data.rows]
    records = pa.Table.from_arrays([storable(data.rows[name]) for name in names], names=names)
    with ExitStack() as files:
        writer: pyarrow.parquet.ParquetWriter | None = None
        for name, rows, builder, matrix in _slices(prepared, progress):
            counts[name], columns = len(rows), tuple(matrix.columns)
            built = [*(f"{kind}: {names}" for kind, names in built_from(builder.matrix_).items()), *builder.notes_]
            for start in range(0, len(rows), CHUNK):
                about = records.take(rows[start : start + CHUNK])
                about = about.append_column(SLICE, pa.array([name] * len(about)))
                features = pa.Table.from_pandas(matrix.iloc[start : start + CHUNK], preserve_index=False)
                every = [*about.column_names, *columns]
                part = pa.Table.from_arrays([*about.columns, *features.columns], names=every)
                if writer is None:
                    writer = files.enter_context(pyarrow.parquet.ParquetWriter(staged, part.schema))
                writer.write_table(part)
            del matrix  # before the next slice is computed
    notes = [*prepared.notes, *built, *write_rejected_rows(data, tables, output)]
    notes += publish(staged, output, private=True, exact=ids)
    rate = sample_of(data, prepared.recipe).rate
    sampled = f"of the training slice, all fraud and {rate:.3g} of the legitimate rows are written"
    return FeatureTable(output, counts, columns, (*notes, *([] if rate == 1 else [sampled])))


def _slices(prepared: Prepared, progress: Progress) -> Iterator[tuple[str, Array, Builder, pd.DataFrame]]:
    """Yield each slice as `fit_model` computes it: its name, its rows, the builder and the features."""
    recipe, data, groups, _, split, _ = prepared
    progress("learning the text model" if data.subject.has_text else "computing histories")
    trained_on = training_rows(data, groups, split.train, recipe, progress)
    builder = trained_on.builder
    yield "train", trained_on.positions, builder, trained_on.matrix
    del trained_on
    for name in ("calibration", "test"):
        rows = np.asarray(getattr(split, name))
        progress(f"computing the rows of the {name} slice")
        yield name, rows, builder, matrix_of(builder, data.rows.iloc[rows])
