"""How often a promised rate of false positives is exceeded: simulated calibration slices with campaigns."""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest

from benchmarks.runner import Bar, Report, progress
from fraudsieve._typing import Array
from fraudsieve.models.guarantees import allowed_false_positives
from fraudsieve.models.thresholds import Targets, operating_points

__all__ = ["MAX_SHARE", "RATE", "SCENARIOS", "Scenario", "guarantee", "lower_end"]

SLICES, RATE, MAX_SHARE = 2000, 0.01, 0.05
PROTOCOL: Final = (
    "{slices} simulated calibration slices a scenario, and 50 frauds in each. A campaign has a score (normal), the "
    "scores of its messages have a correlation of .9, and sizes have a Pareto tail. True rates at the threshold are "
    "computed, not drawn. exceeded: the share of slices in which the true rate over campaigns is above {rate:g}; .low: "
    "the lower end of its 95 % interval (Clopper and Pearson); false_positives: the mean true rate. rows: a threshold "
    "that lets {rate:g} of the legitimate messages pass (no guarantee); binomial_rows: the same bound over messages "
    "as if they were independent. messages.exceeded: the true rate over messages, for which nothing is promised."
)


class Scenario(NamedTuple):
    """A kind of calibration slice.

    Attributes
    ----------
    n_groups : int
        Legitimate campaigns.
    tail : float
        Exponent of the tail of the sizes; infinite for campaigns of one message.
    size_effect : float
        How much higher the scores of large campaigns are, per logarithm of the size.
    """

    n_groups: int
    tail: float = 1.2
    size_effect: float = 0.0


FEWEST: Final = next(n for n in range(1, 1000) if allowed_false_positives(n, RATE) >= 0)
SCENARIOS: Final = {
    "single": Scenario(1000, np.inf),
    "fewest": Scenario(FEWEST),
    "campaigns": Scenario(1000),
    "large_score_high": Scenario(1000, size_effect=0.3),
    "many": Scenario(4000),
}
CORRELATION, MAX_SIZE = 0.9, 500


def guarantee(slices: int = SLICES) -> Report:
    """Measure the coverage of promised rates.

    Parameters
    ----------
    slices : int, default=2000
        Simulated slices a scenario.

    Returns
    -------
    Report
    """
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {"rows": {}, "binomial_rows": {}}
    bars = []
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        progress(f"simulating {name}")
        rates = _true_rates(scenario, slices, np.random.default_rng(number))
        exceeded = {way: values > RATE for way, values in rates.items()}
        low = lower_end(int(exceeded["ours"].sum()), slices)
        figures |= {
            f"{name}.exceeded": float(exceeded["ours"].mean()),
            f"{name}.exceeded.low": low,
            f"{name}.false_positives": float(rates["ours"].mean()),
            f"{name}.messages.exceeded": float(exceeded["messages"].mean()),
        }
        for peer in peers:
            peers[peer][f"{name}.exceeded"] = float(exceeded[peer].mean())
        bars.append(Bar.at_most(f"{name}.exceeded.low", low, MAX_SHARE))
    protocol = PROTOCOL.format(slices=slices, rate=RATE)
    return Report("evaluation", "guarantee", protocol, slices * len(SCENARIOS), figures, peers=peers, bars=bars)


def _true_rates(scenario: Scenario, slices: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return the true rates at the thresholds of every slice."""
    rates = {way: np.empty(slices) for way in ("ours", "messages", "rows", "binomial_rows")}
    targets = Targets((RATE,))
    sizes, shares = _size_distribution(scenario.tail)
    for place in range(slices):
        score, groups = _legitimate(scenario, rng)
        probability = ndtr(np.append(score, rng.normal(3.0, 1.0, 50)) - 1)
        is_fraud = np.arange(len(probability)) >= len(score)
        every = np.append(groups, scenario.n_groups + np.arange(50))
        ours, binomial_rows = (
            next(point for point in operating_points(probability, is_fraud, targets, groups=given)).threshold
            for given in (every, None)
        )
        rows = np.sort(probability[~is_fraud])[::-1][int(RATE * len(score))]
        # A message of a campaign of size n has a normal score with this mean and a variance of one.
        means = scenario.size_effect * np.log(sizes)
        by_size = [1 - ndtr(ndtri(min(at, 1.0)) + 1 - means) for at in (ours, rows, binomial_rows)]
        over_campaigns = [float(shares @ values) for values in by_size]
        over_messages = float((shares * sizes) @ by_size[0] / (shares @ sizes))
        true_rates = (over_campaigns[0], over_messages, *over_campaigns[1:])
        for way, rate in zip(rates, true_rates, strict=True):
            rates[way][place] = rate
    return rates


def _legitimate(scenario: Scenario, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the scores of legitimate messages, and their campaigns."""
    sizes = np.ones(scenario.n_groups, np.int64)
    if np.isfinite(scenario.tail):
        sizes = np.minimum(rng.pareto(scenario.tail, scenario.n_groups) + 1, MAX_SIZE).astype(np.int64)
    centres = scenario.size_effect * np.log(sizes) + np.sqrt(CORRELATION) * rng.normal(size=scenario.n_groups)
    groups = np.repeat(np.arange(scenario.n_groups), sizes)
    return centres[groups] + np.sqrt(1 - CORRELATION) * rng.normal(size=len(groups)), groups


def _size_distribution(tail: float) -> tuple[Array, Array]:
    """Return the sizes of campaigns and the share of each."""
    sizes = np.arange(1, MAX_SIZE + 1)
    if not np.isfinite(tail):
        return sizes[:1], np.ones(1)
    at_least = np.append(sizes.astype(np.float64) ** -tail, 0.0)
    return sizes, at_least[:-1] - at_least[1:]


def lower_end(hits: int, n: int) -> float:
    """Return the lower end of the 95 % interval of a share (Clopper and Pearson)."""
    return float(binomtest(hits, n).proportion_ci(0.95).low)
