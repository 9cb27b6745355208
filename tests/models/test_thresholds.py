"""Operating points: no bound is exceeded, with or without ties, and no lower threshold would keep it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, norm

from fraudsieve._typing import Array
from fraudsieve.models.guarantees import draw_of_groups
from fraudsieve.models.thresholds import (
    CAPACITY,
    FALSE_POSITIVE_RATES,
    Costs,
    Targets,
    estimated_threshold,
    operating_points,
)
from tests.messages import refused

# Few distinct values, so that ties are frequent.
TIED = st.sampled_from([0.0, 1e-300, 0.1, 0.1 + 2**-56, 0.5, 1 - 2**-53, 1.0])
ROWS = st.lists(st.tuples(st.one_of(TIED, st.floats(0, 1)), st.booleans()), min_size=1, max_size=300)


def as_arrays(rows: list[tuple[float, bool]]) -> tuple[Array, Array]:
    probability, is_fraud = zip(*rows, strict=True)
    return np.array(probability), np.array(is_fraud)


RATES = (0.05, 0.2, 0.5)


@given(ROWS)
def test_no_rate_is_exceeded_and_thresholds_are_minimal(rows: list[tuple[float, bool]]) -> None:
    probability, is_fraud = as_arrays(rows)
    points = operating_points(probability, is_fraud, Targets(RATES))
    if is_fraud.all():
        assert points == ()
        return
    n_clean = int((~is_fraud).sum())
    assert {point.target_rate for point in points} - {None} == set(RATES)
    for point in points:
        assert point.problem is None
        if point.estimated_false_positive_rate is not None:
            assert binom.cdf(0, n_clean, point.estimated_false_positive_rate) > 0.05  # too few for a promise
        flagged = probability >= point.threshold
        assert point.false_positive_rate == flagged[~is_fraud].mean()
        assert point.recall == (flagged[is_fraud].mean() if is_fraud.any() else None)
        assert point.flagged == flagged.mean()
        if point.max_false_positive_rate is not None:
            # With groups of one, the bound is the plain binomial one.
            rate, below = point.max_false_positive_rate, np.nextafter(point.threshold, -1)
            assert binom.cdf(flagged[~is_fraud].sum(), n_clean, rate) <= 0.05
            assert binom.cdf((probability >= below)[~is_fraud].sum(), n_clean, rate) > 0.05


@given(ROWS, st.integers(1, 40))
def test_a_threshold_is_never_looser_than_the_bound_over_groups(rows: list[tuple[float, bool]], n: int) -> None:
    probability, is_fraud = both_kinds(rows)
    groups = np.arange(len(rows) + 2) * n // (len(rows) + 2)
    points = operating_points(probability, is_fraud, Targets(RATES), groups=groups)
    n_groups = len(np.unique(groups[~is_fraud]))
    clean = np.flatnonzero(~is_fraud)
    drawn = clean[draw_of_groups(groups[clean])]
    assert {point.legitimate_groups for point in points} - {None} == {n_groups}
    for point in points:
        if point.max_false_positive_rate is not None:
            hits = (probability[drawn] >= point.threshold).sum()
            assert binom.cdf(hits, n_groups, point.max_false_positive_rate) <= 0.05


@given(ROWS, st.floats(0.5, 0.98))
def test_thresholds_rise_with_the_confidence_and_fall_with_the_rate(
    rows: list[tuple[float, bool]], confidence: float
) -> None:
    probability, is_fraud = both_kinds(rows)

    def thresholds(confidence: float) -> list[float]:
        points = operating_points(probability, is_fraud, Targets(RATES, confidence=confidence))
        of_rates = {point.max_false_positive_rate: point.threshold for point in points}
        return [of_rates.get(rate, 2.0) for rate in RATES]

    loose, strict = thresholds(confidence), thresholds(confidence + 0.01)
    assert all(a <= b for a, b in zip(loose, strict, strict=True))
    assert loose == sorted(loose, reverse=True)


def test_the_first_rate_decides_and_the_points_are_ordered_as_their_rates() -> None:
    rng = np.random.default_rng(0)
    points = operating_points(rng.random(20_000), rng.random(20_000) < 0.1)
    assert [point.name for point in points] == list(Targets().names)
    by_rate = [point.threshold for _, point in sorted(zip(FALSE_POSITIVE_RATES, points[:3], strict=True))]
    assert by_rate == sorted(by_rate, reverse=True)
    rates = [point.false_positive_rate or 0 for point in points[:3]]
    assert all(rate / 2 < found < rate for rate, found in zip(FALSE_POSITIVE_RATES, rates, strict=True))
    assert [point.legitimate_groups for point in points[:3]] == [17_962] * 3


def test_ties_stay_below() -> None:
    probability = np.array([0.4] * 298 + [0.9] * 2 + [0.9])
    is_fraud = np.arange(301) == 300
    point = operating_points(probability, is_fraud)[0]
    assert (point.false_positive_rate, point.recall) == (0.0, 0.0)
    assert point.threshold > 0.9


def test_a_legitimate_message_of_probability_one_prevents_flags() -> None:
    point = operating_points(np.ones(400), np.arange(400) == 0)[0]
    assert (point.name, point.flagged, point.recall) == ("false_positive_rate_0.01", 0.0, 0.0)
    assert point.threshold > 1


def test_without_legitimate_rows_there_are_no_points_and_without_fraud_those_of_rates() -> None:
    assert operating_points(np.array([0.1, 0.9]), np.array([True, True])) == ()
    assert operating_points(np.zeros(0), np.zeros(0, bool)) == ()
    points = operating_points(np.linspace(0, 1, 100), np.zeros(100, bool))
    assert [point.name for point in points] == list(Targets().names[:3])
    assert {point.recall for point in points} == {None}
    named = operating_points(np.linspace(0, 1, 100), np.zeros(100, bool), Targets(decide_by="false_positive_rate_0.05"))
    assert named[0].name == "false_positive_rate_0.05"


def test_with_two_rows_a_rate_is_estimated_and_decides() -> None:
    point, *_, capacity = operating_points(np.array([0.2, 0.3]), np.array([False, True]))
    assert (point.name, point.false_positive_rate, point.recall) == ("false_positive_rate_0.01", 0.0, 1.0)
    assert 0.2 < point.threshold <= 0.3
    assert (point.legitimate_groups, point.interval) == (1, (0.0, 0.975))
    assert (capacity.name, capacity.flagged) == (CAPACITY, 0.5)


def test_a_rate_is_promised_or_estimated_by_the_number_of_groups() -> None:
    points = operating_points(np.linspace(0, 1, 110), np.arange(110) >= 100)
    assert [point.name for point in points] == list(Targets().names)
    assert [point.max_false_positive_rate for point in points] == [None, None, 0.05, None]
    assert [point.estimated_false_positive_rate for point in points] == [0.01, 0.001, None, None]
    assert points[0].interval == pytest.approx((0.0003, 0.0545), abs=1e-4)
    several_models = operating_points(np.linspace(0, 1, 110), np.arange(110) >= 100, promise=False)
    assert several_models[2].estimated_false_positive_rate == 0.05
    assert several_models[2].threshold < points[2].threshold


def test_a_promised_rate_states_a_lower_bound_of_recall_over_groups_of_fraud() -> None:
    # 100 legitimate records, and 20 campaigns of fraud with two messages each: 15 of them have the highest scores.
    probability = np.concatenate([np.linspace(0.1, 0.6, 100), np.repeat([0.9] * 15 + [0.05] * 5, 2)])
    groups = np.concatenate([np.arange(100), 100 + np.repeat(np.arange(20), 2)])
    points = operating_points(probability, np.arange(140) >= 100, groups=groups)
    bound = next(point for point in points if point.max_false_positive_rate).min_recall
    assert bound == pytest.approx(float(beta.ppf(0.05, 15, 6)))
    assert {point.min_recall for point in points if point.max_false_positive_rate is None} == {None}


@pytest.mark.parametrize("n", [25, 50, 200, 1000])
def test_an_estimated_rate_is_met_on_the_mean(n: int) -> None:
    rng = np.random.default_rng(n)
    rates = []
    for _ in range(400):
        odds = np.sort(rng.normal(-3, 1.5, n))[::-1]
        threshold = estimated_threshold(1 / (1 + np.exp(-odds)), 0.01)
        rates.append(norm.sf((np.log(threshold / (1 - threshold)) + 3) / 1.5))
    assert 0.005 < np.mean(rates) < 0.018
    highest = 1 / (1 + n)  # the rate above the highest of n, on the mean
    assert np.mean(rates) < highest or n >= 100
    assert np.mean(np.array(rates) > 0.1) < 0.03


@given(st.floats(1e-12, 1 - 1e-9), st.integers(2, 200), st.sampled_from([1e-4, 0.001, 0.004]))
def test_equal_probabilities_are_below_a_threshold_beyond_them(equal: float, n: int, rate: float) -> None:
    assert estimated_threshold(np.full(n, equal), rate) > equal


def test_the_capacity_is_as_many_alerts_as_frauds_or_as_many_as_are_given() -> None:
    arrays = np.linspace(0, 1, 50), np.arange(50) % 5 == 0
    assert only(*arrays, Targets(()), CAPACITY).flagged * 50 == 10
    assert only(*arrays, Targets(()), CAPACITY, capacity=3.9).flagged * 50 == 3
    assert only(*arrays, Targets(()), CAPACITY, capacity=900.0).threshold == 0


def only(probability: Array, is_fraud: Array, targets: Targets, name: str | None = None, **options: Any) -> Any:
    points = operating_points(probability, is_fraud, targets, **options)
    return next(point for point in points if point.name == (name or targets.names[0]))


def both_kinds(rows: list[tuple[float, bool]]) -> tuple[Array, Array]:
    return as_arrays([*rows, (0.5, True), (0.5, False)])


@given(ROWS, st.sampled_from([0.5, 1.0, 3.0, 40.0]), st.sampled_from([0.7, 1.0, 10.0]))
def test_alerts_do_not_exceed_the_review_capacity(rows: list[tuple[float, bool]], capacity: float, days: float) -> None:
    probability, is_fraud = both_kinds(rows)
    point = only(probability, is_fraud, Targets((), alerts_a_day=(capacity,)), days=days)
    flagged = probability >= point.threshold
    assert point.alerts_a_day == flagged.sum() / days <= capacity * (1 + 1e-9)
    assert point.recall == flagged[is_fraud].mean()
    if not flagged.all():
        more = (probability >= probability[~flagged].max()).sum()
        assert more / days > capacity


def test_a_capacity_of_one_in_ten_days_is_one() -> None:
    probability = np.arange(10) / 10
    for capacity, days in ((0.1, 10.0), (0.1, 30.0), (0.7, 10.0), (1.1, 10.0)):
        point = only(probability, probability > 0.5, Targets((), alerts_a_day=(capacity,)), days=days)
        assert point.flagged * 10 == pytest.approx(capacity * days if capacity * days < 10 else 10)


def test_a_capacity_beyond_all_flags_all() -> None:
    point = only(np.array([0.0, 0.9]), np.array([False, True]), Targets((), alerts_a_day=(9,)), days=1.0)
    assert (point.threshold, point.flagged, point.alerts_a_day) == (0.0, 1.0, 2.0)


@given(ROWS, st.sampled_from([0.01, 0.5, 0.9, 1.0]))
def test_the_precision_is_kept_and_no_lower_threshold_would_keep_it(
    rows: list[tuple[float, bool]], target: float
) -> None:
    probability, is_fraud = both_kinds(rows)
    point = only(probability, is_fraud, Targets((), precisions=(target,)))
    flagged = probability >= point.threshold
    assert flagged.any() == (point.precision is not None)
    assert point.precision is None or point.precision == is_fraud[flagged].mean() >= target
    for lower in np.unique(probability[~flagged]):
        assert is_fraud[probability >= lower].mean() < target


def test_a_precision_that_is_met_exactly_is_met() -> None:
    probability, is_fraud = np.repeat([0.9, 0.1], [100, 50]), np.arange(150) < 55
    assert 0.55 * 100 > 55  # by a rounding error
    point = only(probability, is_fraud, Targets((), precisions=(0.55,)))
    assert (point.flagged, point.precision) == (100 / 150, 0.55)


def test_a_precision_met_twice_uses_the_lower_threshold() -> None:
    probability, is_fraud = np.array([0.9, 0.8, 0.7, 0.6, 0.1]), np.array([False, True, True, True, False])
    point = only(probability, is_fraud, Targets((), precisions=(0.75,)))
    assert (point.flagged, point.precision, point.recall) == (0.8, 0.75, 1.0)


@given(ROWS, st.tuples(*[st.sampled_from([0.0, 1.0, 7.5, 30.0])] * 3), st.booleans())
def test_no_threshold_is_cheaper(rows: list[tuple[float, bool]], prices: tuple[float, ...], by_amount: bool) -> None:
    probability, is_fraud = both_kinds(rows)
    amounts = np.random.default_rng(len(rows)).integers(1, 9, len(probability)).astype(float)
    point = only(
        probability,
        is_fraud,
        Targets((), costs=Costs(prices[0], prices[1], prices[2], by_amount=by_amount)),
        amounts=amounts,
    )
    missed = prices[0] * (amounts if by_amount else np.ones(len(amounts)))

    def cost(threshold: float) -> float:
        flagged = probability >= threshold
        alarms = prices[1] * (flagged & ~is_fraud).sum() + prices[2] * flagged.sum()
        return float(missed[is_fraud & ~flagged].sum() + alarms)

    others = [cost(threshold) for threshold in [*np.unique(probability), 2.0]]
    assert cost(point.threshold) == pytest.approx(min(others), abs=1e-9)


def test_equal_costs_prefer_fewer_alerts() -> None:
    probability, is_fraud = np.array([0.9, 0.5, 0.1]), np.array([True, True, False])
    assert only(probability, is_fraud, Targets((), costs=Costs(2.0, review=2.0))).flagged == 0
    assert only(probability, is_fraud, Targets((), costs=Costs(2.1, review=2.0))).recall == 1


def test_a_fraud_of_an_unknown_amount_costs_the_mean() -> None:
    missed = Costs(0.5, by_amount=True).of_missed(3, np.array([10.0, np.nan, 30.0]))
    assert missed.tolist() == [5, 10, 15]
    with refused(ValueError, "costs.by_amount"):
        Costs(0.5, by_amount=True).of_missed(2, np.array([np.nan, np.nan]))
    with pytest.raises(ValueError, match=r"costs\.by_amount"):
        Costs(0.5, by_amount=True).of_missed(2, None)


def test_the_named_point_decides_and_the_others_keep_their_order() -> None:
    targets = Targets((0.1, 0.2), (3,), (0.5,), Costs(1.0))
    arrays = np.linspace(0, 1, 50), np.arange(50) % 3 == 0
    assert [point.name for point in operating_points(*arrays, targets, days=1.0)] == list(targets.names)
    named = Targets((0.1, 0.2), (3,), (0.5,), Costs(1.0), "precision_0.5")
    names = [point.name for point in operating_points(*arrays, named, days=1.0)]
    assert names == ["precision_0.5", *(name for name in targets.names if name != "precision_0.5")]
    with refused(ValueError, "none"):
        operating_points(*arrays, Targets((0.1,), decide_by="none"))


def test_alerts_per_day_need_days() -> None:
    with refused(ValueError, "alerts_a_day"):
        operating_points(np.array([0.1, 0.9]), np.array([False, True]), Targets(alerts_a_day=(1,)))
    point, *_ = operating_points(np.array([0.1, 0.9]), np.array([False, True]))
    assert point.alerts_a_day is None
    assert point.problem is None


def test_a_reserve_of_half_the_risk_is_a_higher_confidence_of_the_same_promise() -> None:
    rng = np.random.default_rng(0)
    p, is_fraud = rng.random(3000), rng.random(3000) < 0.1
    of = {
        name: operating_points(p, is_fraud, targets)[0]
        for name, targets in (
            ("reserved", Targets((0.05,), reserve=0.5)),
            ("strict", Targets((0.05,), confidence=0.975)),
            ("plain", Targets((0.05,))),
        )
    }
    assert of["reserved"].threshold == of["strict"].threshold > of["plain"].threshold
    assert of["reserved"].confidence == of["plain"].confidence == 0.95
    few = operating_points(p[:65], is_fraud[:65], Targets((0.05,), reserve=0.5))
    assert few[0].max_false_positive_rate is None
    assert operating_points(p[:75], is_fraud[:75], Targets((0.05,)))[0].max_false_positive_rate == 0.05
