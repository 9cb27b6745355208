"""The evaluation report, against scikit-learn and against later records: ``python -m benchmarks.evaluation SET``."""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.evaluation.accounts_apart import APART, accounts_apart
from benchmarks.evaluation.calibration_folds import smishing
from benchmarks.evaluation.capacity_world import capacity_world
from benchmarks.evaluation.guarantee import guarantee
from benchmarks.evaluation.joined_groups import joined_groups
from benchmarks.evaluation.promise import promise
from benchmarks.evaluation.quiet_weeks import quiet_weeks
from benchmarks.evaluation.refits import refits
from benchmarks.evaluation.rehearsal import rehearsal
from benchmarks.evaluation.report_sets import fdh_cards, s_ffsd
from benchmarks.evaluation.weighted import weighted
from benchmarks.runner import Report, run_command

__all__ = ["SETS", "main"]

SETS: dict[str, Callable[[], Report]] = {
    "fdh_cards": fdh_cards,
    "smishing": smishing,
    "s_ffsd": s_ffsd,
    "world": capacity_world,
    "guarantee": guarantee,
    "groups": joined_groups,
    "refits": refits,
    "weighted": weighted,
    "promise": promise,
    "quiet_weeks": quiet_weeks,
    "rehearsal": rehearsal,
    **{f"{name}_apart": partial(accounts_apart, name) for name in APART},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    choice = {"choices": SETS, "metavar": "SET", "help": ", ".join(SETS)}
    return run_command("evaluation", lambda options: SETS[options.set](), __doc__, argv, arguments={"set": choice})


if __name__ == "__main__":
    sys.exit(main())
