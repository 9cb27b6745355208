"""Speed against peers: ``python -m benchmarks.speed NAME``; one module ``benchmarks.speed.NAME`` for every name."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from benchmarks.runner import run_and_print

__all__ = ["NAMES", "main"]

NAMES = ("wording", "messages", "history", "live", "bootstrap", "reasons", "serve")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; None stands for those of the process.

    Returns
    -------
    int
        0, whether or not a bar holds, and where the data are missing.
    """
    options = _parser().parse_args(argv)
    module = importlib.import_module(f"benchmarks.speed.{options.name}")
    return run_and_print(options.name, module.run, as_json=options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
