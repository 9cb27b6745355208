"""Detection on real data, fraudsieve and the peers on the same folds: ``python -m benchmarks.detection SET``."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.contestants.contestant import OURS, fits_of
from benchmarks.data.kinds import MessageSet
from benchmarks.data.location import load_messages
from benchmarks.detection.accounts import compare_accounts
from benchmarks.detection.defaults import compare_defaults
from benchmarks.detection.false_alarms import compare_chat
from benchmarks.detection.messages import compare
from benchmarks.detection.official import compare_split
from benchmarks.looks import count_look
from benchmarks.runner import Arguments, Report, run_command
from benchmarks.sets.table import ACCOUNT_SETS, message_sets_of

__all__ = ["SETS", "main"]

MESSAGE_SETS = message_sets_of("detection")
SETS = (*MESSAGE_SETS, *ACCOUNT_SETS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    without = "message sets: leave out a contestant"
    arguments: Arguments = {
        "set": {"choices": SETS, "metavar": "SET", "help": ", ".join(SETS)},
        "--repeats": {"type": int, "default": 3, "help": "message sets: how often the folds are drawn (default 3)"},
        "--folds": {"type": int, "default": 5, "help": "message sets: folds of a repeat (default 5)"},
        "--default": {"action": "store_true", "help": "account sets: the ordinary call without a recipe"},
        "--without": {"action": "append", "default": [], "metavar": "NAME", "help": without},
    }
    return run_command("detection", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    report = _report(options)
    if OURS not in options.without:
        count_look(options.set, "detection")
    return report


def _report(options: argparse.Namespace) -> Report:
    if options.set in MESSAGE_SETS and not options.default:
        return _message_report(MESSAGE_SETS[options.set], options)
    of_accounts = ACCOUNT_SETS[options.set]
    if options.default or of_accounts.published is None:
        return compare_defaults(of_accounts.name, of_accounts.task())
    return compare_accounts(of_accounts.name, of_accounts.published())


def _message_report(of_messages: MessageSet, options: argparse.Namespace) -> Report:
    name, table = of_messages.name, of_messages.load()
    contestants = fits_of("detection", without=options.without)
    if of_messages.chat_of:
        return compare_chat(load_messages(of_messages.chat_of), table, contestants, names=(of_messages.chat_of, name))
    if of_messages.schemes == ("given",):
        return compare_split(name, table, contestants, bound=of_messages.bound)
    return compare(name, table, contestants, repeats=options.repeats, folds=options.folds, ahead=of_messages.ahead)


if __name__ == "__main__":
    sys.exit(main())
