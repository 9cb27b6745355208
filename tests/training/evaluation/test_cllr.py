"""Cllr and its minimum: known values, and that no monotone change does better."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.evaluation.cllr import log_ratio_cost, min_log_ratio_cost
from fraudsieve.training.evaluation.report import evaluate


def test_known_values() -> None:
    fraud = np.array([True, True, False, False])
    assert log_ratio_cost(np.zeros(4), fraud) == 1.0
    assert log_ratio_cost(np.array([np.inf, np.inf, -np.inf, -np.inf]), fraud) == 0.0
    # Brümmer and du Preez: the mean of log2(1 + 1/LR) of one kind and log2(1 + LR) of the other.
    ratios = np.array([3.0, 1.0, 0.5, 7.0])
    expected = (np.log2([1 + 1 / 3, 2]).mean() + np.log2([1.5, 8]).mean()) / 2
    assert log_ratio_cost(np.log10(ratios), fraud) == pytest.approx(expected)
    assert log_ratio_cost(-np.log10(ratios), fraud) > expected / 2


def test_the_minimum_of_a_worked_example() -> None:
    score, fraud = np.array([1.0, 2, 3, 4]), np.array([False, True, False, True])
    # PAV pools the two in the middle: half of them are frauds, so their ratio is 1 and costs one bit each.
    assert min_log_ratio_cost(score, fraud) == pytest.approx(0.5)
    assert min_log_ratio_cost(np.ones(4), fraud) == pytest.approx(1.0)


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=2, max_size=40).filter(
        lambda rows: 0 < sum(fraud for _, fraud in rows) < len(rows)
    ),
    st.floats(0.1, 3),
    st.floats(-2, 2),
)
def test_no_monotone_change_costs_less_than_the_minimum(
    rows: list[tuple[float, bool]], slope: float, shift: float
) -> None:
    ratio, fraud = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    least = min_log_ratio_cost(ratio, fraud)
    assert 0 <= least <= 1 + 1e-9
    assert least <= log_ratio_cost(slope * ratio + shift, fraud) + 1e-9


def test_the_report_has_the_cost_of_its_likelihood_ratios() -> None:
    rng = np.random.default_rng(1)
    fraud = rng.random(4000) < 0.2
    odds = rng.normal(np.where(fraud, 1.0, -1.0), 1) * 2 + np.log(0.2 / 0.8)  # LRs of two normals, calibrated
    p = 1 / (1 + np.exp(-odds))
    labels = np.where(fraud, "spam", "ham").astype(object)
    report = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    assert report.cllr is not None
    assert report.min_cllr is not None
    assert report.min_cllr < report.cllr < report.min_cllr + 0.02
    assert report.log10_lr_bounds is not None
    low, high = report.log10_lr_bounds
    assert -3.5 < low < -1 < 1 < high < 3.5
    one_kind = evaluate(p[fraud], ("ham", "spam"), np.column_stack([1 - p, p])[fraud], labels[fraud], "ham")
    assert (one_kind.cllr, one_kind.min_cllr, one_kind.log10_lr_bounds) == (None, None, None)
