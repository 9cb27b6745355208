"""Choose the split of a training run: that of the recipe, or the best one that the rows allow."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.training.data.groups import GROUP, units_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.labels import seen_until
from fraudsieve.training.recipe.recipe import Recipe

from .split import Split, has_times, split_by_campaign, split_by_time, split_randomly

FEW_FRAUDS: Final = 10
"""With fewer, a split sees to it that some are trained on."""
LASTING = (
    "most fraud before the test is of groups that have fraud after it too, as with users or branches: only {unit}s "
    "are kept apart. To test on groups that are new to the model, split by group (--split group)"
)


def choose_split(data: LabelledData, groups: Array, group_kind: str, recipe: Recipe) -> Split:
    """Split as the recipe declares; by default by time if most rows have a time, otherwise by campaign or account.

    If the legitimate rows up to some time are a sample, the calibration slice begins there. Little fraud is not split
    by time if none of it would be trained on, unless the recipe asks for it. An error says if the records span too
    little time for the delay of their labels.
    """
    try:
        return _choose(data, groups, group_kind, recipe)
    except SplitError as error:
        note = data.delay_note(data.gap_days(recipe.split.gap_days))
        raise error if note is None else SplitError(f"{error} Note: {note}.") from None


def _choose(data: LabelledData, groups: Array, group_kind: str, recipe: Recipe) -> Split:
    labels, kind = data.rows["label"].to_numpy(object), recipe.split.kind
    is_crime = labels != data.legitimate
    is_little = _is_little(is_crime)
    is_sample = data.precomputed is not None and data.precomputed.declared.until is not None
    if kind != "auto":
        split = _split(kind, data, groups, group_kind, recipe)
    elif is_sample or has_times(data.rows["as_of"]):
        split = _split("time", data, groups, group_kind, recipe)
        if is_little and not is_crime[split.train].any() and not is_sample:
            split = _split("campaign", data, groups, group_kind, recipe)
    else:
        split = _split("campaign", data, groups, group_kind, recipe)
    trained, calibrated = {*labels[split.train]}, {*labels[split.calibration]}
    if len(trained) < 2:
        fix = f"If every fraudulent {group_kind} is active until the end, use --split {group_kind}"
        raise _problem(split, f"needs at least 2 classes, got {len(trained)}", fix)
    if not trained & calibrated:
        raise _problem(split, "needs a class of the calibration slice, got others", "Add data, or change [split]")
    if data.subject.has_text and len({*groups[split.train]}) < 2:
        raise _problem(split, "needs at least 2 campaigns for the text model, got 1", "Add messages with other texts")
    if not is_little:
        return split
    return replace(split, remarks=(*split.remarks, _where(split, is_crime, has_times(data.rows["as_of"]))))


def _is_little(is_crime: Array) -> bool:
    return 0 < is_crime.sum() < FEW_FRAUDS and not is_crime.all()


def _split(kind: str, data: LabelledData, groups: Array, group_kind: str, recipe: Recipe) -> Split:
    settings, labels, cutoffs = recipe.split, data.rows["label"].to_numpy(object), data.rows["as_of"]
    is_crime = labels != data.legitimate
    if kind == "time":
        sampled = None if data.precomputed is None else data.precomputed.declared
        # Records that are waiting for a label count too: they show that labels may take longer.
        apart, gap_days = data.subject.has_text or settings.accounts_apart, data.gap_days(settings.gap_days)
        cut = partial(
            split_by_time,
            cutoffs,
            data.rows["labelled_at"],
            is_crime=is_crime,
            test_share=settings.test_share,
            calibration_share=settings.calibration_share,
            gap_days=gap_days,
            apart=apart,
            calibration_start=None if sampled is None else sampled.calibration_start,
            n_left_out=0 if sampled is None else sampled.left_out,
        )
        split = cut(groups=groups, group_kind=group_kind)
        if group_kind == GROUP and split.dropped["crime_group_of_later_slice"] > is_crime[split.train].sum():
            groups, group_kind = units_of(data.rows, data.subject)
            split = replace(cut(groups=groups, group_kind=group_kind), remarks=(LASTING.format(unit=group_kind),))
        # Young rows with a label are tested too, unless one kind is known less often there: then they mislead.
        if data.known_alike(cutoffs.iloc[split.test].min()):
            return split
        until = seen_until(data.subjects) - pd.Timedelta(days=gap_days)
        return replace(cut(groups=groups, group_kind=group_kind, until=until), remarks=split.remarks)
    of_test, of_calibration, seed = settings.test_share, settings.calibration_share, recipe.seed
    if kind == "random":
        groups = np.arange(len(labels))
        split = split_randomly(len(labels), test_share=of_test, calibration_share=of_calibration, seed=seed)
    else:
        split = split_by_campaign(
            labels, groups, test_share=of_test, calibration_share=of_calibration, seed=seed, group_kind=group_kind
        )
    return _deal_fraud(split, groups, is_crime, recipe) if _is_little(is_crime) else split


def _deal_fraud(split: Split, groups: Array, is_crime: Array, recipe: Recipe) -> Split:
    """Deal the campaigns or accounts of little fraud to the slices: chance could leave none to train on."""
    dealt = np.random.default_rng(recipe.seed).permutation(np.unique(groups[is_crime]))
    shares = recipe.split.test_share, recipe.split.calibration_share
    n_test, n_calibration = (min(round(share * len(dealt)), (len(dealt) - 1) // 2) for share in shares)
    parts = dict(zip(("test", "calibration", "train"), np.split(dealt, [n_test, n_test + n_calibration]), strict=True))
    moved = np.isin(groups, dealt)
    slices: dict[str, Any] = {
        name: np.flatnonzero(np.isin(np.arange(len(groups)), getattr(split, name)) & ~moved | np.isin(groups, part))
        for name, part in parts.items()
    }
    return replace(split, **slices) if all(map(len, slices.values())) else split  # one account may have most rows


def _where(split: Split, is_crime: Array, timed: bool) -> str:
    """Say in which slices little fraud is, and what cannot be measured."""
    counts = {name: int(is_crime[getattr(split, name)].sum()) for name in ("train", "calibration", "test")}
    said = "{train} to train on, {calibration} to calibrate on and {test} to test on".format(**counts)
    notes = [f"only {int(is_crime.sum())} rows are fraud: {said}"]
    if timed and split.kind != "time":
        notes.append("a split by time would leave none to train on, so the metrics may be optimistic")
    notes += [] if counts["test"] else ["neither recall nor precision can be measured"]
    return "; ".join(notes)


def _problem(split: Split, problem: str, fix: str) -> SplitError:
    return SplitError(
        f"the training slice of a split by {split.kind} {'. '.join((problem, *split.notes, fix, ''))[:-1]}"
    )
