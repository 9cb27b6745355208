"""The newest slice: the latest mature records, on which a refresh is compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.data.after_training import RowsAfterTraining, trained_until
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit.plan import mature_rows
from fraudsieve.training.splits.split import Split, unusable

__all__ = ["NewestSlice", "known_before", "newest_slice"]

NONE = np.array([], np.int64)


@dataclass(frozen=True, eq=False)
class NewestSlice:
    """The records that a refresh is compared on.

    Parameters
    ----------
    start : Timestamp
        The time of the first of them. A model that was trained on any of them has learned from it, or from later ones.
    rows : RowsAfterTraining
        Which records they are.
    """

    start: pd.Timestamp
    rows: RowsAfterTraining


def newest_slice(
    data: LabelledData, champion: Model, challenger: Model, recipe: Recipe, is_fraud: Array, min_frauds: int
) -> NewestSlice:
    """Choose the newest slice of labelled records.

    These are the mature records that no model has learned from, if they have as many frauds as required. Otherwise
    they are the latest mature records with so many frauds, or with half of the frauds that are later than the training
    of the champion, if that is more: the other half is news for the challenger. They are at most the share of the test
    slice of the recipe, because the rest must suffice to train on.

    Raises
    ------
    SchemaError
        When no record is mature.
    """
    times = data.rows["as_of"]
    mature, left_out = _mature(data, recipe)
    news, unseen = (mature & _later(times, models) for models in ([champion], [champion, challenger]))
    wanted = max(min_frauds, int((news & is_fraud).sum()) // 2)
    start = _start(times[mature], times[mature & is_fraud], recipe.split.test_share, wanted)
    if unseen.any() and (int((unseen & is_fraud).sum()) >= min_frauds or times[unseen].min() <= start):
        start = times[unseen].min()
    rows = mature & (times >= start).to_numpy()
    before = {"before the newest slice": int((mature & ~rows).sum())}
    return NewestSlice(start, RowsAfterTraining(rows, before | left_out))


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


def _later(times: pd.Series, models: Sequence[Model]) -> Array:
    """Return which records are later than what models have learned from."""
    ends = [end for end in map(trained_until, models) if end is not None]
    return (times > max(ends)).to_numpy()


def _start(mature: pd.Series, frauds: pd.Series, share: float, n_frauds: int) -> pd.Timestamp:
    """Return the time from which there are so many frauds, but at most a share of the mature records."""
    earliest = pd.Timestamp(cast(Any, mature.quantile(1 - share, interpolation="higher")))
    return earliest if len(frauds) < n_frauds else max(earliest, frauds.sort_values().iloc[-n_frauds])


def known_before(data: LabelledData, start: pd.Timestamp, *, min_label_rows: int) -> LabelledData:
    """Return the labelled records as they were known at a time: later ones, and later labels, are not among them.

    Records of labels that have too few rows by then are left out too, as in training.
    """
    times = data.rows["as_of"]
    late, _ = unusable(start, 0.0, times, data.rows["labelled_at"])
    known = data.rows[(times < start).to_numpy() & ~late]
    is_young = (known["as_of"] > start - (data.assumed_after or timedelta(0))).to_numpy()
    rows = known[~is_young]
    rows = rows[rows["label"].map(rows["label"].value_counts()) >= min_label_rows]
    waiting = pd.concat([data.waiting[data.waiting < start], times[late]], ignore_index=True)
    young = known.loc[is_young, ["as_of", "labelled_at", "label"]]
    facts: dict[str, Any] = {"waiting": waiting, "young": young, "n_unlabelled": len(waiting)}
    return replace(data, rows=rows.reset_index(drop=True), **facts)
