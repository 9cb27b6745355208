"""The fast path of a single row: equal to `Booster.predict` to the last bit, from any thread, also after a pickle."""

import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from fraudsieve.models.trees.ensemble import SingleRow

X = np.random.default_rng(0).normal(size=(500, 6))
X[::9, 3] = np.nan


def trained(n_classes: int) -> lgb.Booster:
    settings: dict[str, Any] = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    if n_classes > 2:
        settings |= {"objective": "multiclass", "num_class": n_classes}
    y = np.digitize(np.nan_to_num(X[:, 3]) + X[:, 0], np.linspace(-1, 1, n_classes - 1) if n_classes > 2 else [0])
    return lgb.train(settings, lgb.Dataset(X, y), 20)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_it_equals_predict(n_classes: int) -> None:
    booster = trained(n_classes)
    expected = np.asarray(booster.predict(X, raw_score=True)).reshape(len(X), -1)
    for single_row in (SingleRow(booster), pickle.loads(pickle.dumps(SingleRow(booster)))):
        actual = np.array([single_row(X[at : at + 1]) for at in range(len(X))])
        np.testing.assert_array_equal(actual, expected)


def test_the_best_iteration_is_used() -> None:
    booster = trained(2)
    booster.best_iteration = 3
    assert SingleRow(booster)(X[:1])[0] == np.asarray(booster.predict(X[:1], raw_score=True))[0]
    assert SingleRow(booster)(X[:1])[0] != np.asarray(booster.predict(X[:1], raw_score=True, num_iteration=-1))[0]


@pytest.mark.slow
def test_threads_are_independent() -> None:
    booster = trained(4)
    single_row, expected = SingleRow(booster), np.asarray(booster.predict(X, raw_score=True))

    def work(start: int) -> bool:
        order = np.random.default_rng(start).permutation(len(X))
        return all((single_row(X[at : at + 1]) == expected[at]).all() for at in np.tile(order, 4))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


@pytest.mark.slow
def test_it_keeps_its_booster_alive() -> None:
    single_row = SingleRow(trained(2))
    gc.collect()
    first = single_row(X[:1])
    again = single_row(X[1:2])
    assert first is not again
    assert first[0] != again[0]


@pytest.mark.parametrize("row", [X[:2], X[:1, :5], X[0]])
def test_other_shapes_are_rejected(row: Any) -> None:
    with pytest.raises(ValueError, match="Expected one row of 6 columns"):
        SingleRow(trained(2))(row)


@pytest.mark.parametrize("row", [X[:1].astype(np.float32), np.asfortranarray(X[:4])[:1], X[:, ::-1][:1, ::-1]])
def test_a_row_may_have_any_memory_layout(row: Any) -> None:
    single_row = SingleRow(trained(2))
    assert single_row(row) == single_row(np.ascontiguousarray(row, np.float64))
    assert single_row(row) != single_row(X[1:2])
