"""Training with the feature matrix in a file: memory, seconds and trees beside those of a matrix in memory."""

import tempfile
from pathlib import Path

from benchmarks.runner import Bar, Report
from benchmarks.scale.train import INTERVAL, train_on
from benchmarks.scale.train_tables import write_events

__all__ = ["run"]

SIZES = (1_000_000, 2_000_000, 4_000_000, 8_000_000)
IN_MEMORY = 2_000_000
"""Rows up to which the matrix is in memory too: 4 million of them and what training adds take 24 GB."""
MAX_MB = 12_000.0
RECIPE = {"model.sample_rate": 1.0, "model.n_rounds": 20}
_PROTOCOL = (
    "`train` without tracking on made-up labelled payments, default columns, no sampling, 20 rounds, with the refit: "
    "its matrix has nearly all rows. Each size in a process of its own, in turn: in_file always in a file, in_memory "
    "never. peak_mb: the process and all that it started together, shared pages counted once, every {interval} s. "
    "equal: the trees have one SHA-256."
)


def run(n_events: int | None, _: float = 0.0) -> Report:
    """Measure some sizes.

    Parameters
    ----------
    n_events : int or None
        Number of payments; None for 1, 2, 4 and 8 million.

    Returns
    -------
    Report
        Seconds, megabytes, and whether the trees are equal.
    """
    figures: dict[str, float] = {}
    for rows in SIZES if n_events is None else (n_events,):
        with tempfile.TemporaryDirectory(prefix="fraudsieve-scale-", dir="/var/tmp") as place:
            source = Path(place) / "events"
            write_events(source, rows)
            boosters = set()
            for name, max_bytes in (("in_memory", 1 << 60), ("in_file", 0)):
                if name == "in_memory" and rows > IN_MEMORY:
                    continue
                found = train_on("events", source, rows, RECIPE, max_bytes)
                boosters.add(found["booster"])
                figures |= {f"{name}.{rows}.{key}": found[key] for key in found if key.startswith(("mb.", "seconds"))}
                figures[f"{name}.{rows}.peak_mb"] = found["peak_mb"]
            if rows <= IN_MEMORY:
                figures[f"{rows}.equal"] = float(len(boosters) == 1)
    bars = [Bar.at_most(name, value, MAX_MB) for name, value in figures.items() if name == "in_file.8000000.peak_mb"]
    bars += [Bar.at_least(name, value, 1.0) for name, value in figures.items() if name.endswith(".equal")]
    return Report("in_file", "made up", _PROTOCOL.format(interval=INTERVAL), max(SIZES), figures, {}, bars)
