"""Alerts per day at a capacity threshold, on later messages of worlds that do not drift."""

import numpy as np
import pandas as pd

from benchmarks.runner import Bar, Report, progress
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split

__all__ = ["alerts_over_capacity", "capacity_world"]

SEEDS = 20
CAPACITY = 20.0
"""Alerts per day; the world has about as many fraudulent messages."""
MESSAGES_A_DAY = 160.0
WITHIN = 0.2
_PROTOCOL = (
    "{seeds} simulated worlds without drift (120 days, {messages:.0f} messages per day, a label delay of 5 days), "
    "split by time. The operating point of {capacity:.0f} alerts per day is chosen on the calibration slice. "
    "alerts.SEED: of all messages sent after the test slice begins, labelled or not, the number per day that reach it, "
    "over the capacity. within: share of the worlds that differ by at most {within:.0%}."
)


def capacity_world(seeds: int = SEEDS) -> Report:
    """Count alerts per day in worlds that do not drift."""
    ratio_by_seed = {}
    for seed in range(seeds):
        ratio_by_seed[seed] = alerts_over_capacity(seed)
        progress(f"world {seed}: {ratio_by_seed[seed]:.3f} of the capacity")
    ratios = np.array(list(ratio_by_seed.values()))
    deviations = np.abs(ratios - 1)
    figures = {f"alerts.{seed}": ratio for seed, ratio in ratio_by_seed.items()}
    figures |= {"alerts.mean": float(ratios.mean()), "alerts.median": float(np.median(ratios))}
    figures |= {"within": float((deviations <= WITHIN).mean()), "furthest": float(deviations.max())}
    bars = [
        Bar.at_most("mean_off", abs(figures["alerts.mean"] - 1), WITHIN),
        Bar.at_least("within", figures["within"], 1),
    ]
    protocol = _PROTOCOL.format(seeds=seeds, messages=MESSAGES_A_DAY, capacity=CAPACITY, within=WITHIN)
    return Report("evaluation", "world", protocol, seeds, figures, bars=bars)


def alerts_over_capacity(seed: int, *, days: int = 120, messages_a_day: float = MESSAGES_A_DAY) -> float:
    """Return the alerts per day at the capacity threshold on later messages of a world, divided by the capacity."""
    world = simulate(seed=seed, days=days, messages_per_day=messages_a_day, drift=False)
    recipe = Recipe.read(
        overrides={"thresholds": {"alerts_a_day": [CAPACITY], "decide_by": f"alerts_a_day_{CAPACITY:g}"}}
    )
    tables = {"messages": world.messages, "labels": world.labels}
    data = read_data(recipe, tables, min_label_rows=recipe.data.min_label_rows)
    groups, what = groups_of(data)
    split = choose_split(data, groups, what, recipe)
    model, *_ = fit_model(data, groups, split, recipe, lambda step: None)
    begin = data.rows["as_of"].iloc[split.test].min()
    later = world.messages[pd.to_datetime(world.messages["sent_at"], utc=True) >= begin]
    scores = Scorer(model).score_columns({"text": later["text"].tolist()})
    point = next(point for point in model.points if point.name == f"alerts_a_day_{CAPACITY:g}")
    window = pd.to_datetime(later["sent_at"], utc=True)
    alerts = float((scores["probability"] >= point.threshold).sum())
    return float(alerts / ((window.max() - window.min()) / pd.Timedelta(days=1)) / CAPACITY)
