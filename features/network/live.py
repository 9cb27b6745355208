"""The live state of the network of accounts; it computes the same columns as a batch. Needs only NumPy and Numba.

A state stores each pair of account and value once, with the time of its first event. It grows with the number of pairs,
not with the number of events. An event takes about the time of a bisection, and so does each value of an account when
features are computed, however many accounts share the value. A label takes that time for each value of its account.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from fraudsieve._typing import Array, Record
from fraudsieve.features.history.records import RecordIds
from fraudsieve.features.network.kernels.series import SIZE, Series
from fraudsieve.features.network.kernels.updates import (
    LABELS,
    VALUES,
    LabelRows,
    LinkRows,
    add_rows,
    empty_graph,
    fill_columns,
    grow_graph,
    list_series,
    remove_label,
    rules_of,
)

from .declaration import Network

Rows = TypeVar("Rows", LinkRows, LabelRows)

NO_LINKS = LinkRows(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int64))
NO_LABELS = LabelRows(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.bool_))


class NetworkGraph:
    """The links of one column and the labels of its accounts, for any cutoff time.

    Accounts and values are digests of 64 bits, where 0 stands for a missing one.
    """

    def __init__(self, network: Network, name: str) -> None:
        self._rules, self._graph = rules_of(network, name), empty_graph()

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
            row, label_row, *room = add_rows(self._graph, links, labels, self._rules.between, row, label_row)
            if row == len(links.times) and label_row == len(labels.times):
                return
            self._graph = grow_graph(self._graph, *room)

    def remove_label(self, account: int, time: int, is_fraud: bool) -> None:
        """Remove a label of an account, if it is there."""
        while n_steps := remove_label(self._graph, np.uint64(account), time, int(is_fraud)):
            self._graph = grow_graph(self._graph, 0, n_steps)

    def fill(self, accounts: Array, cutoffs: Array, out: Array, first: int) -> None:
        """Fill the columns of accounts, strictly before their cutoff times."""
        fill_columns(self._graph, self._rules, accounts, cutoffs, out, first)

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


class NetworkState:
    """The links and labels of accounts; ids are stored as digests of 64 bits.

    Parameters
    ----------
    declaration : Network
        The declaration of the network features.

    Attributes
    ----------
    graphs : dict of str to NetworkGraph
        The links of each column, with the labels of the accounts.

    Examples
    --------
    >>> from fraudsieve.features.history.records import id_digest
    >>> state = NetworkState(Network(labels=False))
    >>> state.add({"account_id": "ann", "counterparty_id": "eve"}, 10)
    >>> state.compute(np.array([id_digest("ann")], np.uint64), np.array([11]))[0, :2].tolist()
    [1.0, 0.0]
    """

    def __init__(self, declaration: Network) -> None:
        self.declaration = declaration
        self.graphs = {name: NetworkGraph(declaration, name) for name in declaration.links}

    @property
    def n_links(self) -> int:
        """Number of pairs of an account and a value, over all columns."""
        return sum(graph.n_links for graph in self.graphs.values())

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(graph.nbytes for graph in self.graphs.values())

    def add(self, event: Record, time: int) -> None:
        """Add the links of an event, unless it is later than an event with the same pair."""
        for name, account, value in self.pairs(RecordIds(event)):
            self.link(name, account, value, time)

    def pairs(self, ids: RecordIds) -> list[tuple[str, int, int]]:
        """Return the links of an event: column, account and value."""
        account = ids.digest("account_id")
        values = [(name, ids.digest(name)) for name in self.declaration.links]
        counterparty = self.declaration.counterparty
        return [
            (name, account, value)
            for name, value in values
            if account and value and (name != counterparty or value != account)
        ]

    def link(self, name: str, account: int, value: int, time: int) -> None:
        """Link an account to a value from a time on, unless they were linked before."""
        self.graphs[name].add(LinkRows(_digests(account), _digests(value), _times(time)))

    def label(self, account: int, time: int, is_fraud: bool) -> None:
        """Add a label of an account, and when it became known; this takes time proportional to its number of values."""
        if self.declaration.labels:
            for graph in self.graphs.values():
                graph.add(labels=LabelRows(_digests(account), _times(time), np.array([is_fraud])))

    def link_many(self, name: str, accounts: Array, values: Array, times: Array) -> None:
        """Add the links of many events; equal to `link` for each of them.

        Parameters
        ----------
        name : str
            The column, one of ``declaration.links``.
        accounts, values : ndarray of uint64, shape (n_events,)
            Digests of the accounts and the values, as from `RecordIds.digest`. Events in which one is missing (0)
            create no link, and neither do accounts that are their own counterparty.
        times : ndarray of int64, shape (n_events,)
            Times of the events in microseconds since 1970, in any order.

        Examples
        --------
        >>> state = NetworkState(Network("", ("card_id",), labels=False))
        >>> state.link_many("card_id", np.array([1, 2], np.uint64), np.array([5, 5], np.uint64), np.array([20, 10]))
        >>> state.n_links
        2
        """
        columns = (accounts, np.uint64), (values, np.uint64), (times, np.int64)
        self.graphs[name].add(in_time_order(LinkRows(*_typed(columns))))

    def label_many(self, accounts: Array, times: Array, frauds: Array) -> None:
        """Add many labels; equal to `label` for each of them, in any order.

        Parameters
        ----------
        accounts : ndarray of uint64, shape (n_labels,)
            Digests of the accounts.
        times : ndarray of int64, shape (n_labels,)
            When the labels became known, in microseconds since 1970, in any order.
        frauds : ndarray of bool, shape (n_labels,)

        Examples
        --------
        >>> state = NetworkState(Network("", ("card_id",), prior=(0.0, 1.0)))
        >>> state.link_many("card_id", np.array([1, 2], np.uint64), np.array([5, 5], np.uint64), np.array([20, 10]))
        >>> state.label_many(np.array([2], np.uint64), np.array([30]), np.array([True]))
        >>> state.dump()["labels.times"].tolist()
        [30]
        """
        if self.declaration.labels:
            columns = (accounts, np.uint64), (times, np.int64), (frauds, np.bool_)
            labels = in_time_order(LabelRows(*_typed(columns)))
            for graph in self.graphs.values():
                graph.add(labels=labels)

    def remove_label(self, account: int, time: int, is_fraud: bool) -> None:
        """Remove a label that was added, if it is there; this takes time proportional to its number of values."""
        for graph in self.graphs.values():
            graph.remove_label(account, time, is_fraud)

    def compute(self, accounts: Array, cutoffs: Array) -> Array:
        """Compute the columns of accounts, strictly before their cutoff times.

        Parameters
        ----------
        accounts : ndarray of uint64, shape (n_accounts,)
            Their digests, as from `RecordIds.digest`.
        cutoffs : ndarray of int64, shape (n_accounts,)
            Cutoff times in microseconds since 1970.

        Returns
        -------
        ndarray of float64, shape (n_accounts, n_columns)
        """
        out, first = np.empty((len(accounts), len(self.declaration.columns))), 0
        for name, graph in self.graphs.items():
            graph.fill(accounts, cutoffs, out, first)
            first += len(self.declaration.columns_of(name))
        return out

    def rewind(self, time: int) -> None:
        """Drop the links and labels that are later than a time.

        Parameters
        ----------
        time : int
            Time in microseconds since 1970. A link is kept if the first event of its pair is kept.

        Examples
        --------
        >>> state = NetworkState(Network("", ("card_id",), labels=False))
        >>> state.link_many("card_id", np.array([1, 2], np.uint64), np.array([5, 5], np.uint64), np.array([20, 10]))
        >>> state.rewind(10)
        >>> state.n_links
        1
        """
        arrays = self.dump()
        kept: dict[str, Array] = {}
        for part in dict.fromkeys(name.rpartition(".")[0] for name in arrays):
            is_kept = arrays[f"{part}.times"] <= time
            kept |= {name: cells[is_kept] for name, cells in arrays.items() if name.startswith(f"{part}.")}
        self.restore(kept)

    def dump(self) -> dict[str, Array]:
        """Return the links and labels as arrays."""
        arrays = _named("labels", next(iter(self.graphs.values())).list_labels())
        for index, graph in enumerate(self.graphs.values()):
            arrays |= _named(f"links-{index}", graph.list_links())
        return arrays

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Replace the links and labels by those of the arrays of `dump`.

        Raises
        ------
        KeyError, ValueError
            If an array is missing, or the arrays are not those of a state with this declaration.
        """
        restored = NetworkState(self.declaration)
        labels = LabelRows(*_part(arrays, "labels", accounts=np.uint64, times=np.int64, frauds=np.bool_))
        if len(labels.times) and not self.declaration.labels:
            raise ValueError(f"labels: expected none, since the network declares none, got {len(labels.times)}.")
        for index, graph in enumerate(restored.graphs.values()):
            name = f"links-{index}"
            links = LinkRows(*_part(arrays, name, accounts=np.uint64, values=np.uint64, times=np.int64))
            graph.add(in_time_order(links), in_time_order(labels))
            _check_number(name, len(links.times), graph.n_links)
            _check_number("labels", len(labels.times), graph.n_labels)
        self.graphs = restored.graphs


