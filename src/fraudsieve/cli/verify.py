"""``fraudsieve verify``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.exceptions import ArtifactError

from .console import answer, exit_on_error, notes, steps
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
        from fraudsieve.models.artifact.inspection import verify as run

        found = run(_find(folder), digest=digest)
    notes(found.notes)
    content = asdict(found) | {"folder": str(found.folder), "checks": dict(found.checks)}
    rows = [("digest", found.digest), *((f"checked {name}", text) for name, text in found.checks)]
    answer(content, as_json=json, title=f"{found.folder}: {found.name}, a model of {found.subject}s", rows=rows)


def _find(folder: str) -> Path:
    if (Path(folder) / "manifest.json").is_file():
        return Path(folder)  # MLflow is not needed
    try:
        from fraudsieve.models.flavor import model_folder
    except ModuleNotFoundError as error:
        fix = "Install it: pip install 'fraudsieve[train]', or name a folder with a manifest.json."
        raise ArtifactError(folder, f"is no model folder, and {error.name} is not installed", fix) from None
    return model_folder(folder)
