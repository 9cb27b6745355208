"""The probability of each record is how often it is drawn, and weighted sums are right on average."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError
from fraudsieve.review.draw import ALERT, AUDIT, NEAR, UNIFORM, Frame, ReviewPlan, Selection, select

MAY = date(2026, 5, 1)
GROUPS = np.array([5, 1, 1, 7, 3, 3, 3, 0, 2, 6, 6, 4])
PLAN = ReviewPlan(5, audit=0.4, near=0.2)


def frame(n_flagged: int = 4, rank: Array | None = None, power: float = 1) -> Frame:
    """Return twelve records in campaigns, of which the first are flagged."""
    n = len(GROUPS)
    ranks = np.zeros(n) if rank is None else rank
    return Frame(np.linspace(0.9, 0.1, n) ** power, np.arange(n) < n_flagged, GROUPS, ranks)


def drawn(seed: int, plan: ReviewPlan = PLAN, power: float = 1) -> Selection:
    return select(frame(power=power), replace(plan, seed=seed), MAY)


@pytest.mark.parametrize("audit", [0.4, 0.8])  # of 7 campaigns, 2 or 4, some of which are certain
@pytest.mark.parametrize("power", [0, 0.5, 1, 2, 20])
def test_the_frequency_over_seeds_is_the_probability_whatever_the_model_says(power: float, audit: float) -> None:
    repeats, n = 2_000, len(GROUPS)
    counts, stated, totals = np.zeros(n), np.zeros(n), np.zeros(repeats)
    y = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0])
    for seed in range(repeats):
        found = drawn(seed, replace(PLAN, audit=audit), power)
        assert len(found.rows) == 5
        counts[found.rows] += 1
        stated[found.rows] = found.probability
        totals[seed] = (y[found.rows] / found.probability).sum()
    assert (stated > 0).all()
    error = np.sqrt(stated * (1 - stated) / repeats)
    assert (np.abs(counts / repeats - stated) <= 4 * error + 1e-12).all()
    assert stated.sum() == pytest.approx(counts.sum() / repeats)
    assert abs(totals.mean() - y.sum()) < 4 * totals.std() / np.sqrt(repeats)


def test_a_second_draw_of_a_day_does_not_depend_on_what_chance_gave_the_first() -> None:
    repeats, n, plan = 4_000, 60, ReviewPlan(8, audit=1)
    chance = np.random.default_rng(1)
    whole = Frame(chance.beta(0.5, 3, n), np.zeros(n, bool), np.arange(n) // 3, np.zeros(n))
    weights, drawable = np.zeros(n), np.zeros(n)
    for seed in range(repeats):
        first = select(whole, replace(plan, seed=seed), MAY)
        left = np.setdiff1d(np.arange(n), first.rows)
        second = select(Frame(*(part[left] for part in whole)), replace(plan, seed=seed), MAY)
        weights[left[second.rows]] += 1 / second.probability
        drawable[left] += 1
    assert np.abs(weights / drawable - 1).max() < 0.2


@pytest.mark.parametrize("seed", range(20))
def test_one_record_of_a_campaign_is_audited_with_the_derived_probability(seed: int) -> None:
    found = drawn(seed)
    assert found.why.tolist() == [ALERT, ALERT, NEAR, AUDIT, AUDIT]
    assert found.rows[:3].tolist() == [0, 1, 4]
    rest = np.setdiff1d(np.arange(len(GROUPS)), [0, 1, 4])
    audited = found.rows[3:]
    assert len({*GROUPS[audited]}) == 2
    probability = frame().probability
    means = np.array([probability[rest][GROUPS[rest] == GROUPS[row]].mean() for row in rest])
    chances = (1 - UNIFORM) * np.sqrt(means) / np.sqrt(means).sum() + UNIFORM / len(rest)
    expected = 2 * chances[np.searchsorted(rest, audited)]  # of one record, so without the size of the campaign
    assert found.probability.tolist() == pytest.approx([1, 1, 1, *expected])


def test_equal_seeds_and_days_give_equal_draws_and_others_do_not() -> None:
    plan = ReviewPlan(5, audit=0.4)
    days = [date(2026, 5, day) for day in range(1, 21)]
    draws = {tuple(select(frame(), plan, day).rows.tolist()) for day in days}
    assert select(frame(), plan, MAY).rows.tolist() == select(frame(), plan, MAY).rows.tolist()
    assert len(draws) > 5


def test_flagged_records_beyond_the_capacity_can_be_audited() -> None:
    audited = {row for seed in range(200) for row in drawn(seed).rows[3:].tolist()}
    assert {2, 3} <= audited


def test_what_alerts_leave_over_is_not_filled_with_records_that_passed() -> None:
    found = select(frame(n_flagged=1), ReviewPlan(10, audit=0.2), MAY)
    assert found.why.tolist() == [ALERT, AUDIT, AUDIT]


def test_without_an_audit_nothing_covers_the_rest() -> None:
    found = select(frame(), ReviewPlan(5, near=0.2), MAY)
    assert (found.covers, set(found.why)) == (False, {ALERT, NEAR})
    assert select(frame(), ReviewPlan(5, audit=0.01), MAY).covers
    assert select(frame(n_flagged=12), ReviewPlan(12), MAY).covers  # all are drawn


def test_an_audit_of_everything_draws_one_of_each_campaign() -> None:
    found = select(frame(n_flagged=0), ReviewPlan(50, audit=1), MAY)
    assert sorted(GROUPS[found.rows].tolist()) == list(range(8))
    assert (1 / found.probability).sum() == pytest.approx(12)


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_no_probability_is_above_1_and_of_a_model_that_says_0_all_records_are_alike(n: int) -> None:
    certain = Frame(np.zeros(12), np.zeros(12, np.bool_), np.arange(12), np.zeros(12))
    assert select(certain, ReviewPlan(n, audit=1), MAY).probability.tolist() == pytest.approx([n / 12] * n)
    few = certain._replace(probability=np.array([1.0] * 2 + [1e-12] * 10))
    found = select(few, ReviewPlan(n, audit=1), MAY)
    assert len(found.rows) == len({*found.rows.tolist()}) == n
    assert found.probability.max() <= 1


def test_near_records_are_the_highest_that_passed_of_different_campaigns() -> None:
    found = select(frame(), ReviewPlan(3, near=1), MAY)
    assert found.rows.tolist() == [4, 7, 8]  # not 5 and 6, which are of the campaign of 4


def test_alerts_come_case_by_case() -> None:
    rank = np.full(len(GROUPS), np.inf)
    rank[[3, 1]], rank[0] = 1, 2
    assert select(frame(rank=rank), ReviewPlan(4), MAY).rows.tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize(
    ("capacity", "audit", "near", "counts"),
    [(100, 0.07, 0, (93, 0, 7)), (10, 0.01, 0, (9, 0, 1)), (3, 0.5, 0.5, (0, 1, 2)), (100, 0.05, 0.05, (90, 5, 5))],
)
def test_counts(capacity: int, audit: float, near: float, counts: tuple[int, int, int]) -> None:
    assert tuple(ReviewPlan(capacity, audit, near).counts.values()) == counts


@pytest.mark.parametrize("wrong", [{"capacity": 0}, {"audit": 1.1}, {"audit": 0.6, "near": 0.6}, {"seed": -1}])
def test_wrong_plans(wrong: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="expected "):
        ReviewPlan(**{"capacity": 10, **wrong})  # type: ignore[arg-type]
