"""How often weighted intervals hold the truth: simulated alerts and audits of the same traffic, again and again."""

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from benchmarks.runner import Bar, Report, progress
from fraudsieve._typing import Array
from fraudsieve.review.draw import Frame, ReviewPlan, select
from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.fraud_rows import FraudRows

__all__ = ["AUDITS", "TRAFFIC", "Traffic", "weighted"]

REPEATS, REPLICATES = 1_000, 200
CAMPAIGNS, FRAUDS, TAIL, MAX_SIZE = 8_000, 150, 1.5, 20
ALERTS, DISTANCE = 0.02, 2.5
COVERAGE: Final = 0.92
FIRST_SEED: Final = 2
"""The intervals were chosen on draws with smaller seeds."""
AUDITS: Final = (0.02, 0.05)
"""Shares of the campaigns that pass of which one record is audited."""
METRICS: Final = ("recall", "average_precision")
PROTOCOL: Final = (
    "{repeats:,} simulated worlds a traffic and audit, each of {campaigns:,} legitimate and {frauds} fraudulent "
    "campaigns with a Pareto tail of sizes and a correlation of .7 in a campaign. The {alerts:.0%} of the records with "
    "the highest scores are alerts, and the audit is one record of a share of the campaigns that pass, both as `review "
    "draw` selects them. The truth is that of all records of the world. covered: the share of 95 % intervals of "
    "{replicates} replicates that hold it; width: their mean width; error: the mean of the estimate less the truth. "
    "plain: without weights. new: a fifth of the fraudulent campaigns scores as legitimate ones do."
)


class Traffic(NamedTuple):
    """A kind of traffic.

    Attributes
    ----------
    new : float
        The share of the fraudulent campaigns that score as legitimate ones do.
    """

    new: float = 0.0


TRAFFIC: Final = {"known": Traffic(), "new": Traffic(0.2)}


class _World(NamedTuple):
    """All records, whether each is an alert, and the truth about the model."""

    rows: FraudRows
    flagged: Array
    truth: dict[str, float]


def weighted(repeats: int = REPEATS) -> Report:
    """Measure the coverage of the intervals of recall and average precision, with weights and without.

    Parameters
    ----------
    repeats : int, default=1000
        Worlds a traffic and audit.

    Returns
    -------
    Report
    """
    figures: dict[str, float] = {}
    plain: dict[str, float] = {}
    bars = []
    for setting, ((name, traffic), share) in enumerate(product(TRAFFIC.items(), AUDITS)):
        progress(f"auditing {share:.0%} of {name} traffic")
        of_weighted, of_plain = _coverage(traffic, share, repeats, 2 * setting + FIRST_SEED)
        head = f"{name}.{share:g}"
        figures |= {f"{head}.{key}": value for key, value in of_weighted.items()}
        plain |= {f"{head}.{key}": value for key, value in of_plain.items()}
        covered = (f"{head}.{metric}.covered" for metric in METRICS)
        bars += [Bar.at_least(key, figures[key], COVERAGE) for key in covered]
    facts = {"campaigns": CAMPAIGNS, "frauds": FRAUDS, "alerts": ALERTS, "replicates": REPLICATES}
    protocol = PROTOCOL.format(repeats=repeats, **facts)
    n_draws = repeats * len(TRAFFIC) * len(AUDITS)
    return Report("evaluation", "weighted", protocol, n_draws, figures, peers={"plain": plain}, bars=bars)


def _coverage(traffic: Traffic, share: float, repeats: int, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return coverage, width and error of each metric, with weights and without."""
    found: list[list[tuple[float, float, float]]] = []
    for number in range(repeats):
        world = _world(traffic, np.random.default_rng([number, seed]))
        rows, flagged = _labelled(world, share, number, seed + 1)
        of_both = [_against_truth(one, flagged, world.truth) for one in (rows, rows.plain)]
        found.append([of_metric for of_metrics in of_both for of_metric in of_metrics])
    means = np.array(found).mean(axis=0).reshape(2, len(METRICS), 3)
    keys = [f"{metric}.{measure}" for metric in METRICS for measure in ("covered", "width", "error")]
    of_weighted, of_plain = (dict(zip(keys, part.ravel().tolist(), strict=True)) for part in means)
    return of_weighted, of_plain


def _world(traffic: Traffic, rng: np.random.Generator) -> _World:
    is_fraud = np.repeat([False, True], [CAMPAIGNS, FRAUDS])
    known = is_fraud & (rng.random(len(is_fraud)) >= traffic.new)
    sizes = np.minimum(rng.pareto(TAIL, len(is_fraud)) + 1, MAX_SIZE).astype(np.int64)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.normal(size=len(sizes)) * np.sqrt(0.7) + DISTANCE * known
    signal = centres[groups] + np.sqrt(0.3) * rng.normal(size=len(groups))
    prior = np.log(FRAUDS / CAMPAIGNS)
    probability = 1 / (1 + np.exp(-(DISTANCE * signal - DISTANCE**2 / 2 + prior)))
    rows = FraudRows(probability, is_fraud[groups], groups, REPLICATES)
    flagged = probability >= np.quantile(probability, 1 - ALERTS)
    truth = rows.share(flagged, rows.is_fraud), rows.average_precision()
    return _World(rows, flagged, {name: value or 0.0 for name, value in zip(METRICS, truth, strict=True)})


def _labelled(world: _World, share: float, number: int, seed: int) -> tuple[FraudRows, Array]:
    """Return the alerts, and one passed record of some campaigns, with their weights; and which of them are alerts.

    The draw has the random numbers of ``default_rng([number, seed])``.
    """
    rows, n_alerts = world.rows, int(world.flagged.sum())
    groups = np.arange(len(rows.is_fraud)) if rows.groups is None else rows.groups
    n_audit = round(share * len(np.unique(groups[~world.flagged])))
    plan = ReviewPlan(n_alerts + n_audit, n_audit / (n_alerts + n_audit), seed=number)
    unknown = np.full(len(groups), np.nan)
    frame = Frame(rows.probability, world.flagged, unknown, groups, np.zeros(len(groups)))
    drawn = select(frame, plan, date.fromordinal(seed))
    return replace(rows.part(drawn.rows), weight=1 / drawn.probability), world.flagged[drawn.rows]


def _against_truth(rows: FraudRows, flagged: Array, truth: dict[str, float]) -> list[tuple[float, float, float]]:
    """Return whether the interval of each metric holds the truth, its width, and the error of the estimate."""
    replicates = rows.bootstrap(rows.ranking())
    of_ranking = None if replicates is None else replicates.intervals()["average_precision"]
    intervals = rows.flagged_intervals(flagged)[0], of_ranking
    values = rows.share(flagged, rows.is_fraud), rows.average_precision()
    return [
        _one(value or 0.0, interval, truth[name])
        for name, value, interval in zip(METRICS, values, intervals, strict=True)
    ]


def _one(value: float, interval: Interval | None, truth: float) -> tuple[float, float, float]:
    low, high = interval or (0.0, 0.0)
    return float(low <= truth <= high), high - low, value - truth
