"""``fraudsieve features``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import Answer, Report, notes
from fraudsieve.cli.options import ReadingOptions, RunOptions, TableOptions


def features_command(
    *,
    progress: Report,
    tables: TableOptions,
    reading: ReadingOptions,
    run: RunOptions,
    output: Annotated[Path, typer.Option(help="File of features to write: .parquet, .csv, .xlsx or .jsonl.")] = Path(
        "features.parquet"
    ),
) -> Answer:
    """Write the features that train would learn from, with label and slice, to train other models on them."""
    from fraudsieve.tables.formats.output import check_output_format

    check_output_format(output)
    settings = run.read(tables, reading, {})
    from fraudsieve.training.feature_table import write_features  # its imports take seconds: wrong options come first

    table = write_features(settings, output=output, progress=progress)
    notes(table.notes)
    rows = [("file", str(output)), *((f"rows of {name}", f"{n:,}") for name, n in table.rows.items())]
    rows.append(("columns", f"{len(table.columns):,} features, and label and slice"))
    return Answer(asdict(table), "Features of labelled records", rows)
