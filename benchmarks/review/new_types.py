"""Where messages of a type that no label has are: among the passed ones at random, and just below the threshold."""

from datetime import date
from typing import Final

import numpy as np

from benchmarks.data.location import load_messages
from benchmarks.looks import count_look
from benchmarks.runner import Bar, Report, progress
from fraudsieve.review.draw import Frame, ReviewPlan, select

from .messages import PASSES, THRESHOLD, message_traffic

__all__ = ["new_types"]

TYPES, PLACES, SEEDS = 5, 100, 5
TIMES: Final = 4
PROTOCOL: Final = (
    "fbs_sms, in which advertising passes and all else is fraud. Each of the {types} fraudulent types with most "
    "campaigns is left out in turn: a model is trained on half of the campaigns, at random, without this type, and "
    "scores the other half. Messages below .5 pass. near: messages of the type among {places} passed ones that `review "
    "draw --near 1` draws; audit: among those of `--audit 1`; random: among {places} passed ones at random. Means over "
    "{seeds} seeds of halves and models. all: over the types."
)


def new_types(types: int = TYPES, seeds: int = SEEDS) -> Report:
    """Leave out one type after another, and count its messages among those that people would look at.

    Parameters
    ----------
    types : int, default=5
    seeds : int, default=5

    Returns
    -------
    Report
    """
    messages = load_messages("fbs_sms")
    count_look("fbs_sms", "review new_types")
    label = messages["label"].to_numpy(object)
    campaigns = messages[~messages["label"].str.startswith(PASSES)].groupby("label")["campaign"].nunique()
    traffic = message_traffic(messages.assign(week=0))
    found = {arm: dict[str, float]() for arm in ("near", "random", "audit")}
    for name in campaigns.nlargest(types).index:
        counts = []
        for seed in range(seeds):
            is_first = np.random.default_rng(seed).random(traffic.groups.max() + 1)[traffic.groups] < 0.5
            rows = np.flatnonzero(~is_first)
            scores = traffic.fit(np.flatnonzero(is_first & (label != name)), seed)(rows)
            rows, scores = rows[scores < THRESHOLD], scores[scores < THRESHOLD]
            frame = Frame(scores, np.zeros(len(rows), np.bool_), traffic.groups[rows], np.zeros(len(rows)))
            plans = ReviewPlan(PLACES, near=1), ReviewPlan(PLACES, audit=1, seed=seed)
            near, audit = ((label[rows[select(frame, plan, date.min).rows]] == name).sum() for plan in plans)
            counts.append((near, PLACES * (label[rows] == name).mean(), audit))
        progress(
            f"{name}: {np.mean(counts, axis=0).round(1)} of {PLACES} just below the threshold, at random, in audits"
        )
        for arm, value in zip(found, np.mean(counts, axis=0).tolist(), strict=True):
            found[arm][str(name)] = value
    for of_arm in found.values():
        of_arm["all"] = sum(of_arm.values())
    facts = {"types": types, "places": PLACES, "seeds": seeds}
    bar = Bar.at_least("all", found["near"]["all"], TIMES * found["random"]["all"])
    peers = {arm: found[arm] for arm in ("random", "audit")}
    return Report("review", "new_types", PROTOCOL.format(**facts), len(messages), found["near"], peers, bars=[bar])
