"""The probability of each record is how often it is drawn, and weighted sums are right on average."""

from datetime import date

import numpy as np
import pytest

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError
from fraudsieve.review.draw import ALERT, AUDIT, NOVEL, Frame, ReviewPlan, Selection, select

MAY = date(2026, 5, 1)
GROUPS = np.array([0, 1, 1, 2, 3, 3, 3, 4, 5, 6, 6, 7])
PLAN = ReviewPlan(5, audit=0.4, novel=0.2)


def frame(n_flagged: int = 4, rank: Array | None = None) -> Frame:
    """Return twelve records in campaigns, of which the first are flagged."""
    n = len(GROUPS)
    unlike = np.where(np.arange(n) == 8, np.nan, np.linspace(0, 0.9, n))
    return Frame(
        np.linspace(0.9, 0.1, n), np.arange(n) < n_flagged, unlike, GROUPS, np.zeros(n) if rank is None else rank
    )


def drawn(seed: int, plan: ReviewPlan = PLAN) -> Selection:
    return select(frame(), ReviewPlan(plan.capacity, plan.audit, plan.novel, seed), MAY)


@pytest.mark.slow
def test_the_frequency_over_seeds_is_the_probability() -> None:
    repeats, n = 10_000, len(GROUPS)
    counts, stated, totals = np.zeros(n), np.zeros(n), np.zeros(repeats)
    y = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0])
    for seed in range(repeats):
        found = drawn(seed)
        counts[found.rows] += 1
        stated[found.rows] = found.probability
        totals[seed] = (y[found.rows] / found.probability).sum()
    assert (stated > 0).all()
    error = np.sqrt(stated * (1 - stated) / repeats)
    assert (np.abs(counts / repeats - stated) <= 4 * error).all()
    assert abs(totals.mean() - y.sum()) < 4 * totals.std() / np.sqrt(repeats)


@pytest.mark.parametrize("seed", range(20))
def test_one_record_of_a_campaign_is_audited_with_the_derived_probability(seed: int) -> None:
    found = drawn(seed)
    assert found.why.tolist() == [ALERT, ALERT, NOVEL, AUDIT, AUDIT]
    assert found.rows[:3].tolist() == [0, 1, 11]
    rest = np.setdiff1d(np.arange(len(GROUPS)), [0, 1, 11])
    audited = found.rows[3:]
    assert len({*GROUPS[audited]}) == 2
    n_groups = len({*GROUPS[rest]})
    sizes = [(GROUPS[rest] == GROUPS[row]).sum() for row in audited]
    assert found.probability.tolist() == pytest.approx([1, 1, 1, *(2 / n_groups / size for size in sizes)])


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
    found = select(frame(), ReviewPlan(5, novel=0.2), MAY)
    assert (found.covers, set(found.why)) == (False, {ALERT, NOVEL})
    assert select(frame(), ReviewPlan(5, audit=0.01), MAY).covers
    assert select(frame(n_flagged=12), ReviewPlan(12), MAY).covers  # all are drawn


def test_an_audit_of_everything_draws_one_of_each_campaign() -> None:
    found = select(frame(n_flagged=0), ReviewPlan(50, audit=1), MAY)
    assert sorted(GROUPS[found.rows].tolist()) == list(range(8))
    assert (1 / found.probability).sum() == pytest.approx(12)


def test_novel_records_are_the_most_unfamiliar_of_different_campaigns() -> None:
    found = select(frame(), ReviewPlan(3, novel=1), MAY)
    assert found.rows.tolist() == [11, 10, 7]  # not 9, which is of the campaign of 10, and not 8, which is not known


def test_alerts_come_case_by_case() -> None:
    rank = np.full(len(GROUPS), np.inf)
    rank[[3, 1]], rank[0] = 1, 2
    assert select(frame(rank=rank), ReviewPlan(4), MAY).rows.tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize(
    ("capacity", "audit", "novel", "counts"),
    [(100, 0.07, 0, (93, 0, 7)), (10, 0.01, 0, (9, 0, 1)), (3, 0.5, 0.5, (0, 1, 2)), (100, 0.05, 0.05, (90, 5, 5))],
)
def test_counts(capacity: int, audit: float, novel: float, counts: tuple[int, int, int]) -> None:
    assert tuple(ReviewPlan(capacity, audit, novel).counts.values()) == counts


@pytest.mark.parametrize("wrong", [{"capacity": 0}, {"audit": 1.1}, {"audit": 0.6, "novel": 0.6}, {"seed": -1}])
def test_wrong_plans(wrong: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="expected "):
        ReviewPlan(**{"capacity": 10, **wrong})  # type: ignore[arg-type]
