"""Trees read from a booster: the same leaves for every row, and no trees that would get wrong explanations."""

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from fraudsieve.models.trees.arrays import read_trees
from fraudsieve.models.trees.shapley import shapley_values

X = np.random.default_rng(0).normal(size=(400, 3))
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def booster(n_rounds: int = 4, **settings: Any) -> lgb.Booster:
    defaults = {"objective": "binary", "num_leaves": 7, "min_data_in_leaf": 5, "verbosity": -1}
    return lgb.train({**defaults, **settings}, lgb.Dataset(X, Y), n_rounds)


def test_arrays_fit_each_other() -> None:
    trees = read_trees(booster())
    n_splits, n_leaves = trees.starts[:, -1]
    assert (n_splits, n_leaves) == (4 * 6, 4 * 7)
    assert len(trees.feature) == len(trees.threshold) == len(trees.missing) == len(trees.default_left) == n_splits
    assert len(trees.child) == len(trees.share) == len(trees.path_share) == len(trees.above) == 2 * n_splits
    assert (trees.child >= 0).sum() == 4 * 5
    np.testing.assert_allclose(trees.share[::2] + trees.share[1::2], 1)


def test_the_share_of_a_feature_is_the_product_down_the_path() -> None:
    trees = read_trees(booster(1, num_leaves=15, feature_fraction=0.5))
    repeats = 0
    for edge, up in enumerate(trees.above.tolist()):
        path = trees.path_share[up] if up >= 0 else 1.0
        assert trees.path_share[edge] == pytest.approx(path * trees.share[edge])
        if up >= 0:
            repeats += 1
            assert up < edge
            assert trees.feature[up // 2] == trees.feature[edge // 2]
    assert repeats


def test_the_mean_is_that_of_the_training_rows() -> None:
    fitted = booster()
    assert read_trees(fitted).expected[0] == pytest.approx(np.mean(np.asarray(fitted.predict(X, raw_score=True))))


def test_missing_types_are_read() -> None:
    missing = X.copy()
    missing[::3] = np.nan
    kinds = {}
    for name, settings in {"none": {"use_missing": False}, "zero": {"zero_as_missing": True}, "nan": {}}.items():
        data = lgb.Dataset(missing, Y, params=settings)
        fitted = lgb.train({"objective": "binary", "verbosity": -1, **settings}, data, 3)
        kinds[name] = set(read_trees(fitted).missing.tolist())
    assert kinds == {"none": {0}, "zero": {1}, "nan": {2}}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"linear_tree": True}, "got a linear tree. Train with linear_tree=False"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "got one that averages them"),
    ],
)
def test_trees_that_cannot_be_explained_are_rejected(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_trees(booster(**settings))


def test_splits_of_categories_are_rejected() -> None:
    codes = np.random.default_rng(0).integers(0, 9, (400, 1)).astype(float)
    data = lgb.Dataset(codes, (codes[:, 0] % 2).astype(int), categorical_feature=[0])
    fitted = lgb.train({"objective": "binary", "verbosity": -1, "min_data_in_leaf": 5}, data, 2)
    with pytest.raises(ValueError, match="got one of a categorical column"):
        read_trees(fitted)


@pytest.mark.parametrize("lines", [{"internal_count"}, {"leaf_count"}])
def test_trees_without_row_counts_are_rejected(lines: set[str]) -> None:
    class WithoutCounts(lgb.Booster):
        def model_to_string(self, *args: Any, **kwargs: Any) -> str:
            text = super().model_to_string(*args, **kwargs)
            return "\n".join(line for line in text.split("\n") if line.split("=")[0] not in lines)

    with pytest.raises(ValueError, match="Expected the row count of every split"):
        read_trees(WithoutCounts(model_str=booster().model_to_string()))


def test_no_trees_at_all() -> None:
    trees = read_trees(lgb.Booster({"objective": "binary", "verbosity": -1}, lgb.Dataset(X, Y)))
    assert (trees.n_outputs, trees.starts.tolist(), trees.expected.tolist()) == (1, [[0], [0]], [0.0])
    assert shapley_values(trees, X).tolist() == np.zeros(X.shape).tolist()
