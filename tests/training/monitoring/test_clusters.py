"""Variance of shares: that of independent rows without clusters, and that of a bootstrap with clusters."""

import numpy as np
import pytest

from fraudsieve.training.evaluation.bootstrap import draw_weights
from fraudsieve.training.monitoring.bounds import Clusters


def test_single_rows_vary_as_independent_ones() -> None:
    inside = np.random.default_rng(0).random((200, 3)) < [0.1, 0.5, 0.0]
    share = inside.mean(axis=0)
    assert Clusters.singles(200).variance(inside) == pytest.approx(share * (1 - share) / 200)
    assert (Clusters.of(np.full(200, -1)).variance(inside) == Clusters.singles(200).variance(inside)).all()


def test_clusters_vary_as_a_bootstrap_over_them() -> None:
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 150, 3000)
    inside = (rng.random(150) < 0.3)[groups] ^ (rng.random(3000) < 0.1)
    clusters = Clusters.of(groups)
    variance = clusters.variance(inside[clusters.order, None])[0]
    drawn = [np.average(inside, weights=weights) for weights in draw_weights(groups, 2000)]
    assert variance == pytest.approx(np.var(drawn), rel=0.1)
    assert variance > 5 * inside.mean() * (1 - inside.mean()) / 3000


def test_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    groups, inside = rng.integers(0, 20, 300), rng.random((300, 2)) < 0.4
    shuffled = rng.permutation(300)
    one, other = Clusters.of(groups), Clusters.of(groups[shuffled])
    expected = one.variance(inside[one.order])
    assert other.variance(inside[shuffled][other.order]) == pytest.approx(expected)


def test_one_cluster_says_nothing_about_others() -> None:
    inside = np.arange(100)[:, None] < 60
    alone, nearly = Clusters.of(np.zeros(100, np.int64)), Clusters.of((np.arange(100) > 98).astype(np.int64))
    two = Clusters.of(np.repeat([0, 1], 50))
    assert [clusters.has_variance for clusters in (alone, nearly, two)] == [False, False, True]
    # As that of one row, which is the largest that a share can have.
    assert alone.variance(inside) == nearly.variance(inside) == pytest.approx(0.24)
    assert not Clusters.singles(1).has_variance
    assert Clusters.singles(2).has_variance
