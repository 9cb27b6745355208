"""What the sheet says, held against scikit-learn and against later records: ``python -m benchmarks.evaluation SET``."""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.evaluation.calibration_folds import smishing
from benchmarks.evaluation.capacity_world import capacity_world
from benchmarks.evaluation.sheet_sets import fdh_cards, s_ffsd
from benchmarks.runner import Report, run_and_print

__all__ = ["SETS", "main"]

SETS: dict[str, Callable[[], Report]] = {
    "fdh_cards": fdh_cards,
    "smishing": smishing,
    "s_ffsd": s_ffsd,
    "world": capacity_world,
}


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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("set", choices=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    options = parser.parse_args(argv)
    return run_and_print("evaluation", SETS[options.set], as_json=options.json, dataset=options.set)


if __name__ == "__main__":
    sys.exit(main())
