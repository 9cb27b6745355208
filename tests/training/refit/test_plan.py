"""The rows of a refit are mature, and no fold trains on a row that it tests or on what was not known by then."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import RecipeError, SplitError
from fraudsieve.training.data.builders import groups_of
from fraudsieve.training.data.labelled import LabelledData, load_labelled
from fraudsieve.training.labels import seen_until
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit.plan import RefitPlan, mature_rows, plan_refit
from fraudsieve.training.simulation.world import World
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split

DAY = pd.Timedelta(days=1)


def planned(data: LabelledData, **settings: object) -> tuple[RefitPlan, Split, np.ndarray]:
    groups, kind = groups_of(data)
    recipe = Recipe.read(overrides=settings)
    split = choose_split(data, groups, kind, recipe)
    return plan_refit(data, groups, kind, split, recipe), split, groups


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


def test_with_times_folds_go_forward_with_the_gap_of_the_split(data: LabelledData) -> None:
    rows = data.rows.copy()
    rows.loc[:4, "as_of"] = pd.NaT  # so positions among the mature rows are not those among all rows
    plan, split, groups = planned(replace(data, rows=rows))
    assert plan.scores_of == "5 folds that go forward in time"
    is_crime = (rows["label"] != "legitimate").to_numpy()
    for fold in plan.folds:
        begin = rows["as_of"].iloc[fold.test].min()
        assert (rows["as_of"].iloc[fold.train] <= begin - split.gap_days * DAY).all()
        assert not (rows["labelled_at"].iloc[fold.train] >= begin).any()
        assert not set(groups[fold.train]) & set(groups[fold.test[is_crime[fold.test]]])
        assert set(fold.train) | set(fold.test) <= set(plan.split.train)
    windows = [rows["as_of"].iloc[fold.test] for fold in plan.folds]
    assert all(one.max() < two.min() for one, two in pairwise(windows))
    tested = np.concatenate([fold.test for fold in plan.folds])
    assert plan.split.calibration.tolist() == sorted(tested)
    # Half of the mature rows, and the last ones.
    assert len(tested) == pytest.approx(len(plan.split.train) / 2, abs=5)
    assert tested.max() in plan.split.train


def test_without_times_folds_keep_campaigns_whole_and_all_rows_are_trained_on(data: LabelledData) -> None:
    untimed = data.rows.assign(as_of=pd.Series(pd.NaT, data.rows.index, "datetime64[us, UTC]"))
    plan, split, groups = planned(replace(data, rows=untimed))
    assert split.kind == "campaign"
    assert plan.scores_of == "5 folds that keep every campaign whole"
    assert plan.left_out == {}
    assert plan.split.train.tolist() == plan.split.calibration.tolist() == list(range(len(untimed)))
    for fold in plan.folds:
        assert not set(groups[fold.train]) & set(groups[fold.test])


@pytest.mark.parametrize("kind", ["campaign", "random"])
def test_with_times_folds_go_forward_after_any_split(data: LabelledData, kind: str) -> None:
    plan, _, _ = planned(data, **{"split.kind": kind})
    assert plan.folds[0].kind == "time"
    assert len(plan.split.train) == len(data.rows)


def test_too_few_rows_are_an_error_with_advice(data: LabelledData) -> None:
    groups, kind = groups_of(data)
    split = choose_split(data, groups, kind, Recipe())
    with pytest.raises(SplitError, match=r"nothing to train on.*or remove --refit"):
        plan_refit(data, groups, kind, replace(split, gap_days=45.0), Recipe())
    one = replace(data, rows=data.rows.iloc[:1].assign(as_of=pd.Series([pd.NaT], dtype="datetime64[us, UTC]")))
    with pytest.raises(SplitError, match=r"refit: expected folds that train on at least 2 classes, got none of 5"):
        plan_refit(one, groups[:1], kind, replace(split, kind="campaign"), Recipe())


def test_operating_points_are_checked_before_any_work(data: LabelledData) -> None:
    untimed = data.rows.assign(as_of=pd.Series(pd.NaT, data.rows.index, "datetime64[us, UTC]"))
    groups, kind = groups_of(data)
    none = np.array([], np.int64)
    recipe = Recipe.read(overrides={"thresholds.alerts_a_day": [5]})
    with pytest.raises(RecipeError, match="the records have no times"):
        plan_refit(
            replace(data, rows=untimed, messages=None), groups, kind, Split("campaign", none, none, none, ()), recipe
        )
