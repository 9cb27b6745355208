"""Figures of one contestant in one draw, and their intervals."""

import numpy as np
import pytest
from benchmarks.transfer.measures import DrawScores, bootstrap_figures, figures_of


def draw_of(fraud_shift: float, *, chat_shift: float = 0.0, n: int = 400, group: int = 1) -> DrawScores:
    """Scores of n held-back texts and of 2,000 elsewhere, half of them fraud."""
    rng = np.random.default_rng(0)
    held_back_is_fraud, is_fraud = np.arange(n) % 2 == 0, np.arange(2000) % 2 == 0
    held_back = rng.normal(size=n) + 4 * held_back_is_fraud
    return DrawScores(
        held_back,
        held_back_is_fraud,
        np.arange(n) // group,
        rng.normal(size=2000) + np.where(is_fraud, fraud_shift, chat_shift),
        is_fraud,
    )


def test_equal_false_positives_are_those_of_the_target() -> None:
    years = np.where(np.arange(2000) % 4 == 0, 2020, 2021)
    at_home, shifted = (figures_of(draw_of(4.0 + shift, chat_shift=shift), years) for shift in (0.0, 3.0))
    assert at_home["recall_at_1pct"] == pytest.approx(shifted["recall_at_1pct"])
    assert at_home["recall_at_01pct"] < at_home["recall_at_1pct"]
    assert at_home["average_precision"] == pytest.approx(shifted["average_precision"])
    assert at_home["flagged"] < 0.03 < 0.5 < shifted["flagged"]
    assert at_home["ece"] < 0.03 < shifted["ece"]
    assert at_home["recall_at_own_1pct"] > 0.9


def test_a_promised_point_allows_as_few_groups_as_keep_the_rate() -> None:
    years = np.zeros(2000, np.int64)
    draw = draw_of(4.0, n=2000)
    legitimate = draw.held_back[~draw.held_back_is_fraud]
    assert (legitimate > draw.promised_threshold).sum() == 4  # of 1,000, by Clopper and Pearson
    figures = figures_of(draw, years)
    assert figures["flagged_promised"] < figures["flagged"]
    assert figures["recall_promised"] < figures["recall_at_own_1pct"]
    too_few = figures_of(draw_of(4.0, n=2000, group=8), years)  # 250 groups, of the 299 that 1 % needs
    assert (too_few["flagged_promised"], too_few["recall_promised"]) == (0.0, 0.0)


def test_recall_by_year_leaves_out_unknown_years() -> None:
    years = np.where(np.arange(2000) < 1000, 2020, 0)
    figures = figures_of(draw_of(4.0), years)
    by_year = {name: value for name, value in figures.items() if name.startswith("recall_at_1pct.")}
    assert list(by_year) == ["recall_at_1pct.2020"]
    assert by_year["recall_at_1pct.2020"] == pytest.approx(figures["recall_at_1pct"], abs=0.05)


def test_intervals_hold_the_figure_and_are_wider_with_few_campaigns() -> None:
    draws = {"ours": [draw_of(3.0)], "linear_svm": [draw_of(2.0)]}
    rows, campaigns = np.arange(2000), np.arange(2000) // 100
    figures = figures_of(draws["ours"][0], np.zeros(2000, np.int64))
    single = bootstrap_figures(draws, [rows], ours="ours")["ours"]
    grouped = bootstrap_figures(draws, [campaigns], ours="ours")["ours"]
    for intervals in (single, grouped):
        assert intervals["recall_at_1pct.low"] < figures["recall_at_1pct"] < intervals["recall_at_1pct.high"]
        assert intervals["flagged.low"] <= figures["flagged"] <= intervals["flagged.high"]
    assert single["recall_at_1pct.lead_over_linear_svm.low"] > 0.1
    same = bootstrap_figures({"ours": draws["ours"], "twin": draws["ours"]}, [rows], ours="ours")["ours"]
    assert same["recall_at_1pct.lead_over_twin.low"] == same["recall_at_1pct.lead_over_twin.high"] == 0.0
