"""Groups are drawn whole; intervals have the declared coverage, and are wider if rows of a group are alike."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, f1_score

from fraudsieve.training.evaluation.bootstrap import (
    bootstrap_f1,
    bootstrap_ranking,
    draw_weights,
    percentile_interval,
    share_intervals,
    wilson_interval,
)
from fraudsieve.training.evaluation.ranking import RANKING_METRICS, Ranking


def made_up(rng: np.random.Generator, n_groups: int = 120, rows: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return groups whose rows are of one kind and have nearly the same score."""
    fraud = rng.random(n_groups) < 0.3
    level = rng.normal(1.5 * fraud, 1.0)
    groups = np.repeat(np.arange(n_groups), rows)
    scores = 1 / (1 + np.exp(-(level[groups] + rng.normal(0, 0.1, len(groups)))))
    return scores, fraud[groups], groups


def test_groups_are_drawn_whole_and_as_many_as_there_are() -> None:
    groups = np.array(["b", "a", "b", "c", "c", "c"])
    for drawn in draw_weights(groups, 50, seed=1):
        assert drawn[0] == drawn[2]
        assert drawn[3] == drawn[4] == drawn[5]
        assert drawn[0] + drawn[1] + drawn[3] == 3


def test_draws_repeat_for_a_seed() -> None:
    groups = np.arange(30)
    first, second, other = (np.stack(list(draw_weights(groups, 3, seed))) for seed in (5, 5, 6))
    assert (first == second).all()
    assert (first != other).any()


def test_replicates_are_the_metrics_of_the_drawn_rows() -> None:
    scores, truth, groups = made_up(np.random.default_rng(0))
    ranking = Ranking.of(scores, truth)
    result = bootstrap_ranking(ranking, groups, alerts=np.array([40.0]), replicates=5, seed=3)
    for row, drawn in enumerate(draw_weights(groups[ranking.order], 5, seed=3)):
        rows = np.repeat(ranking.order, drawn)
        expected = average_precision_score(truth[rows], scores[rows])
        assert result.metrics[row, RANKING_METRICS.index("average_precision")] == pytest.approx(expected, abs=1e-9)
        top = np.argsort(-scores[rows], kind="stable")[:40]
        # Rows that are drawn repeatedly are ties: the last of the forty alerts may be split.
        assert result.at_alerts[row, 1, 0] == pytest.approx(truth[rows][top].mean(), abs=5 / 40)


def test_as_many_alerts_as_frauds_are_as_many_in_every_draw() -> None:
    _, truth, groups = made_up(np.random.default_rng(0))
    perfect, frauds = Ranking.of(truth.astype(float), truth), np.array([float(truth.sum())])
    follows = bootstrap_ranking(perfect, groups, alerts=frauds, per_fraud=True, replicates=20)
    assert follows.at_alerts[:, :2] == pytest.approx(1.0)  # recall and precision of a perfect ranking
    fixed = bootstrap_ranking(perfect, groups, alerts=frauds, replicates=20)
    assert fixed.at_alerts[:, :2].min() < 0.95


@pytest.mark.slow
def test_intervals_contain_the_true_value_about_as_often_as_declared() -> None:
    rng = np.random.default_rng(0)
    truth = np.mean([average_precision_score(y, p) for p, y, _ in (made_up(rng) for _ in range(400))])
    covered = {"groups": 0, "rows": 0}
    for _ in range(150):
        scores, fraud, groups = made_up(rng)
        for name, drawn in {"groups": groups, "rows": np.arange(len(groups))}.items():
            intervals = bootstrap_ranking(Ranking.of(scores, fraud), drawn, replicates=150).intervals()
            interval = intervals["average_precision"]
            assert interval is not None
            covered[name] += interval[0] <= truth <= interval[1]
    assert covered["groups"] / 150 > 0.88
    assert covered["rows"] / 150 < 0.75  # rows drawn one by one: far too narrow


def test_f1_is_that_of_the_drawn_rows() -> None:
    rng = np.random.default_rng(0)
    truth, predicted, groups = rng.integers(0, 3, 90), rng.integers(0, 3, 90), rng.integers(0, 25, 90)
    result = bootstrap_f1(truth, predicted, groups, replicates=6, seed=2)
    for row, drawn in enumerate(draw_weights(groups, 6, seed=2)):
        rows = np.repeat(np.arange(90), drawn)
        assert result[row] == pytest.approx(f1_score(truth[rows], predicted[rows], average=None), abs=1e-9)


def test_a_class_that_is_not_drawn_has_no_f1() -> None:
    truth = np.array([0, 0, 0, 1])
    result = bootstrap_f1(truth, truth, np.arange(4), replicates=100)
    assert np.isnan(result[:, 1]).any()
    assert (result[~np.isnan(result)] == 1).all()


def test_intervals_of_shares_are_of_the_drawn_rows() -> None:
    rng = np.random.default_rng(0)
    parts, wholes, groups = rng.random((400, 2)) < 0.6, rng.random((400, 2)) < 0.7, rng.integers(0, 90, 400)
    codes = np.unique(groups, return_inverse=True)[1]
    drawn = [
        [(parts & wholes)[rows, k].sum() / wholes[rows, k].sum() for k in range(2)]
        for weights in draw_weights(np.unique(groups), 40)
        for rows in [np.repeat(np.arange(400), weights[codes])]
    ]
    expected = [percentile_interval(shares) for shares in np.array(drawn).T]
    assert share_intervals(parts, wholes, groups, replicates=40) == [pytest.approx(pair) for pair in expected]


def test_shares_of_few_groups_have_the_interval_of_wilson() -> None:
    groups = np.repeat(np.arange(20), 5)
    all_of, some, none = np.ones(100, bool), groups < 15, np.zeros(100, bool)
    parts, wholes = np.column_stack([all_of, some, all_of]), np.column_stack([all_of, all_of, none])
    whole, part, nothing = share_intervals(parts, wholes, groups, replicates=20)
    for interval, successes in ((whole, 20), (part, 15)):
        expected = binomtest(successes, 20).proportion_ci(method="wilson")
        assert interval == pytest.approx((expected.low, expected.high))
    assert nothing is None


def test_a_share_that_no_draw_changes_is_not_certain() -> None:
    rows = np.ones((200, 1), bool)
    (interval,) = share_intervals(rows, rows, np.arange(200), replicates=20)
    assert interval is not None
    assert interval == pytest.approx(wilson_interval(1.0, 200))
    assert 0.97 < interval[0] < 1 == interval[1]


def test_too_little_to_draw_from_has_no_interval() -> None:
    scores, truth = np.array([0.9, 0.2, 0.1]), np.array([True, False, False])
    result = bootstrap_ranking(Ranking.of(scores, truth), np.array([0, 0, 0]), replicates=10).intervals()
    assert result["average_precision"] == (1.0, 1.0)
    assert percentile_interval(np.array([np.nan, np.nan, np.nan, 1.0])) is None
    assert percentile_interval(np.zeros(0)) is None
