"""``fraudsieve compare``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import (
    Accounts,
    Columns,
    DayFirst,
    Encoding,
    Events,
    Json,
    Labels,
    MaxRejected,
    Messages,
    Name,
    Separator,
    TextColumn,
    input_table,
    reading_overrides,
)
from fraudsieve.cli.tables import comparison_rows, gate_rows

__all__ = ["compare_command"]


def compare_command(
    champion: Annotated[
        str | None, typer.Option(help="Model folder or address; by default models:/NAME@champion.")
    ] = None,
    challenger: Annotated[
        str | None, typer.Option(help="Model folder or address; by default models:/NAME@challenger.")
    ] = None,
    name: Name = None,
    messages: Messages = None,
    accounts: Accounts = None,
    events: Events = None,
    labels: Labels = None,
    text_column: TextColumn = None,
    column: Columns = None,
    encoding: Encoding = None,
    separator: Separator = None,
    day_first: DayFirst = None,
    max_rejected: MaxRejected = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML); its sections [evaluate] and [gates] are used.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare two models on the same later records, and check whether the challenger passes the gates."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        given = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
        tables = {name: input_table(table, {}) for name, table in given.items()}
        from fraudsieve.training.promotion.compare import compare_tables
        from fraudsieve.training.recipe.recipe import Recipe

        reading = reading_overrides(column, text_column, encoding, separator, day_first, max_rejected)
        result = compare_tables(
            champion,
            challenger,
            **tables,
            recipe=Recipe.read(recipe, {"name": name, **reading}),
            progress=progress,
        )
    notes(result.notes)
    outcome = "would be promoted" if result.passes else "would be refused"
    rows = [*comparison_rows(result.metrics), *gate_rows(result.gates), ("the challenger", outcome)]
    answer(result.to_dict(), as_json=json, title=f"{result.addresses[0]} against {result.addresses[1]}", rows=rows)
