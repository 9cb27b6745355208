"""Hostile input, heavy loads and kills: ``python -m benchmarks.attack_surface --minutes 10``, ``... health kills``."""

import argparse
import sys
from collections.abc import Sequence

from tests.attack.outcomes import generator_names

from benchmarks.runner import Arguments, Report, run_command

from . import generators, health, kills, score_kills

__all__ = ["main"]

OTHERS = ("health", "kills", "rewind_kills", "score_kills")
"""Names that are no generators; they run only if they are given."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    names = f"{', '.join(generator_names())} (default all of these), {', '.join(OTHERS)}"
    arguments: Arguments = {
        "names": {"nargs": "*", "metavar": "NAME", "help": names},
        "--minutes": {"type": float, "default": 10.0, "help": "time of all generators (default 10)"},
        "--at-least": {"type": int, "default": 0, "help": "inputs of each generator, whatever the time (default 0)"},
        "--tries": {"type": int, "default": None, "help": "end a generator after this number of inputs, if earlier"},
        "--seed": {"type": int, "default": 0, "help": "first seed of every generator and of the kills (default 0)"},
        "--kills": {"type": int, "default": 50, "help": "number of kills (default 50)"},
    }
    return run_command("attack_surface", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    names = options.names or generator_names()
    hostile = [name for name in names if name not in OTHERS]
    parts, protocols = [], []
    if hostile:
        limits = generators.Limits(options.minutes * 60 / len(hostile), options.at_least, options.tries)
        parts.append(generators.count_outcomes(hostile, limits, first_seed=options.seed))
        protocols.append(generators.PROTOCOL)
    if "health" in names:
        parts.append(health.measure_health())
        protocols.append(health.PROTOCOL)
    if "kills" in names:
        parts.append(kills.count_losses(options.kills, first_seed=options.seed))
        protocols.append(kills.PROTOCOL)
    if "rewind_kills" in names:
        parts.append(kills.count_losses(options.kills, first_seed=options.seed, rewinds=True))
        protocols.append(kills.PROTOCOL)
    if "score_kills" in names:
        parts.append(score_kills.count_faults(options.kills, first_seed=options.seed))
        protocols.append(score_kills.PROTOCOL)
    figures = {name: value for part in parts for name, value in part.figures.items()}
    bars = [bar for part in parts for bar in part.bars]
    rows = sum(part.rows for part in parts)
    return Report("attack_surface", ", ".join(names), " ".join(protocols), rows, figures, bars=bars)


if __name__ == "__main__":
    sys.exit(main())
