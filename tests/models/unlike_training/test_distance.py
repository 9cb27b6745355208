"""Tests of the distance of feature rows from the training rows."""

import numpy as np
import numpy.typing as npt
import pytest

from fraudsieve.models.unlike_training.distance import MAX_DEVIATION, SHRINKAGE, SMALLEST_SHARE, fit_distance

Rows = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Correlated columns, one of them heavy-tailed, one of them missing in a fifth of the rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4))
    X[:, 1] += 2 * X[:, 0]
    X[:, 2] = np.exp(3 * X[:, 2])
    X[rng.random(600) < 0.2, 3] = np.nan
    return X


def test_the_distance_is_that_of_the_definition(rows: Rows) -> None:
    columns = np.array([0, 1, 2])
    distance = fit_distance(rows, columns)
    X = np.sign(rows[:, columns]) * np.log1p(np.abs(rows[:, columns]))
    z = ((X - X.mean(axis=0)) / X.std(axis=0)).clip(-MAX_DEVIATION, MAX_DEVIATION)
    precision = np.linalg.inv(z.T @ z / len(z) + SHRINKAGE * np.eye(3))
    np.testing.assert_allclose(distance.apply(rows), np.einsum("ij,jk,ik->i", z, precision, z), rtol=1e-9)


def test_an_unusual_combination_is_stranger_than_its_parts(rows: Rows) -> None:
    distance = fit_distance(rows, np.arange(2))
    together, apart = distance.apply(np.array([[1.0, 2.0], [1.0, -2.0]]))
    assert apart > 3 * together


def test_a_missing_value_costs_its_rarity(rows: Rows) -> None:
    distance = fit_distance(rows, np.array([0, 3]))
    present, missing = distance.apply(np.array([[0.0, 0, 0, np.nanmean(rows[:, 3])], [0.0, 0, 0, np.nan]]))
    assert missing - present == pytest.approx(-2 * np.log(0.2 / 0.8), abs=0.3)
    never = fit_distance(rows, np.array([0])).apply(np.array([[np.nan, 0, 0, 0]]))
    assert never[0] == pytest.approx(-2 * np.log(SMALLEST_SHARE))


def test_one_row_equals_the_batch_in_any_memory_order(rows: Rows) -> None:
    distance = fit_distance(rows, np.arange(4))
    batch = distance.apply(rows)
    assert batch.tolist() == [distance.apply(row[None])[0] for row in rows]
    assert batch.tolist() == distance.apply(np.asfortranarray(rows)).tolist()


@pytest.mark.parametrize("extreme", [1e300, -1e300, 1e15])
def test_no_number_makes_the_distance_infinite(rows: Rows, extreme: float) -> None:
    assert np.isfinite(fit_distance(rows, np.arange(4)).apply(np.full((1, 4), extreme))).all()


def test_columns_without_values_and_constant_columns(rows: Rows) -> None:
    X = np.column_stack([rows[:, 0], np.full(len(rows), np.nan), np.ones(len(rows))])
    distance = fit_distance(X, np.arange(3))
    assert distance.columns.tolist() == [0, 2]
    same, other = distance.apply(np.array([[0.0, np.nan, 1.0], [0.0, np.nan, 5.0]]))
    assert other > same + 10
