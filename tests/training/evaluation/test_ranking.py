"""Weighted metrics agree with scikit-learn, and with repeated rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from fraudsieve.training.evaluation.ranking import RANKING_METRICS, Ranking


def made_up(seed: int, n: int = 400, digits: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, truth and weights; few digits make many ties."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.2
    scores = np.round(1 / (1 + np.exp(-rng.normal(2.0 * truth - 2, 1.0))), digits)
    return scores, truth, rng.poisson(1.0, n)


def metrics_by_name(ranking: Ranking, weights: np.ndarray | None = None) -> dict[str, float]:
    ranked = None if weights is None else weights[ranking.order]
    return dict(zip(RANKING_METRICS, ranking.metrics(ranked).tolist(), strict=True))


@pytest.mark.parametrize("digits", [8, 2, 1])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fractions", [False, True])
def test_standard_metrics_agree_with_scikit_learn(seed: int, digits: int, fractions: bool) -> None:
    scores, truth, weights = made_up(seed, digits=digits)
    w = weights * np.random.default_rng(seed).uniform(0.5, 2, len(weights)) if fractions else weights
    result = metrics_by_name(Ranking.of(scores, truth), w)
    rates, recalls, _ = roc_curve(truth, scores, sample_weight=w, drop_intermediate=False)
    expected = {
        "base_rate": np.average(truth, weights=w),
        "average_precision": average_precision_score(truth, scores, sample_weight=w),
        "roc_auc": roc_auc_score(truth, scores, sample_weight=w),
        "recall_at_1pct_fpr": recalls[rates <= 0.01].max(),
        "brier": brier_score_loss(truth, scores, sample_weight=w),
        "observed_over_expected": (w * truth).sum() / (w * scores).sum(),
    }
    assert {name: result[name] for name in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("digits", [8, 1])
@pytest.mark.parametrize("seed", range(3))
def test_a_row_that_counts_twice_is_two_rows(seed: int, digits: int) -> None:
    scores, truth, weights = made_up(seed, digits=digits)
    loss = np.random.default_rng(seed).uniform(1, 5, len(scores))
    ranking = Ranking.of(scores, truth, loss, loss / 3)
    rows = np.repeat(np.arange(len(scores)), weights)
    expanded = Ranking.of(scores[rows], truth[rows], loss[rows], loss[rows] / 3)
    np.testing.assert_allclose(ranking.metrics(weights[ranking.order]), expanded.metrics(), atol=1e-12)
    alerts = np.array([0.5, 3.0, 17.25, 80.0, 1e6])
    np.testing.assert_allclose(
        ranking.at_alerts(alerts, weights[ranking.order]), expanded.at_alerts(alerts), atol=1e-12
    )


def test_ece_is_that_of_bins_cut_by_hand() -> None:
    scores, truth, _ = made_up(0, n=15 * 31)
    bins = np.array_split(np.argsort(scores), 15)
    by_hand = np.mean([abs(scores[rows].mean() - truth[rows].mean()) for rows in bins])
    assert metrics_by_name(Ranking.of(scores, truth))["ece"] == pytest.approx(by_hand, abs=1e-12)
    assert Ranking.of(scores, truth).calibration_gap(1) == pytest.approx(abs(scores.mean() - truth.mean()), abs=1e-12)


def test_alerts_by_hand() -> None:
    scores, truth, _ = made_up(1)
    loss = np.arange(1.0, len(scores) + 1)
    order = np.argsort(-scores)
    for alerts in (1, 7, 200):
        top = order[:alerts]
        result = Ranking.of(scores, truth, loss).at_alerts(np.array([float(alerts)]))[:, 0]
        lost = loss * truth
        expected = [truth[top].sum() / truth.sum(), truth[top].mean(), lost[top].sum() / lost.sum()]
        assert result == pytest.approx(expected)


def test_a_part_of_tied_rows_is_flagged() -> None:
    ranking = Ranking.of(np.array([0.9, 0.5, 0.5, 0.5, 0.5]), np.array([False, True, True, False, False]))
    recall, precision, _ = ranking.at_alerts(np.array([1.0, 3.0]))
    assert recall.tolist() == [0.0, 0.5]  # two of the four tied rows, half of which are fraud
    assert precision.tolist() == pytest.approx([0.0, 1 / 3])


@given(st.integers(0, 10_000), st.integers(1, 60), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(seed: int, n: int, random: object) -> None:
    scores, truth, weights = made_up(seed, n, digits=1)
    shuffled = np.random.default_rng(seed + 1).permutation(n)
    first, second = Ranking.of(scores, truth), Ranking.of(scores[shuffled], truth[shuffled])
    np.testing.assert_allclose(
        first.metrics(weights[first.order]), second.metrics(weights[shuffled][second.order]), atol=1e-12, equal_nan=True
    )


def test_rows_of_one_kind() -> None:
    result = metrics_by_name(Ranking.of(np.array([0.2, 0.4]), np.array([False, False])))
    assert np.isnan([result[name] for name in ("average_precision", "roc_auc", "recall_at_1pct_fpr")]).all()
    assert result["brier"] == pytest.approx(0.1)
    assert np.isnan(Ranking.of(np.array([0.2]), np.array([True])).metrics(np.zeros(1))).all()


@pytest.mark.parametrize(("scores", "message"), [([], "got 0 scores"), ([0.1, np.nan], "got 2 scores, 1 of them NaN")])
def test_missing_scores_are_an_error(scores: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ranking.of(np.array(scores), np.zeros(len(scores), bool))
