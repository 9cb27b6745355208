"""Updates of a graph: nothing is ever written behind the end of an array, whatever makes a series grow."""

from collections.abc import Callable

import numpy as np
import pytest

from fraudsieve.features.history.kernels.slabs import END
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.kernels.updates import LabelRows, LinkRows
from fraudsieve.features.network.live import NetworkGraph

N = 300
HUB = 1_000_000
NETWORK = Network(prior=(0.0, 1.0))


def link(graph: NetworkGraph, account: int, value: int, time: int) -> None:
    graph.add(LinkRows(np.array([account], np.uint64), np.array([value], np.uint64), np.array([time])))


def label(graph: NetworkGraph, account: int, time: int) -> None:
    graph.add(labels=LabelRows(np.array([account], np.uint64), np.array([time]), np.array([True])))


def labelled_accounts_come(graph: NetworkGraph) -> None:
    for account in range(1, N):
        label(graph, account, 0)
    for account in range(1, N):
        link(graph, account, HUB, account)


def accounts_are_labelled(graph: NetworkGraph) -> None:
    for account in range(1, N):
        link(graph, account, HUB, 0)
    for account in range(1, N):
        label(graph, account, account)


def links_are_returned(graph: NetworkGraph) -> None:
    for account in range(1, N):
        link(graph, account, HUB, 0)
    for account in range(1, N):
        link(graph, HUB, account, account)


def links_come_late(graph: NetworkGraph) -> None:
    labelled_accounts_come(graph)
    for account in range(1, N):
        link(graph, account, HUB, -account)


def labels_are_repeated(graph: NetworkGraph) -> None:
    link(graph, 1, HUB, 0)
    for time in range(N):
        label(graph, 1, time)


@pytest.mark.parametrize(
    "fill", [labelled_accounts_come, accounts_are_labelled, links_are_returned, links_come_late, labels_are_repeated]
)
def test_series_stay_within_the_arrays(fill: Callable[[NetworkGraph], None]) -> None:
    graph = NetworkGraph(NETWORK, "counterparty_id")
    fill(graph)
    for series in (graph._graph.links, graph._graph.steps):
        assert series.heads[END] <= len(series.times) == len(series.items)
        used = series.spans.reshape(-1, 2).astype(np.int64)
        assert used.sum(axis=1).max() <= series.heads[END]
    assert graph._graph.nodes.n_nodes[0] <= len(graph._graph.nodes.digests)


@pytest.mark.parametrize("fill", [labelled_accounts_come, accounts_are_labelled, links_come_late])
def test_a_hub_has_the_same_counts_in_every_order(fill: Callable[[NetworkGraph], None]) -> None:
    graph = NetworkGraph(NETWORK, "counterparty_id")
    fill(graph)
    out = np.empty((1, len(NETWORK.columns)))
    graph.fill(np.array([HUB], np.uint64), np.array([N]), out, 0)
    found = dict(zip(NETWORK.columns, out[0].tolist(), strict=True))
    assert (found["network__fans"], found["network__fan_frauds"]) == (N - 1, N - 1)
