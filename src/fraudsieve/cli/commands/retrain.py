"""``fraudsieve retrain``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fraudsieve.cli.console import Answer, Report, notes, stop_on_sigterm
from fraudsieve.cli.options import (
    AsOf,
    LanguageOption,
    ModelOption,
    Name,
    Overwrite,
    ReadingOptions,
    TableOptions,
    Verbose,
)
from fraudsieve.cli.summary import plan_rows, retrained_rows


def retrain_command(
    *,
    progress: Report,
    model: ModelOption,
    name: Name = None,
    tables: TableOptions,
    state: Annotated[
        str | None,
        typer.Option(
            help="Event store of the service, such as live.db: its events, labels and logged records are read first.",
        ),
    ] = None,
    reading: ReadingOptions,
    as_of: AsOf = None,
    output: Annotated[Path, typer.Option(help="Model folder to write.")] = Path("fraudsieve-retrained"),
    overwrite: Overwrite = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be done, and do nothing.")] = False,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Whether the new model becomes champion if it passes.")
    ] = True,
    language: LanguageOption = None,
    verbose: Verbose = False,
) -> Answer:
    """Train the recipe of a model on all tables of today. Promote the result if it is as good as the champion."""
    with stop_on_sigterm():
        inputs = tables.inputs() | {"state": state}
        from fraudsieve.retrain import plan_retraining, retrain

        changes = {"name": name, "language": language, "data.as_of": as_of, **reading.overrides()}
        if plan:
            planned = plan_retraining(model, **inputs, changes=changes, progress=progress)
        else:
            settings: dict[str, Any] = {"output": output, "overwrite": overwrite, "promote": promote}
            result = retrain(model, **inputs, **settings, changes=changes, progress=progress)
    if plan:
        return Answer(planned.to_dict(), f"Plan for {planned.name}", plan_rows(planned))
    notes(result.notes)
    title = f"{result.version or result.plan.name}: {result.outcome}"
    return Answer(result.to_dict(), title, retrained_rows(result, verbose=verbose))
