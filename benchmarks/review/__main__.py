"""What reviews are worth: frauds found, the truth and its estimates, by arm: ``python -m benchmarks.review SET``.

With all seeds, the figures of the weeks are kept in benchmarks/results/review.json, and ``python -m benchmarks.contest
--page`` puts them into docs/results.md.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from benchmarks.looks import count_look
from benchmarks.runner import Arguments, Report, progress, run_command

from .cards import CAPACITY, card_traffic, payments_of_cards
from .figures import Figures, over_seeds, quality_figures, type_figures
from .messages import CAPACITY as MESSAGE_CAPACITY
from .messages import FIRST_WEEK, message_traffic, messages_in_weeks
from .new_types import new_types
from .results import Values, keep_results, medians
from .weeks import ARMS, Traffic, Week, plan_of, weeks_of_reviews

__all__ = ["SETS", "live_through", "main"]

WEEKS, SEEDS = 12, 5
NEW_TYPES: Final = "new_types"
_ARMS: Final = (
    "alerts: the records of highest probability alone. audit_N: N % of the reviews, rounded up, are of records drawn "
    "at random from the rest. near_N: N % are the passed records of highest probability, one of each campaign or "
    "account. Draws and inclusion probabilities are those of fraudsieve.review, estimates those of the evaluation "
    "report. Only reviewed records get a label, which is always right; no other label is used by a "
    "model or an estimate. There are no chargebacks: they would tell of missed frauds after some weeks, and make the "
    "blind spot of alerts shorter. Medians over {seeds} seeds of the draws and the trees, with the lowest and highest "
    "value."
)
_CARDS: Final = (
    "Payments of the first {days} days of fdh_cards, none of its test week. Four weeks are only history. All labels of "
    "the fifth are known, and twelve weeks of {capacity} reviews a day follow. The label of a review is known a day "
    "later, and a model is trained before each week on all labels known by then: 100 trees on what accounts and "
    "terminals did before, without labels. A terminal's known frauds are left out, as each arm would know others: so "
    "the frauds of stolen terminal data, six in ten, look like other payments. truth: average precision on all "
    "payments of the week after a training. plain, weighted: its estimates from the reviewed ones, as they are and by "
    "inclusion probabilities, which exist with an audit alone. holds: share of the seeds whose 95 % interval holds the "
    "truth. "
)
_MESSAGES: Final = (
    "fbs_sms has no times and no legitimate messages: its campaigns come in 13 weeks at random, advertising passes, "
    "and all else is fraud. {late}, the fraudulent type with most campaigns, comes from week {first} on. Labels of "
    "week 0 are all known. Then {capacity} messages of each week are reviewed, with one draw a week, and a model is "
    "trained on all labels before the next. Messages with a probability of at least .5 are flagged. first_find: "
    "reviews from week {first} on until one is of this type, those of a draw in random order. half: reviews until a "
    "model flags half of the type's messages of the week after its training; half_kept: until a model does so and all "
    "later ones do, as weeks have campaigns of their own. recall: this share in the last week. "
)


class _Set(NamedTuple):
    traffic: Traffic
    figures: Callable[[Sequence[Week], int], Figures]
    protocol: str
    own: Figures


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    arguments: Arguments = {
        "set": {"choices": [*SETS, NEW_TYPES], "metavar": "SET", "help": ", ".join([*SETS, NEW_TYPES])},
        "--seeds": {"type": int, "default": SEEDS, "help": f"seeds of draws and models (default {SEEDS})"},
    }
    return run_command("review", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    if options.set == NEW_TYPES:
        return new_types(seeds=options.seeds)
    one = SETS[options.set]()
    values = live_through(one.traffic, one.figures, options.seeds)
    protocol = one.protocol + _ARMS.format(seeds=options.seeds)
    report = Report("review", options.set, protocol, len(one.traffic.week), one.own, medians(values))
    if options.seeds == SEEDS:
        keep_results(report, values)
    return report


def live_through(traffic: Traffic, figures: Callable[[Sequence[Week], int], Figures], seeds: int) -> dict[str, Values]:
    """Live through the weeks with every arm and seed, and return the figures of each arm by seed."""
    runs: dict[str, list[Figures]] = {arm: [] for arm in ARMS}
    for seed in range(seeds):
        first = traffic.fit(np.flatnonzero(traffic.week == 0), seed)
        for arm, found in runs.items():
            plan = plan_of(arm, traffic.capacity, seed)
            found.append(figures([*weeks_of_reviews(traffic, plan, first)], seed))
            progress(f"seed {seed} {arm}: {found[-1]['found']:,.0f} frauds found")
    return {arm: over_seeds(found) for arm, found in runs.items()}


def _cards() -> _Set:
    progress("computing the columns of the payments")
    payments = payments_of_cards(WEEKS)
    traffic = card_traffic(payments)
    days = (payments["occurred_at"].iloc[-1] - payments["occurred_at"].iloc[0]).days + 1
    protocol = _CARDS.format(days=days, capacity=CAPACITY)
    return _Set(traffic, lambda weeks, seed: quality_figures(traffic, weeks), protocol, _frauds(traffic))


def _messages() -> _Set:
    messages, late = messages_in_weeks(WEEKS)
    count_look("fbs_sms", "review")
    traffic = message_traffic(messages)
    is_late = (messages["label"] == late).to_numpy(np.bool_)
    protocol = _MESSAGES.format(late=late, first=FIRST_WEEK, capacity=MESSAGE_CAPACITY)
    own = _frauds(traffic) | {"found_of_type": float(is_late.sum())}
    return _Set(traffic, lambda weeks, seed: type_figures(traffic, is_late, weeks, seed), protocol, own)


def _frauds(traffic: Traffic) -> Figures:
    """Return the frauds of the weeks of reviews, beside which those found are printed."""
    return {"found": float(traffic.is_fraud[traffic.week > 0].sum())}


SETS: Final[Mapping[str, Callable[[], _Set]]] = {"fdh_cards": _cards, "fbs_sms": _messages}


if __name__ == "__main__":
    sys.exit(main())
