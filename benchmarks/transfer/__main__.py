"""Models on records that are unlike those of their training: ``python -m benchmarks.transfer NAME``."""

import sys
from collections.abc import Callable, Sequence

from benchmarks.runner import Report, run_command
from benchmarks.transfer.recalibrated import recalibrated
from benchmarks.transfer.unlike import unlike_sets

__all__ = ["SETS", "main"]

SETS: dict[str, Callable[[], Report]] = {"unlike": unlike_sets, "recalibrate": recalibrated}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    choice = {"choices": SETS, "metavar": "NAME", "help": ", ".join(SETS)}
    return run_command("transfer", lambda options: SETS[options.set](), __doc__, argv, arguments={"set": choice})


if __name__ == "__main__":
    sys.exit(main())