def _typed(columns: Iterable[tuple[Array, type]]) -> Iterator[Array]:
    """Return arrays of the types for which the kernels are compiled."""
    return (np.ascontiguousarray(cells, expected) for cells, expected in columns)


def _named(part: str, rows: LinkRows | LabelRows) -> dict[str, Array]:
    return {f"{part}.{name}": cells for name, cells in rows._asdict().items()}


def _part(arrays: Mapping[str, Array], part: str, **types: type) -> list[Array]:
    """Return the arrays of a part, of which a kernel may read equally many rows."""
    columns = [arrays[f"{part}.{name}"] for name in types]
    for cells, expected in zip(columns, types.values(), strict=True):
        if cells.dtype != expected or cells.ndim != 1 or len(cells) != len(columns[0]):
            wanted, found = f"{np.dtype(expected)} of shape {columns[0].shape}", f"{cells.dtype} of shape {cells.shape}"
            raise ValueError(f"{part}: expected arrays of {wanted}, got {found}.")
    return [np.ascontiguousarray(cells) for cells in columns]


def _check_number(part: str, expected: int, found: int) -> None:
    """Check that every row was added: repeated rows, and rows without an id, are not."""
    if found != expected:
        raise ValueError(f"{part}: expected {expected} different rows with ids, got {found}.")


def _digests(digest: int) -> Array:
    return np.array([digest], np.uint64)


def _times(time: int) -> Array:
    return np.array([time], np.int64)
