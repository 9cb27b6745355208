"""How often watched promises cry wolf, and how soon they see a broken one: simulated worlds of 26 weeks."""

import json
import os
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import binom

from benchmarks.runner import Bar, Report, progress
from fraudsieve._typing import Array
from fraudsieve.live.promises import RATE, RECALL, DrawnDay, Promise, ReviewedDay
from fraudsieve.review.draw import Frame, ReviewPlan, select

__all__ = ["ARMS", "Arm", "promise"]

WORLDS: Final = 1_000
WEEKS: Final = 26
PROMISED: Final = {RATE: 0.01, RECALL: 0.6}
LEGITIMATE, FRAUDS, TAIL, MAX_SIZE, CORRELATION = 400, 10, 1.5, 20, 0.7
PLAN: Final = ReviewPlan(80, audit=0.4, near=0.1)
MAX_ALARMED: Final = 0.05
LEVEL, PSI, BINS = 0.05, 0.2, 10
FIRST_SEED: Final = 7
"""Stakes and the shared part were chosen on worlds with other seeds, of counts alone."""
THRESHOLD: Final = float(ndtri(1 - PROMISED[RATE]))
DISTANCE: Final = THRESHOLD + float(ndtri(PROMISED[RECALL]))
CBPE_WORLDS, CBPE_REFERENCE = 10, 8
NANNYML: Final = "NANNYML_PYTHON"
"""The environment variable with the interpreter of an environment that has NannyML."""
PROTOCOL: Final = (
    "{worlds:,} simulated worlds of {weeks} weeks an arm, and a fifth of them for later and bursts. A day has "
    "{legitimate} legitimate and {frauds} fraudulent campaigns on average, with a Pareto tail of sizes and a "
    "correlation of .7 in a campaign. `review draw` selects {n} records a day: {parts}. All of them get right labels. "
    "Promised: at most {rate:g} false positives over campaigns, and a recall of at least {recall:g}. at: both rates "
    "are what was promised; below: half as many false positives and missed frauds; doubled: twice as many; later: "
    "below for 13 weeks, then doubled; bursts: as promised on the mean, but each day has rates of its own, so that its "
    "campaigns are not independent. ever: the share of worlds with an alarm in the 26 weeks; too_early: with one "
    "before the change. days, weeks: the median time from the change to the alarm, of the worlds with one after it. "
    "binomial: every week, a one-sided binomial test at .05 on the same labels, weighted. psi: every week, a "
    "population stability index above .2 of the probabilities of all records, against a week as promised. cbpe: "
    "NannyML's estimates of recall and specificity without labels, every week, below its own threshold; {cbpe} worlds, "
    "and {reference} weeks as promised with all labels as the reference."
)


class Arm(NamedTuple):
    """A kind of world: how many times the promised false positives and missed frauds there are.

    Attributes
    ----------
    first, then : float
        In the first 13 weeks, and after them.
    spread : float
        Variance of the factor of a day.
    """

    first: float
    then: float
    spread: float = 0.0


ARMS: Final = {
    "at": Arm(1, 1),
    "below": Arm(0.5, 0.5),
    "doubled": Arm(2, 2),
    "later": Arm(0.5, 2),
    "bursts": Arm(1, 1, 0.25),
}


MAIN: Final = ("at", "below", "doubled")
"""Arms with all worlds; the others have a fifth of them."""


class _Day(NamedTuple):
    """The records of a day."""

    probability: Array
    is_fraud: Array
    groups: Array
    flagged: Array


