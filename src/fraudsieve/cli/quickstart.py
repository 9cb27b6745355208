"""``fraudsieve quickstart``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import answer, exit_on_error, notes, steps
from .options import Json
from .tables import trained_content, trained_rows

__all__ = ["quickstart"]


def quickstart(
    folder: Annotated[Path, typer.Option(help="The folder to make; everything goes there.")] = Path(
        "fraudsieve-quickstart"
    ),
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 0,
    json: Json = False,
) -> None:
    """Simulate a small world, train on it, evaluate, register and score: the whole road in under two minutes."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        from fraudsieve.training.first_run import quickstart as run

        done = run(folder, seed=seed, progress=say)
    notes(done.trained.notes)
    scores = {"scores": str(done.scored.output), "scored": done.scored.scored}
    answer(
        trained_content(done.trained) | scores,
        as_json=json,
        title="A simulated world: these figures prove the plumbing and nothing else",
        rows=[*trained_rows(done.trained), ("scores", f"{done.scored.scored:,} new messages in {done.scored.output}")],
    )
