"""How often weighted intervals hold the truth: simulated alerts and audits of the same traffic, again and again."""

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from benchmarks.runner import Bar, Report, progress
from fraudsieve._typing import Array
from fraudsieve.models.guarantees import draw_of_groups
from fraudsieve.review.draw import Frame, ReviewPlan, select
from fraudsieve.review.planning import half_width
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
WIDTHS_BEFORE: Final = {
    "known": (0.534, 0.360),
    "new": (0.550, 0.387),
    "squared": (0.531, 0.357),
    "rooted": (0.533, 0.359),
    "halved": (0.646, 0.432),
}
"""Widths of the intervals of both metrics in these worlds before audits were drawn by probability, with 5 %."""
METRICS: Final = ("recall", "average_precision")
MEASURES: Final = ("covered", "width", "error", "square")
PROTOCOL: Final = (
    "{repeats:,} simulated worlds a traffic and audit, each of {campaigns:,} legitimate and {frauds} fraudulent "
    "campaigns with a Pareto tail of sizes and a correlation of .7 in a campaign. The {alerts:.0%} of the records with "
    "the highest scores are alerts, and the audit is one record of a share of the campaigns that pass, both as `review "
    "draw` selects them. The truth is that of all records of the world. covered: the share of 95 % intervals of "
    "{replicates} replicates that hold it; width: their mean width; error: the mean of the estimate less the truth; "
    "rmse: the root of its mean square; spread: the width of the middle 95 % of these errors, which intervals have if "
    "their distribution is known; planned: the width that `review plan` expects; missed: frauds in the audit. uniform: "
    "an audit in which campaigns have equal "
    "probabilities. plain: without weights. new: a fifth of the fraudulent campaigns scores as legitimate ones do. "
    "squared, rooted: the model states the square or the root of the probability. halved: half of the frauds, of which "
    "the model does not know."
)


class Traffic(NamedTuple):
    """A kind of traffic.

    Attributes
    ----------
    new : float
        The share of the fraudulent campaigns that score as legitimate ones do.
    power : float
        The power of the right probability that the model states.
    frauds : float
        Fraudulent campaigns for each that the model expects.
    """

    new: float = 0.0
    power: float = 1.0
    frauds: float = 1.0


TRAFFIC: Final = {
    "known": Traffic(),
    "new": Traffic(0.2),
    "squared": Traffic(power=2),
    "rooted": Traffic(power=0.5),
    "halved": Traffic(frauds=0.5),
}


class _World(NamedTuple):
    """All records, whether each is an alert, and the truth about the model."""

    rows: FraudRows
    flagged: Array
    truth: dict[str, float]


def weighted(repeats: int = REPEATS) -> Report:
    """Measure the intervals of recall and average precision, with weights and without, and the missed frauds seen.

    Parameters
    ----------
    repeats : int, default=1000
        Worlds a traffic and audit.

    Returns
    -------
    Report
    """
    arms: dict[str, dict[str, float]] = {"weighted": {}, "uniform": {}, "plain": {}}
    figures, bars = arms["weighted"], []
    for setting, ((name, traffic), share) in enumerate(product(TRAFFIC.items(), AUDITS)):
        progress(f"auditing {share:.0%} of {name} traffic")
        head = f"{name}.{share:g}"
        for arm, found in _coverage(traffic, share, repeats, 2 * setting + FIRST_SEED).items():
            arms[arm] |= {f"{head}.{key}": value for key, value in found.items()}
        covered = (f"{head}.{metric}.covered" for metric in METRICS)
        bars += [Bar.at_least(key, figures[key], COVERAGE) for key in covered]
        if share == AUDITS[-1]:
            at_most = 0.5 if name == "known" else 0.75
            for metric, before in zip(METRICS, WIDTHS_BEFORE[name], strict=True):
                key = f"{head}.{metric}.width"
                bars.append(Bar.at_most(key, figures[key], at_most * before))
        if traffic.power == 1:
            bars.append(
                Bar.at_least(f"{head}.missed", figures[f"{head}.missed"], 2 * arms["uniform"][f"{head}.missed"])
            )
    facts = {"campaigns": CAMPAIGNS, "frauds": FRAUDS, "alerts": ALERTS, "replicates": REPLICATES}
    protocol = PROTOCOL.format(repeats=repeats, **facts)
    n_draws = repeats * len(TRAFFIC) * len(AUDITS)
    return Report(
        "evaluation",
        "weighted",
        protocol,
        n_draws,
        figures,
        peers={arm: arms[arm] for arm in ("uniform", "plain")},
        bars=bars,
    )


