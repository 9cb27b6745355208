"""Models on records that are unlike those of their training: ``python -m benchmarks.transfer``."""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.contestants.contestant import OURS
from benchmarks.looks import count_look
from benchmarks.runner import Arguments, Report, run_command
from benchmarks.transfer.contest import ROWS, compare_pairs, contestants
from benchmarks.transfer.other_traffic import other_traffic
from benchmarks.transfer.pairs import PAIRS
from benchmarks.transfer.recalibrated import recalibrated
from benchmarks.transfer.unlike import unlike_sets

__all__ = ["SETS", "main"]

SETS: dict[str, Callable[[], Report]] = {"unlike": unlike_sets, "recalibrate": recalibrated, "warnings": other_traffic}
PAIRS_OF_SETS = "pairs"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    which = (
        "pairs (default): trained on one set, tested on another; unlike: what unlike_training says; "
        "recalibrate: a model for the traffic of another set; warnings: whether other traffic warns, and the same not"
    )
    arguments: Arguments = {
        "set": {
            "nargs": "?",
            "choices": (PAIRS_OF_SETS, *SETS),
            "default": PAIRS_OF_SETS,
            "metavar": "NAME",
            "help": which,
        },
        "--pair": {
            "action": "append",
            "choices": PAIRS,
            "metavar": "PAIR",
            "help": f"{', '.join(PAIRS)} (default all)",
        },
        "--draws": {"type": int, "default": 3, "help": "draws of the training rows (default 3)"},
        "--rows": {"type": int, "default": ROWS, "help": f"the most rows of a set (default {ROWS})"},
        "--without": {"action": "append", "default": [], "metavar": "NAME", "help": "leave out a contestant"},
    }
    return run_command("transfer", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    if options.set in SETS:
        return SETS[options.set]()
    names, fits = options.pair or list(PAIRS), contestants(without=options.without)
    report = compare_pairs(names, fits, draws=options.draws, rows=options.rows)
    for target in dict.fromkeys(PAIRS[name].target for name in names if OURS in fits):
        count_look(target, "transfer")
    return report


if __name__ == "__main__":
    sys.exit(main())
