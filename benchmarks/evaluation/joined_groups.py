"""What a column should do to campaigns and accounts: promises and intervals over several ways to join them."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtr, ndtri

from benchmarks.runner import Bar, Report, progress
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.models.guarantees import allowed_false_positives, draw_of_groups
from fraudsieve.training.data.groups import row_groups
from fraudsieve.training.evaluation.bootstrap import draw_weights

__all__ = ["SCENARIOS", "Scenario", "joined_groups"]

WORLDS, DRAWN, REPLICATES, RATE, MAX_EXCEEDED = 400, 100, 200, 0.05, 0.05
OF_VALUE, OF_UNIT = 0.5, 0.3
PROTOCOL: Final = (
    "{worlds} simulated worlds a scenario, of 3,000 legitimate records. Half of the variance of a score is that of its "
    "value of the column, .3 that of its campaign or account, and the rest its own. exceeded: the share of worlds in "
    "which the true rate at the threshold for a promised rate of {rate:g} is above it (of those in which it can be "
    "promised: promised); holds: the share of 95 % intervals of the rate that hold the true one, in {drawn} worlds; "
    "groups: how many there are. units: campaigns or accounts without the column; values: the column alone; "
    "components: the connected components of both."
)


class Scenario(NamedTuple):
    """A kind of table: the number of values, the tail of their sizes, the units, and how units lie across values."""

    subject: str
    n_values: int
    tail: float
    # Units of each value; 0 for a unit of every record.
    n_inside: int
    # Share of the records of units that lie across values, and the number of these units; 0 for units that have this
    # share of their records at other values.
    crossing: float
    n_crossing: int


SCENARIOS: Final = {
    "sites": Scenario("message", 1500, 0.7, 8, 0.05, 40),
    "videos": Scenario("message", 150, 0.5, 0, 0.15, 100),
    "reporters": Scenario("message", 2000, 0.0, 0, 0.6, 300),
    "branches": Scenario("event", 150, 0.0, 7, 0.05, 0),
    "merchants": Scenario("event", 150, 0.5, 1, 1.0, 1000),
    "cards": Scenario("event", 1500, 0.0, 1, 1.0, 500),
}


def joined_groups(worlds: int = WORLDS) -> Report:
    """Measure promises and intervals over groups.

    Parameters
    ----------
    worlds : int, default=400
        Simulated worlds a scenario.

    Returns
    -------
    Report
    """
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {"units": {}, "values": {}, "components": {}}
    bars = []
    for name, scenario in SCENARIOS.items():
        progress(f"simulating {name}")
        found = _measure(scenario, worlds)
        figures |= {f"{name}.{figure}": value for figure, value in found["ours"].items()}
        for peer, of_peer in peers.items():
            of_peer |= {f"{name}.{figure}": value for figure, value in found[peer].items()}
        error = 2 * np.sqrt(MAX_EXCEEDED * (1 - MAX_EXCEEDED) / worlds)
        bars.append(Bar.at_most(f"{name}.exceeded", found["ours"]["exceeded"], MAX_EXCEEDED + float(error)))
    protocol = PROTOCOL.format(worlds=worlds, rate=RATE, drawn=min(DRAWN, worlds))
    return Report("evaluation", "groups", protocol, worlds * len(SCENARIOS), figures, peers=peers, bars=bars)


def _measure(scenario: Scenario, worlds: int) -> dict[str, dict[str, float]]:
    ways: dict[str, Callable[[pd.DataFrame, Array, Array], Array]] = {
        "ours": lambda rows, units, values: row_groups(rows, Subject(scenario.subject), "value")[0],
        "units": lambda rows, units, values: units,
        "values": lambda rows, units, values: values,
        "components": lambda rows, units, values: _components(units, values),
    }
    counts: dict[str, list[tuple[float, float, float, float]]] = {way: [] for way in ways}
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        rows, units, values = _world(scenario, rng)
        noise = rng.normal(size=len(rows)) * np.sqrt(1 - OF_VALUE - OF_UNIT)
        effects = [np.sqrt(share) * rng.normal(size=n)[codes] for share, n, codes in _effects(units, values)]
        score = noise + effects[0] + effects[1]
        for way, groups_by in ways.items():
            groups = groups_by(rows, units, values)
            drawn = draw_of_groups(groups, seed)
            allowed = allowed_false_positives(len(drawn), RATE)
            exceeded = float(ndtr(-np.sort(score[drawn])[::-1][allowed]) > RATE) if allowed >= 0 else np.nan
            holds = _holds(score, groups, seed) if seed < DRAWN else np.nan
            counts[way].append((len(drawn), float(allowed >= 0), exceeded, holds))
    means = {way: [_mean(column) for column in np.array(of_way).T] for way, of_way in counts.items()}
    names = ("groups", "promised", "exceeded", "holds")
    return {way: dict(zip(names, of_way, strict=True)) for way, of_way in means.items()}


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _effects(units: Array, values: Array) -> list[tuple[float, int, Array]]:
    return [(OF_VALUE, int(values.max()) + 1, values), (OF_UNIT, int(units.max()) + 1, units)]


def _holds(score: Array, groups: Array, seed: int) -> float:
    """Return whether the interval of the rate at a fixed threshold holds the true one."""
    hits = (score > ndtri(1 - RATE)).astype(np.float64)
    rates = [(weights @ hits) / weights.sum() for weights in draw_weights(groups, REPLICATES, seed)]
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low <= RATE <= high)


def _world(scenario: Scenario, rng: np.random.Generator, n: int = 3000) -> tuple[pd.DataFrame, Array, Array]:
    """Return rows with a column ``value``, and the codes of their units and values."""
    shares = (1.0 + np.arange(scenario.n_values)) ** -scenario.tail
    values = rng.choice(scenario.n_values, n, p=shares / shares.sum())
    inside = values * max(scenario.n_inside, 1) + rng.integers(0, max(scenario.n_inside, 1), n)
    first = scenario.n_values * max(scenario.n_inside, 1) if scenario.n_inside else n
    units = inside if scenario.n_inside else np.arange(n)
    across = rng.random(n) < scenario.crossing
    if scenario.n_crossing:
        units = np.where(across, first + rng.integers(0, scenario.n_crossing, n), units)
    else:
        values = np.where(across, rng.choice(scenario.n_values, n, p=shares / shares.sum()), values)
    units = np.unique(units, return_inverse=True)[1]
    words = rng.integers(97, 123, (int(units.max()) + 1, 40)).astype(np.uint8)
    texts = [row.tobytes().decode() for row in words]  # those of one unit are equal
    name = "text" if scenario.subject == "message" else "account_id"
    return pd.DataFrame({name: [texts[unit] for unit in units], "value": values}), units, values


def _components(units: Array, values: Array) -> Array:
    n_units = int(units.max()) + 1
    n = n_units + int(values.max()) + 1
    graph = coo_array((np.ones(len(units)), (units, n_units + values)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1][units])
