"""``fraudsieve quickstart`` and ``fraudsieve simulate``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve._io import check_output_file
from fraudsieve.cli.console import Answer, Report, notes
from fraudsieve.cli.options import Verbose
from fraudsieve.cli.summary import trained_summary
from fraudsieve.cli.tables import trained_content, trained_rows


def simulate_command(
    *,
    progress: Report,
    output: Annotated[Path, typer.Option(help="Folder for the four tables.")] = Path("fraudsieve-world"),
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    days: Annotated[int, typer.Option(min=7, help="Number of days.")] = 120,
    n_accounts: Annotated[int, typer.Option(min=100, help="Number of accounts.")] = 1500,
) -> Answer:
    """Simulate a small world: messages, accounts, events and labels. Metrics on it say nothing about real data."""
    check_output_file(output / "messages.parquet")
    progress("simulating")
    from fraudsieve.training.simulation.world import simulate

    world = simulate(seed=seed, days=days, n_accounts=n_accounts)
    paths = world.write(output)
    counts = {name: len(getattr(world, name)) for name in paths}
    rows = [(name, f"{counts[name]:,} rows in {path}") for name, path in paths.items()]
    content = {name: {"path": str(path), "rows": counts[name]} for name, path in paths.items()}
    return Answer(content, "A simulated world", rows)


def quickstart_command(
    *,
    progress: Report,
    folder: Annotated[Path, typer.Option(help="Folder to create; all files are written there.")] = Path(
        "fraudsieve-quickstart"
    ),
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    verbose: Verbose = False,
) -> Answer:
    """Simulate a small world, then train, evaluate, register and score, in a minute or two."""
    from fraudsieve.training.first_run import quickstart

    result = quickstart(folder, seed=seed, progress=progress)
    notes(result.trained.notes)
    scores = {"scores": str(result.scored.output), "scored": result.scored.scored}
    short = trained_summary(result.trained, {}, folder / "world" / "messages.parquet")
    return Answer(
        trained_content(result.trained) | scores,
        "Simulated data: these metrics only show that every step works",
        [
            ("scores", f"{result.scored.scored:,} new messages in {result.scored.output}"),
            *(trained_rows(result.trained) if verbose else short),
        ],
    )
