"""``fraudsieve promote`` and ``fraudsieve rollback``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import Answer, Report, notes
from fraudsieve.cli.options import Name, ReadingOptions, TableOptions, Verbose
from fraudsieve.cli.summary import decision_summary
from fraudsieve.cli.tables import decision_rows


def rollback_command(
    *,
    progress: Report,
    name: Name = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML) that names the model and the MLflow store.")
    ] = None,
) -> Answer:
    """Restore the model that was champion before the last promotion."""
    progress("reading the registry")
    from fraudsieve.training.promotion.decision import rollback
    from fraudsieve.training.recipe.recipe import Recipe

    decision = rollback(Recipe.read(recipe, {"name": name}))
    rows = [
        ("was", f"models:/{decision.name}/{decision.version}"),
        ("champion", f"models:/{decision.name}/{decision.champion}"),
        *(("restart", reason) for reason in decision.reasons[1:]),
    ]
    return Answer(decision.to_dict(), decision.reasons[0], rows)


def promote_command(
    *,
    progress: Report,
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
) -> Answer:
    """Make a challenger the champion if it passes the gates on later records. Log the decision in any case."""
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
    rows = decision_rows(decision) if verbose else decision_summary(decision, given)
    outcome = decision.decision if dry_run else f"is {decision.decision}"
    title = f"models:/{decision.name}/{decision.version} {outcome}"
    return Answer(decision.to_dict() | {"promoted": decision.promoted}, title, rows)
