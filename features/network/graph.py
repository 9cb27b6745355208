"""The links of one column between accounts and values, for both runners. Needs only NumPy and Numba."""

import numpy as np

from fraudsieve._typing import Array

from .declaration import Network
from .kernels.columns import Rules, fill_columns
from .kernels.series import SIZE, Series
from .kernels.updates import LABELS, VALUES, add_labels, add_links, copy_graph, empty_graph, grow_graph, list_series

__all__ = ["NetworkGraph", "in_time_order"]


class NetworkGraph:
    """The links of one column and the labels of its accounts; answers for any cutoff time.

    Accounts and values are digests of 64 bits, where 0 stands for a missing one.

    Parameters
    ----------
    network : Network
        The declaration.
    name : str
        The column, one of ``network.links``.
    n_nodes, n_links : int, default=64
        Expected number of accounts and values, and of links; the graph grows when there are more.

    Examples
    --------
    Accounts 1 and 2 use card 5, and account 2 was confirmed as fraud at 25:

    >>> graph = NetworkGraph(Network("", ("card_id",), prior=(0.0, 1.0)), "card_id")
    >>> graph.link(np.array([1, 2], np.uint64), np.array([5, 5], np.uint64), np.array([10, 20]))
    >>> graph.label(np.array([2], np.uint64), np.array([25]), np.array([True]))
    >>> out = np.empty((2, 8))
    >>> graph.fill(np.array([1, 1], np.uint64), np.array([25, 26]), out, 0)
    >>> out.tolist()
    [[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5]]
    """

    def __init__(self, network: Network, name: str, n_nodes: int = 64, n_links: int = 64) -> None:
        self.network, self.name, self.between = network, name, name == network.counterparty
        self._graph = empty_graph(n_nodes, n_links)

    @property
    def n_links(self) -> int:
        """Number of pairs of an account and a value."""
        return int(self._graph.links.spans[:, VALUES, SIZE].sum(dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(array.nbytes for part in self._graph for array in part)

    def copy(self) -> "NetworkGraph":
        """Return a graph with copies of all arrays."""
        other = NetworkGraph(self.network, self.name, 1, 1)
        other._graph = copy_graph(self._graph)
        return other

    def link(self, accounts: Array, values: Array, times: Array) -> None:
        """Link accounts to values, each pair from its earliest time on.

        Parameters
        ----------
        accounts, values : ndarray of uint64, shape (n_rows,)
            Rows in which one is 0 are skipped, as are accounts that are their own counterparty.
        times : ndarray of int64, shape (n_rows,)
            Times in microseconds since 1970.
        """
        row = 0
        while True:
            row, link_room, step_room = add_links(self._graph, accounts, values, times, self.between, row)
            if row == len(accounts):
                return
            self._graph = grow_graph(self._graph, link_room, step_room)

    def label(self, accounts: Array, times: Array, frauds: Array) -> None:
        """Add labels of accounts, each from its time until the next label of the account.

        Parameters
        ----------
        accounts : ndarray of uint64, shape (n_rows,)
            Rows with 0 are skipped.
        times : ndarray of int64, shape (n_rows,)
            Times in microseconds since 1970.
        frauds : ndarray of bool, shape (n_rows,)
            The labels. Of several with the same account and time, the last counts.
        """
        row = 0
        while True:
            row, _, step_room = add_labels(self._graph, accounts, times, frauds, row)
            if row == len(accounts):
                return
            self._graph = grow_graph(self._graph, 0, step_room)

    def fill(self, accounts: Array, cutoffs: Array, out: Array, first: int) -> None:
        """Fill the columns of accounts, strictly before their cutoff times.

        Parameters
        ----------
        accounts : ndarray of uint64, shape (n_subjects,)
        cutoffs : ndarray of int64, shape (n_subjects,)
        out : ndarray of float64, shape (n_subjects, n_columns)
            The columns of the whole network.
        first : int
            The first column of this graph.
        """
        rate, weight = self.network.prior
        rules = Rules(self.network.max_degree, float(rate), float(weight), self.network.labels, self.between)
        fill_columns(self._graph, rules, accounts, cutoffs, out, first)

    def list_links(self) -> tuple[Array, Array, Array]:
        """Return the accounts, the values and the times of all links."""
        accounts, times, values = self._list(self._graph.links, VALUES)
        return accounts, self._graph.nodes.digests[values], times

    def list_labels(self) -> tuple[Array, Array, Array]:
        """Return the accounts, the times and the frauds of all labels."""
        accounts, times, frauds = self._list(self._graph.steps, LABELS)
        return accounts, times, frauds.astype(np.bool_)

    def _list(self, series: Series, kind: np.int64) -> tuple[Array, Array, Array]:
        """Return the digests of the nodes, the times and the items of all series of a kind."""
        n = int(series.spans[:, kind, SIZE].sum(dtype=np.int64))
        owners, times, items = np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, series.items.dtype)
        list_series(self._graph.nodes, series, kind, owners, times, items)
        return owners, times, items


def in_time_order(times: Array, *columns: Array) -> tuple[Array, ...]:
    """Return columns and their times, the earliest first: these are appended, where others would be inserted.

    Examples
    --------
    >>> [column.tolist() for column in in_time_order(np.array([7, 5]), np.array([1, 2]))]
    [[5, 7], [2, 1]]
    """
    if np.all(times[1:] >= times[:-1]):
        return times, *columns
    order = np.argsort(times, kind="stable")
    return times[order], *(column[order] for column in columns)
