"""``fraudsieve rollback``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, steps
from fraudsieve.cli.options import Json, Name

__all__ = ["rollback_command"]


def rollback_command(
    name: Name = None,
    recipe: Annotated[Path | None, typer.Option(help="A TOML file; name the model and the store in it.")] = None,
    json: Json = False,
) -> None:
    """Make the model champion again that was champion before the last promotion."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("reading the registry")
        from fraudsieve.training.promotion.decision import rollback
        from fraudsieve.training.recipe.recipe import Recipe

        done = rollback(Recipe.read(recipe, {"name": name}))
    rows = [("was", f"models:/{done.name}/{done.version}"), ("champion", f"models:/{done.name}/{done.champion}")]
    answer(done.to_dict(), as_json=json, title=done.reasons[0], rows=rows)
