"""Choose the split of a training run: that of the recipe, or the best one that the rows allow."""

from functools import partial
from typing import Any

import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.labels import seen_until
from fraudsieve.training.recipe.recipe import Recipe

from .split import Split, has_times, split_by_campaign, split_by_time, split_randomly


def choose_split(data: LabelledData, groups: Array, group_kind: str, recipe: Recipe) -> Split:
    """Split as the recipe declares; by default by time if most rows have a time, otherwise by campaign or account.

    If the legitimate rows up to some time are a sample, the calibration slice begins there. An error says if the
    records span too little time for the delay of their labels.
    """
    try:
        return _choose(data, groups, group_kind, recipe)
    except SplitError as error:
        note = data.delay_note(data.gap_days(recipe.split.gap_days))
        raise error if note is None else SplitError(f"{error} Note: {note}.") from None


def _choose(data: LabelledData, groups: Array, group_kind: str, recipe: Recipe) -> Split:
    settings, labels = recipe.split, data.rows["label"].to_numpy(object)
    kind, cutoffs = settings.kind, data.rows["as_of"]
    sampled = {} if data.precomputed is None else data.precomputed.declared.of_split
    if kind == "auto":
        kind = "time" if sampled or has_times(cutoffs) else "campaign"
    shares: dict[str, Any] = {"test_share": settings.test_share, "calibration_share": settings.calibration_share}
    if kind == "time":
        is_crime = labels != data.legitimate
        # Records that are waiting for a label count too: they show that labels may take longer.
        apart, gap_days = settings.keeps_apart(group_kind), data.gap_days(settings.gap_days)
        of_kind: dict[str, Any] = {"gap_days": gap_days, "group_kind": group_kind, "apart": apart, **sampled}
        cut = partial(split_by_time, cutoffs, data.rows["labelled_at"], groups, is_crime, **of_kind, **shares)
        split = cut()
        # Young rows with a label are tested too, unless one kind is known less often there: then they mislead.
        if not data.known_alike(cutoffs.iloc[split.test].min()):
            split = cut(until=seen_until(data.subjects) - pd.Timedelta(days=gap_days))
    elif kind in ("campaign", "account"):
        split = split_by_campaign(labels, groups, seed=recipe.seed, group_kind=group_kind, **shares)
    else:
        split = split_randomly(len(labels), seed=recipe.seed, **shares)
    trained, calibrated = {*labels[split.train]}, {*labels[split.calibration]}
    if len(trained) < 2:
        fix = f"If every fraudulent {group_kind} is active until the end, use --split {group_kind}"
        raise _problem(split, f"needs at least 2 classes, got {len(trained)}", fix)
    if not trained & calibrated:
        raise _problem(split, "needs a class of the calibration slice, got others", "Add data, or change [split]")
    if data.subject == "message" and len({*groups[split.train]}) < 2:
        raise _problem(split, "needs at least 2 campaigns for the text model, got 1", "Add messages with other texts")
    return split


def _problem(split: Split, problem: str, fix: str) -> SplitError:
    return SplitError(
        f"the training slice of a split by {split.kind} {'. '.join((problem, *split.notes, fix, ''))[:-1]}"
    )
