"""``fraudsieve simulate``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve._io import check_output_file
from fraudsieve.cli.console import answer, exit_on_error, steps
from fraudsieve.cli.options import Json


def simulate_command(
    output: Annotated[Path, typer.Option(help="Folder for the four tables.")] = Path("fraudsieve-world"),
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    days: Annotated[int, typer.Option(min=7, help="Number of days.")] = 120,
    n_accounts: Annotated[int, typer.Option(min=100, help="Number of accounts.")] = 1500,
    json: Json = False,
) -> None:
    """Simulate a small world: messages, accounts, events and labels. Metrics on it say nothing about real data."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        check_output_file(output / "messages.parquet")
        progress("simulating")
        from fraudsieve.training.simulation.world import simulate

        world = simulate(seed=seed, days=days, n_accounts=n_accounts)
        paths = world.write(output)
        counts = {name: len(getattr(world, name)) for name in paths}
    rows = [(name, f"{counts[name]:,} rows in {path}") for name, path in paths.items()]
    content = {name: {"path": str(path), "rows": counts[name]} for name, path in paths.items()}
    answer(content, as_json=json, title="A simulated world", rows=rows)
