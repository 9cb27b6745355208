"""The evaluation report, against scikit-learn and against later records: ``python -m benchmarks.evaluation SET``."""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.evaluation.accounts_apart import accounts_apart
from benchmarks.evaluation.calibration_folds import smishing
from benchmarks.evaluation.capacity_world import capacity_world
from benchmarks.evaluation.guarantee import guarantee
from benchmarks.evaluation.report_sets import fdh_cards, s_ffsd
from benchmarks.runner import Report, run_command

__all__ = ["SETS", "main"]

SETS: dict[str, Callable[[], Report]] = {
    "fdh_cards": fdh_cards,
    "smishing": smishing,
    "s_ffsd": s_ffsd,
    "world": capacity_world,
    "guarantee": guarantee,
    "fdh_cards_apart": partial(accounts_apart, "fdh_cards"),
    "s_ffsd_apart": partial(accounts_apart, "s_ffsd"),
    "world_apart": partial(accounts_apart, "world"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    choice = {"choices": SETS, "metavar": "SET", "help": ", ".join(SETS)}
    return run_command("evaluation", lambda options: SETS[options.set](), __doc__, argv, arguments={"set": choice})


if __name__ == "__main__":
    sys.exit(main())
