"""Speed against peers: ``python -m benchmarks.speed NAME``; each NAME is a module ``benchmarks.speed.NAME``."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from benchmarks.runner import Report, run_command

__all__ = ["NAMES", "main"]

NAMES = (
    "wording",
    "fits",
    "messages",
    "history",
    "live",
    "bootstrap",
    "reasons",
    "serve",
    "cases",
    "accounts",
    "payments",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    choice = {"choices": NAMES, "metavar": "NAME", "help": ", ".join(NAMES)}
    return run_command("speed", _run, __doc__, argv, arguments={"name": choice})


def _run(options: argparse.Namespace) -> Report:
    report: Report = importlib.import_module(f"benchmarks.speed.{options.name}").run()
    return report


if __name__ == "__main__":
    sys.exit(main())
