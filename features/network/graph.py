"""The links of one column between accounts and values, for both runners. Needs only NumPy and Numba."""

from typing import TypeVar

import numpy as np

from fraudsieve._typing import Array

from .declaration import Network
from .kernels.network_columns import Rules, fill_columns
from .kernels.series import SIZE, Series
from .kernels.updates import (
    LABELS,
    VALUES,
    LabelRows,
    LinkRows,
    add_rows,
    empty_graph,
    grow_graph,
    list_series,
    remove_label,
)

__all__ = ["NO_LABELS", "NO_LINKS", "LabelRows", "LinkRows", "NetworkGraph", "in_time_order"]

Rows = TypeVar("Rows", LinkRows, LabelRows)

NO_LINKS = LinkRows(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int64))
NO_LABELS = LabelRows(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.bool_))


class NetworkGraph:
    """The links of one column and the labels of its accounts, for any cutoff time.

    Accounts and values are digests of 64 bits, where 0 stands for a missing one.
    """

    def __init__(self, network: Network, name: str) -> None:
        self.network, self.between = network, name == network.counterparty
        self._graph = empty_graph()

    @property
    def n_links(self) -> int:
        """Number of pairs of an account and a value."""
        return int(self._graph.links.spans[:, VALUES, SIZE].sum(dtype=np.int64))

    @property
    def n_labels(self) -> int:
        """Number of labels, of which an account may have several."""
        return int(self._graph.steps.spans[:, LABELS, SIZE].sum(dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(array.nbytes for part in self._graph for array in part)

    def add(self, links: LinkRows = NO_LINKS, labels: LabelRows = NO_LABELS) -> None:
        """Add links, each pair from its earliest time on, and labels of accounts."""
        row, label_row = 0, 0
        while True:
            row, label_row, *room = add_rows(self._graph, links, labels, self.between, row, label_row)
            if row == len(links.times) and label_row == len(labels.times):
                return
            self._graph = grow_graph(self._graph, *room)

    def remove_label(self, account: int, time: int, is_fraud: bool) -> None:
        """Remove a label of an account, if it is there."""
        while n_steps := remove_label(self._graph, np.uint64(account), time, int(is_fraud)):
            self._graph = grow_graph(self._graph, 0, n_steps)

    def fill(self, accounts: Array, cutoffs: Array, out: Array, first: int) -> None:
        """Fill the columns of accounts, strictly before their cutoff times."""
        rate, weight = self.network.prior
        rules = Rules(self.network.max_degree, float(rate), float(weight), self.network.labels, self.between)
        fill_columns(self._graph, rules, accounts, cutoffs, out, first)

    def list_links(self) -> LinkRows:
        """Return all links."""
        accounts, times, values = self._list(self._graph.links, VALUES)
        return LinkRows(accounts, self._graph.nodes.digests[values, 0], times)

    def list_labels(self) -> LabelRows:
        """Return all labels."""
        accounts, times, frauds = self._list(self._graph.steps, LABELS)
        return LabelRows(accounts, times, frauds.astype(np.bool_))

    def _list(self, series: Series, kind: np.int64) -> tuple[Array, Array, Array]:
        """Return the digests of the nodes, the times and the items of all series of a kind."""
        n = int(series.spans[:, kind, SIZE].sum(dtype=np.int64))
        owners, times, items = np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, series.items.dtype)
        list_series(self._graph.nodes, series, kind, owners, times, items)
        return owners, times, items


def in_time_order(rows: Rows) -> Rows:
    """Return links or labels with the earliest first, and those of one time in their order."""
    times = rows.times
    if np.all(times[1:] >= times[:-1]):
        return rows
    order = np.argsort(times, kind="stable")
    return type(rows)(*(column[order] for column in rows))
