"""The rows of a refit are mature, and those that calibrate it are none that the evaluated model has learned from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData, load_labelled
from fraudsieve.training.labels import seen_until
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import RefitPlan, mature_rows, plan_refit
from fraudsieve.training.simulation.world import World
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split

DAY = pd.Timedelta(days=1)


def planned(data: LabelledData, **settings: object) -> tuple[RefitPlan, Split, np.ndarray]:
    groups, kind = groups_of(data)
    recipe = Recipe.read(overrides=settings)
    split = choose_split(data, groups, kind, recipe)
    return plan_refit(data, split), split, groups


@pytest.fixture(scope="module")
def data(small_world: World) -> LabelledData:
    return load_labelled(small_world.messages, small_world.labels)


def test_all_rows_older_than_the_gap_are_trained_on(data: LabelledData) -> None:
    plan, split, _ = planned(data)
    assert split.gap_days > 0
    limit = seen_until(data.subjects) - split.gap_days * DAY
    expected = np.flatnonzero(data.rows["as_of"] <= limit)
    assert plan.split.train.tolist() == expected.tolist()
    assert plan.left_out == {"no_time": 0, "not_mature": len(data.rows) - len(expected)}
    # The test slice and what the split left out are trained on now.
    assert len(expected) > len(split.train) + len(split.calibration)
    assert set(split.test) & set(expected)


def test_young_rows_are_left_out_though_early_labels_are_known(data: LabelledData) -> None:
    last = data.rows["as_of"].max()
    end = last + DAY
    known = data.rows[~(data.rows["labelled_at"] >= end)].reset_index(drop=True)
    early = replace(data, rows=known)
    none = np.array([], np.int64)
    rows, left_out = mature_rows(early, Split("time", none, none, none, (), gap_days=5.0))
    assert left_out["not_mature"] > 0
    assert (known["as_of"].iloc[rows] <= seen_until(early.subjects) - 5 * DAY).all()
    assert len(rows) + left_out["not_mature"] == len(known)


def test_rows_without_a_time_are_left_out_of_a_split_by_time(data: LabelledData) -> None:
    rows = data.rows.copy()
    rows.loc[:4, "as_of"] = pd.NaT
    plan, _, _ = planned(replace(data, rows=rows))
    assert plan.left_out["no_time"] == 5
    assert plan.split.train.min() == 5


def test_rows_that_calibrate_are_mature_and_the_evaluated_model_has_not_learned_from_them(data: LabelledData) -> None:
    rows = data.rows.copy()
    rows.loc[:4, "as_of"] = pd.NaT  # so positions among the mature rows are not those among all rows
    plan, split, groups = planned(replace(data, rows=rows))
    calibrating = plan.split.calibration
    assert set(calibrating) <= set(plan.split.train)
    assert set(calibrating) == (set(split.calibration) | set(split.test)) & set(plan.split.train)
    assert rows["as_of"].iloc[split.train].max() < rows["as_of"].iloc[calibrating].min()
    is_crime = (rows["label"] != "legitimate").to_numpy()
    assert not set(groups[split.train[is_crime[split.train]]]) & set(groups[calibrating[is_crime[calibrating]]])


def test_without_times_all_rows_are_trained_on_and_campaigns_are_kept_apart(data: LabelledData) -> None:
    untimed = data.rows.assign(as_of=pd.Series(pd.NaT, data.rows.index, "datetime64[us, UTC]"))
    plan, split, groups = planned(replace(data, rows=untimed))
    assert split.kind == plan.split.kind == "campaign"
    assert plan.left_out == {}
    assert plan.split.train.tolist() == list(range(len(untimed)))
    assert sorted({*split.train, *plan.split.calibration}) == plan.split.train.tolist()
    assert not set(groups[split.train]) & set(groups[plan.split.calibration])
