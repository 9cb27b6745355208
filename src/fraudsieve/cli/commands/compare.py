"""``fraudsieve compare``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import Json, Name, ReadingOptions, TableOptions, Verbose
from fraudsieve.cli.summary import comparison_summary, gate_summary
from fraudsieve.cli.tables import comparison_rows, gate_rows


def compare_command(
    *,
    champion: Annotated[
        str | None, typer.Option(help="Model folder or address; by default models:/NAME@champion.")
    ] = None,
    challenger: Annotated[
        str | None, typer.Option(help="Model folder or address; by default models:/NAME@challenger.")
    ] = None,
    name: Name = None,
    tables: TableOptions,
    reading: ReadingOptions,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML); its sections [evaluate] and [gates] are used.")
    ] = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Compare two models on the same later records, and check whether the challenger passes the gates."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        inputs = tables.inputs()
        from fraudsieve.training.promotion.compare import compare_tables
        from fraudsieve.training.recipe.recipe import Recipe

        result = compare_tables(
            champion,
            challenger,
            **inputs,
            recipe=Recipe.read(recipe, {"name": name, **reading.overrides()}),
            progress=progress,
        )
    notes(result.notes)
    outcome = "would be promoted" if result.passes else "would be refused"
    metrics = comparison_rows(result.metrics) if verbose else comparison_summary(result.metrics)
    gates = gate_rows(result.gates) if verbose else gate_summary(result.gates)
    rows = [*metrics, *gates, ("the challenger", outcome)]
    rows += [] if verbose else [("more", "--verbose prints all metrics and gates")]
    answer(result.to_dict(), as_json=json, title=f"{result.addresses[0]} against {result.addresses[1]}", rows=rows)
