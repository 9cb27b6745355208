"""How often the intervals of a rehearsal hold the truth, and when it refuses: simulated quarters, again and again."""

from datetime import date
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from benchmarks.runner import Bar, Report, progress
from fraudsieve._typing import Array
from fraudsieve.retrain.rehearsal import MIN_AUDITS, ReviewedRecords, compare_frauds
from fraudsieve.review.draw import Frame, ReviewPlan, select

__all__ = ["AUDITS", "REFUSED", "WORLDS", "World", "rehearsal"]

REPEATS = 200
CAMPAIGNS, FRAUDS, TAIL, MAX_SIZE, WEEKS = 120_000, 3_000, 2.0, 20, 13
ALERTS, DISTANCE, AGREEMENT, REPORTED = 0.03, 2.5, 0.8, 0.3
COVERAGE: Final = 0.92
USUALLY: Final = 0.5
"""The share of the quarters in which a measure must be shown so that its coverage is judged."""
FIRST_SEED: Final = 100
"""The intervals were chosen on quarters with smaller seeds."""
AUDITS: Final = (0.01, 0.02, 0.05)
"""Shares of the campaigns that pass of which one record is audited each week."""
MEASURES: Final = ("frauds", "false_alarms", "amount")
PROTOCOL: Final = (
    "{repeats} simulated quarters a world and audit, each of {campaigns:,} legitimate and {frauds:,} fraudulent "
    "campaigns with a Pareto tail of sizes, a correlation of .7 in a campaign and log-normal amounts. The scores of "
    "the old and the new model have a correlation of {agreement}, and each flags the {alerts:.0%} of the records with "
    "its highest scores. All alerts of the old one are reviewed, and every week one record of a share of the campaigns "
    "that pass, both as `review draw` selects them. Of the frauds that pass, {reported:.0%} are reported without a "
    "review. The truth is "
    "that of all records. shown: the share of the quarters in which there are at least {audits} effective audits; "
    "covered: of these, the share in which the 95 % interval of the difference holds it, judged if at least half are "
    "shown; width: its mean width; error and rmse: of the estimate. naive: labelled records alone are counted, each "
    "once. new: a fifth of the fraudulent campaigns scores as legitimate ones do with the old model. same: no model is "
    "better. few: the new policy is the old one with 100 alerts more. none: there is no audit."
)


class World(NamedTuple):
    """A kind of traffic, and of a new model.

    Attributes
    ----------
    distance : float
        How far fraud is from legitimate records for the new model.
    new : float
        The share of the fraudulent campaigns that score as legitimate ones do with the old model.
    more : int
        Instead of a new model, how many more records the old one flags.
    """

    distance: float = 3.0
    new: float = 0.0
    more: int = 0


WORLDS: Final = {"known": World(), "new": World(new=0.2), "same": World(distance=DISTANCE)}
REFUSED: Final = {"few": (World(more=100), 0.02), "none": (World(), 0.0)}
"""Worlds that must be refused, and the share of campaigns that is audited in each."""


def rehearsal(repeats: int = REPEATS) -> Report:
    """Measure the intervals of differences in frauds found, false alarms and amounts, and refusals.

    Parameters
    ----------
    repeats : int, default=200
        Quarters a world and audit.

    Returns
    -------
    Report
    """
    figures: dict[str, float] = {}
    naive: dict[str, float] = {}
    bars = []
    for setting, ((name, world), share) in enumerate(product(WORLDS.items(), AUDITS)):
        progress(f"auditing {share:.0%} of the {name} world")
        head = f"{name}.{share:g}"
        found, of_naive = measure(world, share, repeats, FIRST_SEED + setting)
        figures |= {f"{head}.{key}": value for key, value in found.items()}
        naive |= {f"{head}.{key}": value for key, value in of_naive.items()}
        for key in (f"{head}.{one}" for one in MEASURES if figures[f"{head}.{one}.shown"] >= USUALLY):
            bars.append(Bar.at_least(f"{key}.covered", figures[f"{key}.covered"], COVERAGE))
    for setting, (name, (world, share)) in enumerate(REFUSED.items()):
        progress(f"the {name} world")
        figures[f"{name}.refused"] = 1 - measure(world, share, repeats, FIRST_SEED - 1 - setting)[0]["frauds.shown"]
        bars.append(Bar.at_least(f"{name}.refused", figures[f"{name}.refused"], 1.0))
    facts = {"campaigns": CAMPAIGNS, "frauds": FRAUDS, "alerts": ALERTS, "agreement": AGREEMENT, "reported": REPORTED}
    protocol = PROTOCOL.format(repeats=repeats, audits=MIN_AUDITS, **facts)
    n_quarters = repeats * (len(WORLDS) * len(AUDITS) + len(REFUSED))
    return Report("evaluation", "rehearsal", protocol, n_quarters, figures, peers={"naive": naive}, bars=bars)


