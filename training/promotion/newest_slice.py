"""The newest slice: the latest mature records, on which a refresh is compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError, SplitError
from fraudsieve.training.data.after_training import RowsAfterTraining, known_before
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import mature_rows, plan_refit
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split

NONE = np.array([], np.int64)
MIN_CLASSES = 2
MIN_KNOWN = 0.5
"""Share of the frauds before the newest slice that a stand-in must have learned from."""


@dataclass(frozen=True, eq=False)
class NewestSlice:
    """The records that a refresh is compared on."""

    # The time of the first of them. A model that was trained on any of them has learned from it, or from later ones.
    start: pd.Timestamp
    # Which records they are.
    rows: RowsAfterTraining

    def is_known_to(self, end: pd.Timestamp | None) -> bool:
        """Return whether a model that has learned until some time has learned from the slice."""
        return end is not None and end >= self.start


def newest_slice(
    data: LabelledData,
    ends: Sequence[pd.Timestamp | None],
    recipe: Recipe,
    is_fraud: Array,
    min_frauds: int,
) -> NewestSlice:
    """Choose the newest slice of labelled records; `ends` are the last times that each model has learned from, those of
    the champion first.

    These are the mature records that no model has learned from, if they have as many frauds as required. Otherwise
    they are the latest mature records with so many frauds, or with half of the frauds that are later than the training
    of the champion, if that is more: the other half is news for the challenger. They are at most the share of the test
    slice of the recipe, because the rest must suffice to train on.
    """
    times = data.rows["as_of"]
    mature, left_out = _mature(data, recipe)
    news, unseen = (mature & later_than(times, some) for some in (ends[:1], ends))
    wanted = max(min_frauds, int((news & is_fraud).sum()) // 2)
    start = _start(times[mature], times[mature & is_fraud], recipe.split.test_share, wanted)
    if unseen.any() and (int((unseen & is_fraud).sum()) >= min_frauds or times[unseen].min() <= start):
        start = times[unseen].min()
    rows = mature & (times >= start).to_numpy()
    before = {"before the newest slice": int((mature & ~rows).sum())}
    return NewestSlice(start, RowsAfterTraining(rows, before | left_out))


def unseen_slice(data: LabelledData, ends: Sequence[pd.Timestamp | None], recipe: Recipe) -> RowsAfterTraining:
    """Choose the mature records that are later than what each model has learned from."""
    mature, left_out = _mature(data, recipe)
    rows = mature & later_than(data.rows["as_of"], ends)
    return RowsAfterTraining(rows, {"not later than training": int((mature & ~rows).sum())} | left_out)


def can_stand_in(data: LabelledData, newest: NewestSlice, recipe: Recipe) -> bool:
    """Return whether a stand-in can learn from what was known before the newest slice.

    It cannot if labels come so late that most of the frauds before the slice were not yet known, or leave no split.
    """
    earlier = known_before(data, newest.start, min_label_rows=recipe.data.min_label_rows)
    if earlier.rows["label"].nunique() < MIN_CLASSES:
        return False
    try:
        split = choose_split(earlier, *groups_of(earlier), recipe)
    except SplitError:
        return False
    known = earlier.rows["label"].iloc[plan_refit(earlier, split).split.train] != data.legitimate
    before = data.rows["label"][data.rows["as_of"] < newest.start] != data.legitimate
    return bool(known.sum() >= MIN_KNOWN * before.sum())


def _mature(data: LabelledData, recipe: Recipe) -> tuple[Array, dict[str, int]]:
    """Return which records are mature, and count the others by reason."""
    gap = data.gap_days(recipe.split.gap_days)
    positions, others = mature_rows(data, Split("time", NONE, NONE, NONE, (), gap_days=gap))
    if not len(positions):
        problem = f"expected records whose labels are mature, {gap:.3g} days after them, got none of {len(data.rows)}"
        raise SchemaError(f"{data.subject}s", problem, "Give older ones too, or set split.gap_days.")
    mature = np.zeros(len(data.rows), bool)
    mature[positions] = True
    return mature, {"not mature": others["not_mature"], "without a time": others["no_time"]}


def later_than(times: pd.Series, ends: Sequence[pd.Timestamp | None]) -> Array:
    """Return which records are later than what models have learned from, as far as that is known."""
    known = [end for end in ends if end is not None]
    return (times > max(known)).to_numpy() if known else np.ones(len(times), bool)


def _start(mature: pd.Series, frauds: pd.Series, share: float, n_frauds: int) -> pd.Timestamp:
    """Return the time from which there are so many frauds, but at most a share of the mature records."""
    earliest = pd.Timestamp(cast(Any, mature.quantile(1 - share, interpolation="higher")))
    return earliest if len(frauds) < n_frauds else max(earliest, frauds.sort_values().iloc[-n_frauds])
