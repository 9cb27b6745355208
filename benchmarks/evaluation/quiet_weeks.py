"""How often each bound of ``fraudsieve monitor`` is exceeded in weeks without drift."""

from collections import Counter
from typing import Any, Final

import pandas as pd

from benchmarks.runner import Bar, Report, progress
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.monitoring.monitoring_run import monitor_tables
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.sections import MonitorRecipe
from fraudsieve.training.simulation.world import World, simulate
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split

__all__ = ["BOUNDS", "quiet_weeks"]

SEEDS: Final = 6
DAYS: Final = 180
TRAINED: Final = 110
"""Days before the reference week."""
WEEK: Final = pd.Timedelta(days=7)
REPLICATES: Final = 200
BOUNDS: Final = tuple(name for name in MonitorRecipe.model_fields if name.endswith(("psi", "rise")))
SUBJECTS: Final = {"messages": "message", "senders": "message", "accounts": "account"}
MAX_RATE: Final = 0.05
PROTOCOL: Final = (
    "{seeds} simulated worlds of {days} days without drift. Models are trained on the first {trained} days: of "
    "messages, of messages with the history of their senders, and of accounts. The week after that is the reference, "
    "and each later week is compared with it, with all labels; accounts as of the end of the week. KIND.BOUND: the "
    "share of these comparisons in which the bound is exceeded."
)


def quiet_weeks(seeds: int = SEEDS) -> Report:
    """Measure the rate of false alarms of each bound.

    Parameters
    ----------
    seeds : int, default=6
        Worlds.

    Returns
    -------
    Report
    """
    counts, weeks = Counter[str](), Counter[str]()
    for seed in range(seeds):
        world = simulate(seed=seed, days=DAYS, drift=False)
        for kind in SUBJECTS:
            progress(f"world {seed}: {kind}")
            for exceeded in _comparisons(world, kind):
                weeks[kind] += 1
                counts.update(f"{kind}.{bound}" for bound in exceeded)
    figures = {f"{kind}.{bound}": counts[f"{kind}.{bound}"] / weeks[kind] for kind in weeks for bound in BOUNDS}
    bars = [Bar.at_most(name, rate, MAX_RATE) for name, rate in figures.items()]
    protocol = PROTOCOL.format(seeds=seeds, days=DAYS, trained=TRAINED)
    return Report("evaluation", "quiet_weeks", protocol, weeks.total(), figures, bars=bars)


def _comparisons(world: World, kind: str) -> list[set[str]]:
    """Return the bounds that each week exceeds."""
    times = pd.to_datetime(world.messages["sent_at"], utc=True)
    start = times.min().normalize() + pd.Timedelta(days=TRAINED)
    events: dict[str, Any] = {} if kind == "messages" else {"events": world.events}
    labels = world.labels.assign(labelled_at=pd.to_datetime(world.labels["labelled_at"], utc=True))
    records = {"accounts": world.accounts} if kind == "accounts" else {"messages": world.messages[times < start]}
    recipe = Recipe.read(overrides={"data.subject": SUBJECTS[kind]})
    known = {**records, "labels": labels[labels["labelled_at"] < start], **events}
    data = read_data(recipe, known, min_label_rows=recipe.data.min_label_rows)
    groups, what = groups_of(data)
    model, *_ = fit_model(data, groups, choose_split(data, groups, what, recipe), recipe, lambda step: None)
    reference, *weeks = (_week(world, kind, times, start + i * WEEK) for i in range((DAYS - TRAINED) // 7))
    scorer, settings = Scorer(model), Recipe(monitor=MonitorRecipe(replicates=REPLICATES))
    reports = (monitor_tables(scorer, reference, week, labels=labels, recipe=settings, **events) for week in weeks)
    return [{bound.bound for bound in report.exceeded} for report in reports]


def _week(world: World, kind: str, times: "pd.Series[pd.Timestamp]", start: pd.Timestamp) -> pd.DataFrame:
    """Return the messages of a week, or all accounts at its end."""
    if kind != "accounts":
        return world.messages[(times >= start) & (times < start + WEEK)]
    is_there = pd.to_datetime(world.accounts["created_at"], utc=True) < start + WEEK
    return world.accounts[is_there].assign(as_of=start + WEEK)
