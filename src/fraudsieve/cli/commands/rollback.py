"""``fraudsieve rollback``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, steps
from fraudsieve.cli.options import Json, Name


def rollback_command(
    name: Name = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML) that names the model and the MLflow store.")
    ] = None,
    json: Json = False,
) -> None:
    """Restore the model that was champion before the last promotion."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        progress("reading the registry")
        from fraudsieve.training.promotion.decision import rollback
        from fraudsieve.training.recipe.recipe import Recipe

        decision = rollback(Recipe.read(recipe, {"name": name}))
    rows = [
        ("was", f"models:/{decision.name}/{decision.version}"),
        ("champion", f"models:/{decision.name}/{decision.champion}"),
        *(("restart", reason) for reason in decision.reasons[1:]),
    ]
    answer(decision.to_dict(), as_json=json, title=decision.reasons[0], rows=rows)
