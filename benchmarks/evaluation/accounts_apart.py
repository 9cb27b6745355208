"""What accounts on both sides of a split in time flatter: the metric of the split, and that of a later period."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from benchmarks.data.location import load_accounts
from benchmarks.runner import Report, progress
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.accounts_events import load_events
from fraudsieve.training.data.builders import groups_of, scores_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split

__all__ = ["accounts_apart"]

LATER_SHARE = 0.25
FDH_DAYS, FDH_ACCOUNTS = 100, 2000
_PROTOCOL = (
    "Events in order of time. The last quarter is a later period that no split sees. On the rest, the default split by "
    "time, once with the past of accounts that are robbed in a later slice (together), once without it (apart). "
    "average_precision: on the test slice of the split; later: of the same model on the later period; flatters: the "
    "first less the second. Recipe() otherwise. {note}"
)


def accounts_apart(name: str) -> Report:
    """Train with accounts together and apart, and score the split's test slice and a later period.

    Parameters
    ----------
    name : {"fdh_cards", "s_ffsd", "world"}
        The set.

    Returns
    -------
    Report
    """
    events, note = SETS[name]()
    data = load_events(events, min_label_rows=2)
    order = data.rows["as_of"].argsort(kind="stable").to_numpy()
    cut = int((1 - LATER_SHARE) * len(order))
    earlier, later = np.sort(order[:cut]).astype(np.int64), np.sort(order[cut:]).astype(np.int64)
    figures: dict[str, float] = {}
    for how, apart in (("together", False), ("apart", True)):
        recipe = Recipe.model_validate({"split": {"kind": "time", "accounts_apart": apart}})
        figures |= {f"{how}.{part}": value for part, value in _measure(data, earlier, later, recipe).items()}
        progress(f"{how}: {figures[f'{how}.average_precision']:.4f}, later {figures[f'{how}.later']:.4f}")
    return Report("evaluation", f"{name}, accounts apart", _PROTOCOL.format(note=note), len(data.rows), figures)


def _measure(
    data: LabelledData, earlier: NDArray[np.int64], later: NDArray[np.int64], recipe: Recipe
) -> dict[str, float]:
    known = replace(data, rows=data.rows.iloc[earlier].reset_index(drop=True))
    groups, group_kind = groups_of(known)
    split = choose_split(known, groups, group_kind, recipe)
    model, builder, _ = fit_model(known, groups, split, recipe, lambda step: None)
    parts = {"average_precision": known.rows.iloc[split.test], "later": data.rows.iloc[later]}
    found = {}
    for name, rows in parts.items():
        scores = scores_of(Scorer(model), rows, builder)["probability"]
        found[name] = float(average_precision_score(rows["label"] != "legitimate", scores))
    return found | {
        "flatters": found["average_precision"] - found["later"],
        "train_rows": float(len(split.train)),
        "train_frauds": float((known.rows["label"].iloc[split.train] != "legitimate").sum()),
    }


def _named(label: pd.Series) -> pd.Series:
    return label.map({0: "legitimate", 1: "fraud"})


def _fdh_cards() -> tuple[pd.DataFrame, str]:
    events = load_accounts("fdh_cards").drop(columns="fraud_scenario")
    events = events[events["occurred_at"] < events["occurred_at"].min() + pd.Timedelta(days=FDH_DAYS)]
    events = events[events["account_id"].isin(sorted(events["account_id"].unique())[:FDH_ACCOUNTS])]
    delayed = events["occurred_at"] + pd.Timedelta(days=7)
    note = f"The first {FDH_DAYS} days and {FDH_ACCOUNTS:,} customers; labels known after 7 days."
    return events.assign(label=_named(events["label"]), labelled_at=delayed), note


def _s_ffsd() -> tuple[pd.DataFrame, str]:
    events = load_accounts("s_ffsd")
    return events.assign(label=_named(events["label"])), "Time is an order, in seconds; unlabelled rows are history."


def _world() -> tuple[pd.DataFrame, str]:
    world = simulate(days=120)
    label = world.labels.set_index("subject_id")["label"]
    label = label[~label.index.duplicated()].where(lambda name: name == "legitimate", "fraud")
    events = world.events.assign(label=world.events["account_id"].map(label))
    return events, "Simulated: 120 days; an event has the label of its account, known from the start."


SETS: Mapping[str, Callable[[], tuple[pd.DataFrame, str]]] = {
    "fdh_cards": _fdh_cards,
    "s_ffsd": _s_ffsd,
    "world": _world,
}
