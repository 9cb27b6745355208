"""``fraudsieve verify``."""

from dataclasses import asdict
from typing import Annotated

import typer

from fraudsieve._console import answer, exit_on_error, notes, steps

from .options import Json

__all__ = ["verify"]


def verify(
    folder: Annotated[str, typer.Argument(help="A model folder, or an address such as models:/NAME@champion.")],
    digest: Annotated[
        str | None, typer.Option(help="The digest that the model must have; train and predict print it.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a model folder without scoring anything, and say what was checked. Exit code 2: it is refused."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("checking")
        from fraudsieve.models.flavor import model_folder
        from fraudsieve.models.verify import verify as run

        found = run(model_folder(folder), digest=digest)
    notes(found.notes)
    content = asdict(found) | {"folder": str(found.folder), "checks": dict(found.checks)}
    rows = [("digest", found.digest), *((f"checked {name}", text) for name, text in found.checks)]
    answer(content, as_json=json, title=f"{found.folder}: {found.name}, a model of {found.subject}s", rows=rows)
