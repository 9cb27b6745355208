"""Scale: ``python -m benchmarks.scale NAME``; each NAME is a module ``benchmarks.scale.NAME``."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from benchmarks.runner import Arguments, Report, run_command

__all__ = ["NAMES", "main"]

NAMES = ("store", "spark", "spark_worlds", "sampling", "train", "in_file")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    arguments: Arguments = {
        "name": {"choices": NAMES, "metavar": "NAME", "help": ", ".join(NAMES)},
        "--events": {
            "type": int,
            "help": "events of store (1,000,000), spark (5, 20 and 50 million), spark_worlds (2 and 1 million), "
            "sampling (all), train (10 million), in_file (1, 2, 4 and 8 million)",
        },
        "--messages": {"type": int, "help": "messages of train (1,000,000)"},
        "--seconds": {"type": float, "default": 5.0, "help": "seconds per number of clients of store (5)"},
    }
    return run_command("scale", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    module = importlib.import_module(f"benchmarks.scale.{options.name}")
    further = {"n_messages": options.messages} if options.name == "train" else {}
    report: Report = module.run(options.events, options.seconds, **further)
    return report


if __name__ == "__main__":
    sys.exit(main())