def promise(worlds: int = WORLDS) -> Report:
    """Measure how often and how soon promises are found broken, beside other ways to see it.

    Parameters
    ----------
    worlds : int, default=1000
        Worlds an arm.

    Returns
    -------
    Report
    """
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {"binomial": {}, "psi": {}}
    for number, (name, arm) in enumerate(ARMS.items()):
        progress(f"worlds {name}")
        seeds = [[FIRST_SEED, number, world] for world in range(worlds if name in MAIN else worlds // 5)]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            alarms = list(pool.map(partial(_alarms, arm), seeds, chunksize=10))
        for way, of_way in {"e": figures, **peers}.items():
            for kind in PROMISED:
                days = np.array([one[way][kind] for one in alarms], np.float64)
                of_way |= {f"{name}.{kind}.{key}": value for key, value in _summary(days, arm).items()}
    cbpe = _cbpe()
    if cbpe:
        peers["cbpe"] = cbpe
    held = [f"{name}.{kind}.ever" for name in ("at", "below") for kind in PROMISED]
    bars = [Bar.at_most(key, figures[key], MAX_ALARMED) for key in held]
    n_worlds = sum(worlds if name in MAIN else worlds // 5 for name in ARMS)
    parts = ", ".join(f"{n} {part}" for part, n in PLAN.counts.items())
    protocol = PROTOCOL.format(
        worlds=worlds,
        weeks=WEEKS,
        legitimate=LEGITIMATE,
        frauds=FRAUDS,
        n=PLAN.capacity,
        parts=parts,
        rate=PROMISED[RATE],
        recall=PROMISED[RECALL],
        cbpe=CBPE_WORLDS,
        reference=CBPE_REFERENCE,
    )
    return Report("evaluation", "promise", protocol, n_worlds, figures, peers=peers, bars=bars)


def _summary(days: Array, arm: Arm) -> dict[str, float]:
    """Return the share of worlds with an alarm, and the time to it; days are infinite without one."""
    change = 0 if arm.first == arm.then else 7 * WEEKS // 2
    after = days[np.isfinite(days) & (days >= change)] + 1 - change
    found = {"ever": float(np.isfinite(days).mean())}
    if change:
        found["too_early"] = float((days < change).mean())
    if arm.then <= 1 or not len(after):
        return found
    median = float(np.median(after))
    return found | {"days": median, "weeks": median / 7}


def _day(rng: np.random.Generator, arm: Arm, number: int) -> _Day:
    counts = rng.poisson([LEGITIMATE, FRAUDS])
    is_fraud = np.repeat([False, True], counts)
    sizes = np.minimum(rng.pareto(TAIL, len(is_fraud)) + 1, MAX_SIZE).astype(np.int64)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    times = arm.first if number < 7 * WEEKS // 2 else arm.then
    factors = rng.gamma(1 / arm.spread, arm.spread, 2) if arm.spread else np.ones(2)
    rate = min(times * factors[0] * PROMISED[RATE], 0.5)
    missed = min(times * factors[1] * (1 - PROMISED[RECALL]), 1 - 1e-9)
    centres = THRESHOLD - np.where(is_fraud, ndtri(missed), ndtri(1 - rate))
    noise = np.sqrt(CORRELATION) * rng.normal(size=len(sizes))[groups]
    signal = centres[groups] + noise + np.sqrt(1 - CORRELATION) * rng.normal(size=len(groups))
    odds = DISTANCE * signal - DISTANCE**2 / 2 + np.log(FRAUDS / LEGITIMATE)
    return _Day(1 / (1 + np.exp(-odds)), is_fraud[groups], groups, signal >= THRESHOLD)


def _reviewed(day: _Day, number: int, seed: int) -> ReviewedDay:
    """Draw from a day as `review draw` does, and label what was drawn."""
    frame = Frame(day.probability, day.flagged, day.groups, np.zeros(len(day.groups)))
    drawn = select(frame, replace(PLAN, seed=seed), date.fromordinal(1 + number))
    rows = drawn.rows.tolist()
    keyed = {row: (row, chance) for row, chance in zip(rows, drawn.probability.tolist(), strict=True)}
    of_day = DrawnDay.of(_name(number), "", day.groups, day.flagged, keyed, drawn.covers)
    return of_day.review(dict(zip(rows, day.is_fraud[drawn.rows].tolist(), strict=True)))


def _name(number: int) -> str:
    return date.fromordinal(738_000 + number).isoformat()


def _alarms(arm: Arm, seed: list[int]) -> dict[str, dict[str, float]]:
    """Return the day of the first alarm, from 0, by the way it is found and by promise; infinite without one."""
    rng = np.random.default_rng(seed)
    of_week = np.concatenate([_day(rng, ARMS["at"], number).probability for number in range(7)])
    edges = np.quantile(of_week, np.arange(1, BINS) / BINS)
    expected = _shares(of_week, edges)
    promises = [Promise(kind, bound) for kind, bound in PROMISED.items()]
    found = {way: dict.fromkeys(PROMISED, np.inf) for way in ("e", "binomial", "psi")}
    week: list[ReviewedDay] = []
    probability: list[Array] = []
    for number in range(7 * WEEKS):
        day = _day(rng, arm, number)
        week.append(_reviewed(day, number, seed[-1]))
        probability.append(day.probability)
        promises = [one.bet(_name(number), week[-1]) for one in promises]
        seen = {("e", one.name): one.since is not None for one in promises}
        if number % 7 == 6:
            seen |= {("binomial", kind): value < LEVEL for kind, value in _binomial(week).items()}
            shares = _shares(np.concatenate(probability), edges)
            drifted = float(((shares - expected) * np.log(shares / expected)).sum()) > PSI
            seen |= {("psi", kind): drifted for kind in PROMISED}
            week, probability = [], []
        for (way, kind), is_alarm in seen.items():
            if is_alarm:
                found[way][kind] = min(found[way][kind], number)
    return found


def _binomial(week: list[ReviewedDay]) -> dict[str, float]:
    """Return the one-sided p values of a week, of weighted and rounded counts."""
    scored, flagged, certain, others, missed, _ = np.array(week).sum(axis=0)
    caught = max(flagged - certain - others, 0.0)
    n_frauds = round(caught + missed)
    of_rate = binom.sf(round(certain + others) - 1, int(scored), PROMISED[RATE])
    return {RATE: float(of_rate), RECALL: float(binom.cdf(round(caught), n_frauds, PROMISED[RECALL]))}


def _shares(values: Array, edges: Array) -> Array:
    return (np.bincount(edges.searchsorted(values), minlength=BINS) + 0.5) / (len(values) + BINS / 2)


SCRIPT: Final = """
import json, sys, warnings
warnings.filterwarnings("ignore")
import nannyml, pandas as pd
metrics = {"specificity": "false_positive_rate", "recall": "recall"}
alarms = []
for file in sys.argv[1:]:
    frame = pd.read_parquet(file)
    reference, analysis = frame[frame["week"] < 0], frame[frame["week"] >= 0]
    names = dict(y_pred_proba="probability", y_pred="flagged", y_true="is_fraud", timestamp_column_name="time")
    cbpe = nannyml.CBPE(problem_type="classification_binary", metrics=[*metrics], chunk_period="W", **names)
    found = cbpe.fit(reference).estimate(analysis).filter(period="analysis").to_df()
    one = {}
    for metric, kind in metrics.items():
        below = found[metric]["value"] < found[metric]["lower_threshold"]
        one[kind] = 7 * int(below.to_numpy().argmax()) + 6 if below.any() else None
    alarms.append(one)
print(json.dumps(alarms))
"""


def _cbpe() -> dict[str, float]:
    """Return the same figures of NannyML's estimates without labels; none without an interpreter that has it."""
    python = os.environ.get(NANNYML)
    if not python:
        return {}
    figures: dict[str, float] = {}
    for number, (name, arm) in enumerate(ARMS.items()):
        progress(f"CBPE {name}")
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for world in range(CBPE_WORLDS):
                files.append(str(Path(folder, f"{world}.parquet")))
                _table(arm, [FIRST_SEED, number, world]).to_parquet(files[-1])
            done = subprocess.run([python, "-c", SCRIPT, *files], capture_output=True, text=True, check=True)
        alarms = json.loads(done.stdout.splitlines()[-1])
        for kind in PROMISED:
            days = np.array([np.inf if one[kind] is None else one[kind] for one in alarms], np.float64)
            figures |= {f"{name}.{kind}.{key}": value for key, value in _summary(days, arm).items()}
    return figures


def _table(arm: Arm, seed: list[int]) -> pd.DataFrame:
    """Return the records of a world as a table, after reference weeks as promised."""
    rng, start = np.random.default_rng(seed), pd.Timestamp("2024-01-01")  # a Monday
    parts = []
    for number in range(-7 * CBPE_REFERENCE, 7 * WEEKS):
        day = _day(rng, ARMS["at"] if number < 0 else arm, max(number, 0))
        columns = {
            "probability": day.probability,
            "flagged": day.flagged.astype(int),
            "is_fraud": day.is_fraud.astype(int),
        }
        parts.append(pd.DataFrame(columns).assign(week=number // 7, time=start + pd.Timedelta(days=number)))
    return pd.concat(parts, ignore_index=True)
