"""How often shipped models exceed a promised rate of false positives: simulated trainings with a refit."""

from typing import Final, NamedTuple

import numpy as np

from benchmarks.evaluation.guarantee import MAX_SHARE, RATE, lower_end
from benchmarks.runner import Bar, Report, progress
from fraudsieve._typing import Array
from fraudsieve.models.calibration import Calibration, fit_calibration, probabilities
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.models.thresholds import Targets, operating_points
from fraudsieve.training.refit import RESERVE

__all__ = ["WORLDS", "World", "refits"]

REPEATS: Final = 300
CAMPAIGNS, FRAUDS, FRESH = 2500, 170, 10_000
COLUMNS, ROUNDS, TAIL, MAX_SIZE = 8, 150, 1.2, 200
TRAIN_UNTIL, CALIBRATE_UNTIL = 0.65, 0.8
PROTOCOL: Final = (
    "{repeats} simulated trainings a world, of {campaigns:,} legitimate and {frauds} fraudulent campaigns over time, "
    "with a Pareto tail of sizes and a correlation of .7 in a campaign. split: LightGBM of the first 65 %, calibrated "
    "on the next 15 %. ours: LightGBM of all rows, calibrated on the scores that the split's model gives to the last "
    "35 %. Rates are those of {fresh:,} later legitimate campaigns, one message of each. exceeded: the share of "
    "trainings whose rate at the point of {rate:g} is above it; .low: the lower end of its 95 % interval; "
    "observed_over_expected: the mean on later messages. drift: legitimate and fraudulent messages move over time."
)


class World(NamedTuple):
    """A kind of traffic.

    Attributes
    ----------
    drift : float
        How far a column of all messages moves over the period, and twice as far one of fraud, in standard deviations.
    """

    drift: float = 0.0


WORLDS: Final = {"still": World(), "drift": World(0.3)}


class _Messages(NamedTuple):
    X: Array
    groups: Array
    times: Array


def refits(repeats: int = REPEATS) -> Report:
    """Measure promised rates and calibration of models that have learned from all rows.

    Parameters
    ----------
    repeats : int, default=300
        Simulated trainings a world.

    Returns
    -------
    Report
    """
    figures: dict[str, float] = {}
    peer: dict[str, float] = {}
    bars = []
    for name, world in WORLDS.items():
        progress(f"training in a world of {name}")
        found = [_repeat(world, np.random.default_rng(seed)) for seed in range(repeats)]
        for model, into in (("ours", figures), ("split", peer)):
            rates = np.array([repeat[model][0] for repeat in found])
            exceeded = rates > RATE
            into |= {
                f"{name}.exceeded": float(exceeded.mean()),
                f"{name}.exceeded.low": lower_end(int(exceeded.sum()), repeats),
                f"{name}.false_positives": float(rates.mean()),
                f"{name}.observed_over_expected": float(np.mean([repeat[model][1] for repeat in found])),
            }
        bars.append(Bar.at_most(f"{name}.exceeded.low", figures[f"{name}.exceeded.low"], MAX_SHARE))
    facts = {"campaigns": CAMPAIGNS, "frauds": FRAUDS, "fresh": FRESH, "rate": RATE}
    protocol = PROTOCOL.format(repeats=repeats, **facts)
    return Report("evaluation", "refits", protocol, repeats * len(WORLDS), figures, peers={"split": peer}, bars=bars)


def _repeat(world: World, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Return the rate of false positives and observed over expected fraud of both models on later messages."""
    clean, fraud = (_campaigns(world, n, is_fraud, rng.random(n), rng) for n, is_fraud in ((CAMPAIGNS, 0), (FRAUDS, 1)))
    X, times = np.vstack([clean.X, fraud.X]), np.append(clean.times, fraud.times)
    y, groups = np.repeat([0, 1], [len(clean.X), len(fraud.X)]), np.append(clean.groups, CAMPAIGNS + fraud.groups)
    early, forward = times < TRAIN_UNTIL, times >= TRAIN_UNTIL
    calibrating = forward & (times < CALIBRATE_UNTIL)
    split, shipped = _grow(X[early], y[early]), _grow(X, y)
    later = [_campaigns(world, n, is_fraud, np.ones(n), rng) for n, is_fraud in ((FRESH, 0), (FRESH // 15, 1))]
    answers = {}
    for name, model, rows in (("ours", shipped, forward), ("split", split, calibrating)):
        reserve = RESERVE if name == "ours" else 0.0
        calibration, threshold = _choose(split.ensemble_.log_odds(X[rows]), y[rows], groups[rows], reserve)
        of_clean, of_fraud = (_scores(model, calibration, part.X) for part in later)
        first = np.unique(later[0].groups, return_index=True)[1]
        rate = float((of_clean[first] >= threshold).mean())
        answers[name] = rate, len(of_fraud) / float(of_clean.sum() + of_fraud.sum())
    return answers


def _campaigns(world: World, n: int, is_fraud: int, times: Array, rng: np.random.Generator) -> _Messages:
    centres = rng.normal(size=(n, COLUMNS))
    centres[:, :3] += 1.2 * is_fraud
    centres[:, 4] += world.drift * times
    centres[:, 5] += 2 * world.drift * times * is_fraud
    sizes = np.minimum(rng.pareto(TAIL, n) + 1, MAX_SIZE).astype(np.int64)
    groups = np.repeat(np.arange(n), sizes)
    noise = rng.normal(size=(len(groups), COLUMNS))
    return _Messages(np.sqrt(0.7) * centres[groups] + np.sqrt(0.3) * noise, groups, times[groups])


def _grow(X: Array, y: Array) -> FraudClassifier:
    return FraudClassifier(n_rounds=ROUNDS, learning_rate=0.03, min_leaf_weight=1.0, min_leaf_rows=20, n_jobs=1).fit(
        X, y
    )


def _choose(log_odds: Array, y: Array, groups: Array, reserve: float) -> tuple[Calibration, float]:
    calibration = fit_calibration(log_odds, y)
    fraud = probabilities(calibration.apply(log_odds))[:, 1]
    points = operating_points(fraud, y == 1, Targets((RATE,), reserve=reserve), groups=groups)
    return calibration, next(point.threshold for point in points if point.max_false_positive_rate == RATE)


def _scores(model: FraudClassifier, calibration: Calibration, X: Array) -> Array:
    return np.asarray(probabilities(calibration.apply(model.ensemble_.log_odds(X)))[:, 1])
