"""``fraudsieve quickstart``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import Json, Verbose
from fraudsieve.cli.summary import trained_summary
from fraudsieve.cli.tables import trained_content, trained_rows


def quickstart_command(
    folder: Annotated[Path, typer.Option(help="Folder to create; all files are written there.")] = Path(
        "fraudsieve-quickstart"
    ),
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Simulate a small world, then train, evaluate, register and score, in a minute or two."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        from fraudsieve.training.first_run import quickstart

        result = quickstart(folder, seed=seed, progress=progress)
    notes(result.trained.notes)
    scores = {"scores": str(result.scored.output), "scored": result.scored.scored}
    short = trained_summary(result.trained, {}, folder / "world" / "messages.parquet")
    answer(
        trained_content(result.trained) | scores,
        as_json=json,
        title="Simulated data: these metrics only show that every step works",
        rows=[
            ("scores", f"{result.scored.scored:,} new messages in {result.scored.output}"),
            *(trained_rows(result.trained) if verbose else short),
        ],
    )
