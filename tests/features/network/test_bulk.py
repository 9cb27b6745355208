"""The graph that a batch builds at once, compared with one that grows row by row."""

import numpy as np
import numpy.typing as npt
import pytest

from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.kernels.updates import LabelRows, LinkRows
from fraudsieve.features.network.live import NetworkGraph
from fraudsieve.features.network.network_batch import CodedLabels, CodedLinks, FullGraph

N_NODES, N_LINKS, N_LABELS, END = 60, 900, 150, 40


def _digests(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.uint64]:
    return (codes.astype(np.int64) + 1).astype(np.uint64)


def _tables(seed: int) -> tuple[CodedLinks, CodedLabels]:
    """Return unsorted links and labels, with missing ids, repeats, equal times and links of accounts to themselves."""
    rng = np.random.default_rng(seed)
    accounts, values = (rng.zipf(1.4, (2, N_LINKS)) % (N_NODES + 1) - 1).astype(np.int32)
    labelled = rng.integers(-1, N_NODES, N_LABELS).astype(np.int32)
    links = CodedLinks(accounts, values, rng.integers(0, END, N_LINKS))
    return links, CodedLabels(labelled, rng.integers(0, END // 4, N_LABELS) * 4, rng.random(N_LABELS) < 0.4)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", ["counterparty_id", "device_id"])
@pytest.mark.parametrize("max_degree", [4, 1000])
def test_equal_to_a_graph_that_grows(name: str, max_degree: int, seed: int) -> None:
    network = Network(identifiers=("device_id",), prior=(0.1, 2.0), max_degree=max_degree)
    links, labels = _tables(seed)
    growing = NetworkGraph(network, name)
    growing.add(LinkRows(_digests(links.accounts), _digests(links.values), links.times))
    growing.add(labels=LabelRows(_digests(labels.accounts), labels.times, labels.frauds))
    accounts = np.repeat(np.arange(-1, N_NODES + 1, dtype=np.int32), END + 1)
    cutoffs = np.tile(np.arange(END + 1), N_NODES + 2)
    shuffled = np.random.default_rng(seed).permutation(len(accounts))
    accounts, cutoffs = np.minimum(accounts, N_NODES - 1)[shuffled], cutoffs[shuffled]
    expected = np.empty((len(accounts), len(network.columns_of(name))))
    growing.fill(_digests(accounts), cutoffs, expected, 0)
    found = FullGraph(network, name, links, N_NODES).columns(labels, accounts, cutoffs)
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found[:, 6])) > 20
    if name == "counterparty_id":
        assert (found[:, network.columns.index("reciprocity__returned")] > 0).any()


def test_one_graph_answers_for_several_sets_of_labels() -> None:
    network = Network("", ("card_id",), prior=(0.0, 1.0))
    links = CodedLinks(np.array([1, 0], np.int32), np.array([2, 2], np.int32), np.array([20, 10]))
    graph, names = FullGraph(network, "card_id", links, 3), list(network.columns)
    subject = np.array([0], np.int32), np.array([26])
    nothing = CodedLabels(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.bool_))
    frauds = []
    for labels in (nothing, CodedLabels(np.array([1], np.int32), np.array([25]), np.array([True])), nothing):
        frauds.append(graph.columns(labels, *subject)[0, names.index("network__sharing_frauds_card_id")])
    assert frauds == [0, 1, 0]


def test_no_links() -> None:
    empty = np.empty(0, np.int32)
    graph = FullGraph(Network(labels=False), "counterparty_id", CodedLinks(empty, empty, np.empty(0, np.int64)), 0)
    row = graph.columns(CodedLabels(empty, np.empty(0, np.int64), empty), np.array([-1], np.int32), np.array([5]))[0]
    assert row[:2].tolist() == [0, 0]
    assert np.isnan(row[2])
