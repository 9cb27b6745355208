"""Shapley values: equal to LightGBM's and to the definition, for single rows and batches."""

from itertools import combinations
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from fraudsieve._typing import Array
from fraudsieve.models.trees.arrays import Trees, read_trees
from fraudsieve.models.trees.shapley import _quadrature, shapley_values
from tests.messages import refused


def rows_of(seed: int, n: int = 600, n_columns: int = 6) -> Array:
    """Rows with missing values, zeros, a column of codes and one that repeats another."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_columns))
    X[rng.random(X.shape) < 0.1] = np.nan
    X[rng.random(X.shape) < 0.1] = 0.0
    X[:, 1] = rng.integers(-2, 5, n)
    X[:, 2] = X[:, 0]
    return X


def grown(X: Array, seed: int = 0, **settings: Any) -> lgb.Booster:
    rng = np.random.default_rng(seed)
    score = np.nan_to_num(X[:, 0] * X[:, 3]) + np.isnan(X[:, 4]) + 0.3 * X[:, 1] + rng.normal(0, 0.3, len(X))
    n_classes = settings.get("num_class", 2)
    y = np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score)
    defaults = {"objective": "binary", "num_leaves": 31, "min_data_in_leaf": 3, "verbosity": -1, "num_threads": 1}
    booster = lgb.train({**defaults, **settings}, lgb.Dataset(X, y), 20)
    return lgb.Booster(model_str=booster.model_to_string())


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_missing": False},
        {"zero_as_missing": True},
        {"num_leaves": 2},
        {"num_leaves": 64, "max_depth": 3},
        {"num_leaves": 200, "min_data_in_leaf": 1, "feature_fraction": 0.4},
        {"objective": "multiclass", "num_class": 4},
        {"boost_from_average": False, "bagging_fraction": 0.5, "bagging_freq": 1, "lambda_l2": 5},
    ],
)
def test_values_equal_those_of_lightgbm(settings: dict[str, Any]) -> None:
    X = rows_of(1)
    booster = grown(X, **settings)
    later = np.vstack([rows_of(2), np.full((1, 6), np.nan), np.zeros((1, 6)), np.full((1, 6), 1e-36), X])
    trees = read_trees(booster)
    expected = np.asarray(booster.predict(later, pred_contrib=True)).reshape(len(later), trees.n_outputs, 7)
    for output in range(trees.n_outputs):
        values = shapley_values(trees, later, output)
        np.testing.assert_allclose(values, expected[:, output, :-1], rtol=1e-9, atol=1e-12)
        assert trees.expected[output] == pytest.approx(expected[0, output, -1], abs=1e-12)


def expected_value(trees: Trees, row: Array, known: set[int], split: int = 0) -> float:
    """Return the expected value of a tree if some features are known (Lundberg et al., 2018, algorithm 1)."""
    total = 0.0
    left = row[trees.feature[split]] <= trees.threshold[split]
    for side, is_taken in enumerate((left, not left)):
        below = int(trees.child[2 * split + side])
        weight = float(is_taken) if int(trees.feature[split]) in known else float(trees.share[2 * split + side])
        total += weight * (float(trees.value[-1 - below]) if below < 0 else expected_value(trees, row, known, below))
    return total


def test_values_equal_the_definition() -> None:
    X = np.random.default_rng(0).normal(size=(300, 4))
    y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)
    settings = {"objective": "binary", "num_leaves": 15, "min_data_in_leaf": 2, "verbosity": -1}
    trees = read_trees(lgb.train(settings, lgb.Dataset(X, y), 1))
    values = shapley_values(trees, X[:10])
    for row, row_values in zip(X[:10], values, strict=True):
        for feature in range(4):
            others, value = [other for other in range(4) if other != feature], 0.0
            for size in range(4):
                share = factorial(size) * factorial(3 - size) / factorial(4)
                for subset in combinations(others, size):
                    value += share * (
                        expected_value(trees, row, {*subset, feature}) - expected_value(trees, row, {*subset})
                    )
            assert row_values[feature] == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_a_long_path_of_one_feature_and_a_long_path_of_many() -> None:
    n = 4000
    one = np.arange(n, dtype=float)[:, None]
    many = np.random.default_rng(0).integers(0, 2, (n, 10)).astype(float)
    for X in (one, many):
        y = np.cumprod(X, axis=1).sum(axis=1) if X is many else np.log1p(np.arange(n))
        settings = {"objective": "regression", "num_leaves": 40, "min_data_in_leaf": 1, "verbosity": -1}
        booster = lgb.train(settings, lgb.Dataset(X, y), 3)
        trees = read_trees(booster)
        assert trees.points.max() == (1 if X is one else 5)
        expected = np.asarray(booster.predict(X, pred_contrib=True))[:, :-1]
        np.testing.assert_allclose(shapley_values(trees, X), expected, rtol=1e-9, atol=1e-12)


def test_they_add_up_to_the_score() -> None:
    X = rows_of(3)
    booster = grown(X, num_leaves=100, min_data_in_leaf=1)
    trees = read_trees(booster)
    total = shapley_values(trees, X).sum(axis=1) + trees.expected[0]
    np.testing.assert_allclose(total, booster.predict(X, raw_score=True), rtol=1e-9)


def test_a_row_does_not_depend_on_the_others() -> None:
    X = rows_of(4)
    trees = read_trees(grown(X))
    values = shapley_values(trees, X)
    alone = np.vstack([shapley_values(trees, X[at : at + 1]) for at in range(50)])
    assert np.array_equal(values[:50], alone)
    assert np.array_equal(shapley_values(trees, np.asfortranarray(X)), values)
    assert shapley_values(trees, X[:0]).shape == (0, 6)


def test_trees_of_one_leaf_have_no_values() -> None:
    X = rows_of(5)
    trees = read_trees(grown(X, min_data_in_leaf=500))
    assert np.array_equal(shapley_values(trees, X), np.zeros(X.shape))


def test_wrong_rows_and_outputs_are_named() -> None:
    trees = read_trees(grown(rows_of(6)))
    with refused(ValueError):
        shapley_values(trees, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="Expected rows of at least"):
        shapley_values(trees, np.zeros(6))
    with pytest.raises(ValueError, match="Expected an output below 1, got 1"):
        shapley_values(trees, np.zeros((1, 6)), 1)


def test_the_quadrature_is_exact_for_twice_as_many_powers() -> None:
    at, weights = _quadrature(5)
    for n in range(1, 6):
        for power in range(2 * n):
            assert at[n, :n] ** power @ weights[n, :n] == pytest.approx(1 / (power + 1), rel=1e-12)
