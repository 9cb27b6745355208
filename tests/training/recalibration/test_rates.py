"""Rates of labels that were drawn: coverage of promises, of intervals, and weighted shares."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from fraudsieve._typing import Array
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.thresholds import Targets
from fraudsieve.review.draw import Frame, ReviewPlan, select
from fraudsieve.training.recalibration.outcomes import (
    LabelledRecords,
    points_of_rates,
    rate_interval,
    weighted_threshold,
    with_rates,
)

from .drawn import draw


def scored(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Return probabilities of fraud and classes of records, 5 % of them fraud."""
    is_fraud = rng.random(n) < 0.05
    score = rng.normal(np.where(is_fraud, 3.0, 0.0))
    return 1 / (1 + np.exp(3 - score)), is_fraud


def audited(rng: np.random.Generator, n: int = 8000, drawn: int = 300) -> tuple[LabelledRecords, Array, Array]:
    """Return an audited sample of records, and all scores and classes."""
    probability, is_fraud = scored(rng, n)
    rows, inclusion = draw(probability, drawn, seed=int(rng.integers(1 << 30)))
    records = LabelledRecords(probability[rows], is_fraud[rows], inclusion, inclusion, n)
    return records, probability, is_fraud


def true_rate(threshold: float) -> float:
    from scipy.stats import norm

    return float(norm.sf(3 + np.log(threshold / (1 - threshold)))) if 0 < threshold < 1 else float(threshold <= 0)


@pytest.mark.slow
def test_the_true_rate_exceeds_the_promise_in_at_most_one_audit_of_twenty() -> None:
    rng, rates = np.random.default_rng(0), []
    for _ in range(300):
        points = points_of_rates(audited(rng)[0], Targets((0.02,)))
        rates += [true_rate(point.threshold) for point in points]
    assert len(rates) == 300
    assert np.mean(np.array(rates) > 0.02) <= 0.05
    assert 0.005 < np.mean(rates) < 0.02  # not so careful that nothing is flagged


def reviewed(rng: np.random.Generator, alerts: int, audit: int, *, answered: float = 1.0) -> LabelledRecords:
    """Return the answers to a draw of the highest scores and an audit of the others, without those of some alerts."""
    probability, is_fraud = scored(rng, 8000)
    frame = Frame(probability, probability > 0.05, np.arange(8000), np.zeros(8000))
    plan = ReviewPlan(alerts + audit, audit / (alerts + audit), seed=int(rng.integers(1 << 30)))
    drawn = select(frame, plan, date.min)
    kept = (drawn.probability < 1) | (rng.random(len(drawn.rows)) < answered)
    rows, inclusion = drawn.rows[kept], drawn.probability[kept]
    unknown = np.delete(probability, rows).max()
    others = np.sort(np.delete(probability, rows[is_fraud[rows]]))
    n = min(8000, round((1 / inclusion).sum()))
    return LabelledRecords(probability[rows], is_fraud[rows], inclusion, inclusion, n, unknown, others)


@pytest.mark.slow
@pytest.mark.parametrize("answered", [1.0, 0.5])
def test_the_promise_holds_with_the_answers_to_a_draw_for_review(answered: float) -> None:
    rng, rates = np.random.default_rng(2), []
    for _ in range(200):
        points = points_of_rates(reviewed(rng, 100, 800, answered=answered), Targets((0.02,)))
        rates += [true_rate(point.threshold) for point in points]
        assert points[0].max_false_positive_rate == 0.02
    assert len(rates) == 200
    assert np.mean(np.array(rates) > 0.02) <= 0.05
    assert 0.002 < np.mean(rates) < 0.02


def test_above_a_record_without_a_label_the_lowest_probability_holds() -> None:
    records = reviewed(np.random.default_rng(0), 100, 400)
    lowest = records.inclusion.min()
    is_above = records.probability > records.unknown
    assert (records.reach == np.where(is_above, records.group_inclusion, lowest)).all()
    assert is_above.sum() == 100  # the alerts
    top = replace(records, unknown=float(records.probability.max()))
    assert (top.reach == lowest).all()
    strict = [points_of_rates(replace(one, others=None), Targets((0.005,))) for one in (records, top)]
    assert [point.max_false_positive_rate for (point,) in strict] == [0.005, None]


def test_all_records_above_a_threshold_bound_the_rate_that_few_audits_cannot() -> None:
    records = reviewed(np.random.default_rng(0), 60, 60)
    (alone,) = points_of_rates(replace(records, others=None), Targets((0.02,)))
    (point,) = points_of_rates(records, Targets((0.02,)))
    assert point.max_false_positive_rate == 0.02
    assert point.threshold < alone.threshold
    assert records.others is not None
    few = len(records.others) - np.searchsorted(records.others, point.threshold)
    assert few / 8000 < 0.02
    (strict,) = points_of_rates(replace(records, others=np.ones(8000)), Targets((0.02,)))
    assert strict.threshold == alone.threshold


@pytest.mark.slow
def test_the_interval_has_the_true_rate() -> None:
    rng, inside = np.random.default_rng(1), []
    for _ in range(200):
        low, high = rate_interval(audited(rng)[0], 0.4)
        inside.append(low <= true_rate(0.4) <= high)
    assert np.mean(inside) >= 0.94


def test_a_rate_that_the_sample_is_too_small_for_is_estimated() -> None:
    promised, estimated = points_of_rates(audited(np.random.default_rng(0), 2000, 100)[0], Targets((0.2, 0.0001)))
    assert (promised.max_false_positive_rate, promised.estimated_false_positive_rate) == (0.2, None)
    assert (estimated.max_false_positive_rate, estimated.estimated_false_positive_rate) == (None, 0.0001)
    assert estimated.interval is not None
    assert estimated.interval[0] <= 0.0001 <= estimated.interval[1]
    assert estimated.threshold > promised.threshold
    assert estimated.problem is None


@pytest.mark.slow
def test_an_estimated_rate_is_that_of_all_records_on_the_mean() -> None:
    rng = np.random.default_rng(4)
    for rate in (0.01, 0.05):
        rates = [true_rate(weighted_threshold(audited(rng)[0], rate)) for _ in range(100)]
        assert np.mean(rates) == pytest.approx(rate, rel=0.1)


def test_a_higher_confidence_never_lowers_a_threshold() -> None:
    records = audited(np.random.default_rng(2))[0]
    at = [
        points_of_rates(records, Targets((0.05,), confidence=confidence))[0].threshold
        for confidence in (0.6, 0.8, 0.95, 0.99)
    ]
    assert at == sorted(at)


def test_with_all_records_drawn_rates_are_those_of_the_records() -> None:
    records, probability, is_fraud = audited(np.random.default_rng(0), 400, 400)
    (point,) = with_rates([OperatingPoint("p", 0.2, None, None, 0.0)], records, probability, 4.0)
    flagged = probability >= 0.2
    assert point.false_positive_rate == pytest.approx(flagged[~is_fraud].mean())
    assert point.recall == pytest.approx(flagged[is_fraud].mean())
    assert point.precision == pytest.approx(is_fraud[flagged].mean())
    assert (point.flagged, point.alerts_a_day) == (flagged.mean(), flagged.sum() / 4)