def _coverage(traffic: Traffic, share: float, repeats: int, seed: int) -> dict[str, dict[str, float]]:
    """Return coverage, width and error of each metric by arm, and the missed frauds in the audit."""
    found: dict[str, list[list[float]]] = {"weighted": [], "uniform": [], "plain": []}
    planned = []
    for number in range(repeats):
        world = _world(traffic, np.random.default_rng([number, seed]))
        planned.append(2 * half_width(*_frame(world, share)))
        rows, flagged = _labelled(world, share, number, seed + 1)
        of_arms = {"weighted": (rows, flagged), "uniform": _uniform(world, share, number, seed + 1)}
        for arm, (drawn, alerts) in {**of_arms, "plain": (rows.plain, flagged)}.items():
            metrics = [value for one in _against_truth(drawn, alerts, world.truth) for value in one]
            found[arm].append([*metrics, float((drawn.is_fraud & ~alerts).sum())])
    keys = [*(f"{metric}.{measure}" for metric in METRICS for measure in MEASURES), "missed"]
    means = {arm: dict(zip(keys, np.mean(values, axis=0).tolist(), strict=True)) for arm, values in found.items()}
    for arm, of_arm in means.items():
        of_arm |= {f"{metric}.rmse": of_arm.pop(f"{metric}.square") ** 0.5 for metric in METRICS}
        errors = np.array(found[arm])[:, [keys.index(f"{metric}.error") for metric in METRICS]]
        spreads = np.diff(np.quantile(errors, [0.025, 0.975], axis=0), axis=0)[0].tolist()
        of_arm |= {f"{metric}.spread": spread for metric, spread in zip(METRICS, spreads, strict=True)}
    means["weighted"]["recall.planned"] = float(np.mean(planned))
    return means


def _world(traffic: Traffic, rng: np.random.Generator) -> _World:
    is_fraud = np.repeat([False, True], [CAMPAIGNS, round(traffic.frauds * FRAUDS)])
    known = is_fraud & (rng.random(len(is_fraud)) >= traffic.new)
    sizes = np.minimum(rng.pareto(TAIL, len(is_fraud)) + 1, MAX_SIZE).astype(np.int64)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.normal(size=len(sizes)) * np.sqrt(0.7) + DISTANCE * known
    signal = centres[groups] + np.sqrt(0.3) * rng.normal(size=len(groups))
    prior = np.log(FRAUDS / CAMPAIGNS)
    probability = (1 / (1 + np.exp(-(DISTANCE * signal - DISTANCE**2 / 2 + prior)))) ** traffic.power
    rows = FraudRows(probability, is_fraud[groups], groups, REPLICATES)
    flagged = probability >= np.quantile(probability, 1 - ALERTS)
    truth = rows.share(flagged, rows.is_fraud), rows.average_precision()
    return _World(rows, flagged, {name: value or 0.0 for name, value in zip(METRICS, truth, strict=True)})


def _labelled(world: _World, share: float, number: int, seed: int) -> tuple[FraudRows, Array]:
    """Return the alerts, and one passed record of some campaigns, with their weights; and which of them are alerts.

    The draw has the random numbers of ``default_rng([number, seed])``.
    """
    (frame, n_audit), n_alerts = _frame(world, share), int(world.flagged.sum())
    plan = ReviewPlan(n_alerts + n_audit, n_audit / (n_alerts + n_audit), seed=number)
    drawn = select(frame, plan, date.fromordinal(seed))
    return replace(world.rows.part(drawn.rows), weight=1 / drawn.probability), world.flagged[drawn.rows]


def _uniform(world: _World, share: float, number: int, seed: int) -> tuple[FraudRows, Array]:
    """Return the same of campaigns with equal probabilities."""
    rows, (frame, n_audit) = world.rows, _frame(world, share)
    groups = frame.groups
    rest, rng = np.flatnonzero(~world.flagged), np.random.default_rng([number, seed])
    size = np.bincount(groups[rest])
    one_of_each = rest[draw_of_groups(groups[rest], int(rng.integers(2**63)))]
    audit = rng.choice(one_of_each, n_audit, replace=False)
    alerts = np.flatnonzero(world.flagged)
    weight = np.concatenate([np.ones(len(alerts)), size[groups[audit]] * len(one_of_each) / n_audit])
    drawn = np.concatenate([alerts, audit])
    return replace(rows.part(drawn), weight=weight), world.flagged[drawn]


def _frame(world: _World, share: float) -> tuple[Frame, int]:
    """Return the frame of the draw, and how many campaigns of passed records are audited."""
    rows = world.rows
    groups = np.arange(len(rows.is_fraud)) if rows.groups is None else rows.groups
    n_audit = round(share * len(np.unique(groups[~world.flagged])))
    return Frame(rows.probability, world.flagged, groups, np.zeros(len(groups))), n_audit


def _against_truth(rows: FraudRows, flagged: Array, truth: dict[str, float]) -> list[tuple[float, ...]]:
    """Return whether each interval holds the truth, its width, and the error of the estimate and its square."""
    replicates = rows.bootstrap(rows.ranking())
    of_ranking = None if replicates is None else replicates.intervals()["average_precision"]
    intervals = rows.flagged_intervals(flagged)[0], of_ranking
    values = rows.share(flagged, rows.is_fraud), rows.average_precision()
    return [
        _one(value or 0.0, interval, truth[name])
        for name, value, interval in zip(METRICS, values, intervals, strict=True)
    ]


def _one(value: float, interval: Interval | None, truth: float) -> tuple[float, ...]:
    low, high = interval or (0.0, 0.0)
    return float(low <= truth <= high), high - low, value - truth, (value - truth) ** 2
