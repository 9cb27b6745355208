"""What accounts on both sides of a split in time flatter: the metric of the split, and that of a later period."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from benchmarks.runner import Report, progress
from benchmarks.sets.table import ACCOUNT_SETS
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import scores_of
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData, Labelling, load_events
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split

__all__ = ["APART", "accounts_apart"]

LATER_SHARE = 0.25
_PROTOCOL = (
    "Events in order of time. The last quarter is a later period that no split sees. On the rest, the default split by "
    "time, once with the past of accounts that are robbed in a later slice (together), once without it (apart). "
    "average_precision: on the test slice of the split; later: of the same model on the later period; flatters: the "
    "first less the second. Recipe() otherwise. {note}"
)


def accounts_apart(name: str) -> Report:
    """Train with accounts together and apart, and score the split's test slice and a later period."""
    events, note = APART[name]()
    data = load_events(events, labelling=Labelling(min_label_rows=2))
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
    model, builder, *_ = fit_model(known, groups, split, recipe, lambda step: None)
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


def _world() -> tuple[pd.DataFrame, str]:
    world = simulate(days=120)
    label = world.labels.set_index("subject_id")["label"]
    label = label[~label.index.duplicated()].where(lambda name: name == "legitimate", "fraud")
    events = world.events.assign(label=world.events["account_id"].map(label))
    return events, "Simulated: 120 days; an event has the label of its account, known from the start."


APART: dict[str, Callable[[], tuple[pd.DataFrame, str]]] = {
    **{name: one.dated_events for name, one in ACCOUNT_SETS.items() if one.dated_events},
    "world": _world,
}
"""What reads the events of each set that can be measured so, and a note."""
