"""``fraudsieve promote``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import Json, Name, ReadingOptions, TableOptions, Verbose
from fraudsieve.cli.summary import decision_summary
from fraudsieve.cli.tables import decision_rows


def promote_command(
    *,
    name: Name = None,
    challenger: Annotated[
        str | None, typer.Option(help="Model version, as models:/NAME/VERSION; by default models:/NAME@challenger.")
    ] = None,
    tables: TableOptions,
    reading: ReadingOptions,
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML); its section [gates] has the gates.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare and apply the gates, and change and log nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Promote by hand, whatever the gates say. Needs --reason.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Reason of a promotion by hand; it is recorded.")] = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Make a challenger the champion if it passes the gates on later records. Log the decision in any case."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        inputs = tables.inputs()
        from fraudsieve.training.promotion.decision import promote
        from fraudsieve.training.recipe.recipe import Recipe

        decision = promote(
            Recipe.read(recipe, {"name": name, **reading.overrides()}),
            challenger=challenger,
            **inputs,
            dry_run=dry_run,
            force=force,
            reason=reason,
            progress=progress,
        )
    comparison = decision.comparison
    notes((*decision.notes, *(() if comparison is None else comparison.warnings)))
    given = {"name": name, "recipe": recipe} | vars(tables) | vars(reading)
    rows = list(decision_rows(decision) if verbose else decision_summary(decision, given))
    outcome = decision.decision if dry_run else f"is {decision.decision}"
    title = f"models:/{decision.name}/{decision.version} {outcome}"
    answer(decision.to_dict() | {"promoted": decision.promoted}, as_json=json, title=title, rows=rows)
