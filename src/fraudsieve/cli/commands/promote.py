"""``fraudsieve promote``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import Json, Name, ReadingOptions, TableOptions, Verbose
from fraudsieve.cli.summary import decision_summary
from fraudsieve.cli.tables import comparison_rows, gate_rows

__all__ = ["promote_command"]


def promote_command(
    *,
    name: Name = None,
    challenger: Annotated[
        str | None, typer.Option(help="Model version, as models:/NAME/VERSION; by default models:/NAME@challenger.")
    ] = None,
    tables: TableOptions,
    reading: ReadingOptions,
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML); its section [gates] has the gates.")] = None,
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
            progress=progress,
        )
    comparison = decision.comparison
    assert comparison is not None  # only a rollback has none
    notes((*decision.notes, *comparison.warnings))
    gate_reasons = {gate.reason for gate in decision.gates}
    other_reasons = [(decision.decision, reason) for reason in decision.reasons if reason not in gate_reasons]
    champion = f"models:/{decision.name}/{decision.champion}" if decision.champion else "none"
    given = {"name": name, "recipe": recipe} | vars(tables) | vars(reading)
    rows = [*comparison_rows(comparison), *gate_rows(decision.gates), *other_reasons, ("champion", champion)]
    rows = rows if verbose else list(decision_summary(decision, given))
    title = f"models:/{decision.name}/{decision.version} is {decision.decision}"
    answer(decision.to_dict() | {"promoted": decision.promoted}, as_json=json, title=title, rows=rows)
