"""Costs of rows, on small examples."""

import numpy as np
import pytest

from fraudsieve.training.evaluation.capacity import RowCosts


def test_a_row_is_flagged_if_a_review_pays_off() -> None:
    p, truth = np.array([0.05, 0.1, 0.5, 0.5]), np.array([True, False, False, True])
    costs = RowCosts.of(p, truth, 10.0)
    assert costs.flagged.tolist() == [False, True, True, True]
    assert costs.cost.tolist() == [10.0, 1.0, 1.0, 1.0]


def test_amounts_spread_the_cost_and_keep_its_mean() -> None:
    truth = np.array([True, True, False])
    costs = RowCosts.of(np.array([0.0, 0.0, 0.02]), truth, 10.0, np.array([-30.0, 10.0, 2000.0]))
    assert costs.loss.tolist() == [15.0, 5.0, 1000.0]
    assert costs.loss[truth].mean() == 10.0
    assert costs.flagged.tolist() == [False, False, True]


@pytest.mark.parametrize("amounts", [[np.nan, np.nan], [0.0, 0.0]])
def test_missing_and_zero_amounts_are_ignored(amounts: list[float]) -> None:
    assert RowCosts.of(np.zeros(2), np.array([True, False]), 4.0, np.array(amounts)).loss.tolist() == [4.0, 4.0]


def test_a_missing_amount_counts_as_the_mean() -> None:
    costs = RowCosts.of(np.zeros(3), np.array([True, True, True]), 4.0, np.array([1.0, np.nan, 3.0]))
    assert costs.loss.tolist() == [2.0, 4.0, 6.0]