def measure(world: World, share: float, repeats: int, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return how often quarters are shown, and coverage, width and errors of each measure; also those of the naive."""
    rows, of_naive = [], []
    for number in range(repeats):
        records, is_fraud = _quarter(world, share, np.random.default_rng([number, seed]), seed)
        change, ones = records.is_flagged * 1.0 - records.was_flagged, np.ones(len(is_fraud))
        row: list[float] = []
        one: list[float] = []
        for fraud, truths, worth in (
            (records.fraud, is_fraud, ones),
            (1 - records.fraud, ~is_fraud, ones),
            (records.fraud, is_fraud, records.worth),
        ):
            truth = float((worth * truths) @ change)
            found, audits = compare_frauds(records._replace(fraud=fraud, worth=worth))
            error, of_counted = found.difference - truth, float((worth * np.nan_to_num(fraud)) @ change) - truth
            is_shown = audits >= MIN_AUDITS
            row += [is_shown, found.low <= truth <= found.high, found.high - found.low, error, error**2]
            one += [of_counted, of_counted**2]
        rows.append(row)
        of_naive.append(one)
    figures = _means(rows, ("shown", "covered", "width", "error", "square"))
    return figures, _means(of_naive, ("error", "square"))


def _means(rows: list[list[float]], parts: tuple[str, ...]) -> dict[str, float]:
    """Return the means of each part of each measure, over the quarters in which it is shown."""
    figures: dict[str, float] = {}
    for measure, columns in zip(MEASURES, np.split(np.array(rows), len(MEASURES), axis=1), strict=True):
        is_shown = columns[:, 0] > 0 if parts[0] == "shown" else np.ones(len(columns), np.bool_)
        found = {"shown": float(is_shown.mean())} if parts[0] == "shown" else {}
        if is_shown.any():
            found = dict(zip(parts, columns[is_shown].mean(axis=0).tolist(), strict=True)) | found
            found["rmse"] = found.pop("square") ** 0.5
        figures |= {f"{measure}.{part}": value for part, value in found.items()}
    return figures


def _quarter(world: World, share: float, rng: np.random.Generator, seed: int) -> tuple[ReviewedRecords, Array]:
    """Return the records of a quarter with what is known of them, and the truth."""
    fraudulent = np.repeat([False, True], [CAMPAIGNS, FRAUDS])
    sizes = np.minimum(rng.pareto(TAIL, len(fraudulent)) + 1, MAX_SIZE).astype(np.int64)
    groups, week = np.repeat(np.arange(len(sizes)), sizes), rng.integers(0, WEEKS, len(sizes))
    is_fraud = fraudulent[groups]
    known = (fraudulent & (rng.random(len(sizes)) >= world.new))[groups]
    parts = (np.sqrt(0.7), _noise(rng, len(sizes))[:, groups]), (np.sqrt(0.3), _noise(rng, len(groups)))
    of_old, of_new = sum(scale * noise for scale, noise in parts)
    probability = _probability(of_old + DISTANCE * known, DISTANCE)
    other = probability if world.more else _probability(of_new + world.distance * is_fraud, world.distance)
    n_alerts = round(ALERTS * len(groups))
    was = probability >= np.partition(probability, -n_alerts)[-n_alerts]
    now = other >= np.partition(other, -n_alerts - world.more)[-n_alerts - world.more]
    inclusion = np.full(len(groups), np.nan)
    for number in range(WEEKS):
        rows = np.flatnonzero(week[groups] == number)
        n_alerts = int(was[rows].sum())
        n_audit = round(share * len(np.unique(groups[rows][~was[rows]])))
        frame = Frame(probability[rows], was[rows], groups[rows], np.zeros(len(rows)))
        plan = ReviewPlan(n_alerts + n_audit, n_audit / (n_alerts + n_audit), seed=int(rng.integers(2**31)))
        drawn = select(frame, plan, date.fromordinal(seed))
        inclusion[rows[drawn.rows]] = drawn.probability
    fraud = np.where(~np.isnan(inclusion), is_fraud, np.nan)
    fraud[is_fraud & ~was & (rng.random(len(groups)) < REPORTED)] = 1.0
    amounts = rng.lognormal(0.0, 1.0, len(groups))
    return ReviewedRecords(was, now, probability, fraud, inclusion, groups, amounts), is_fraud


def _noise(rng: np.random.Generator, n: int) -> Array:
    """Return the normal noise of both models, of shape (2, n)."""
    common, own = rng.normal(size=n), rng.normal(size=(2, n))
    return np.asarray(np.sqrt(AGREEMENT) * common + np.sqrt(1 - AGREEMENT) * own)


def _probability(signal: Array, distance: float) -> Array:
    """Return the probability of fraud by a signal."""
    prior = np.log(FRAUDS / CAMPAIGNS)
    return np.asarray(1 / (1 + np.exp(-(distance * signal - distance**2 / 2 + prior))))
