"""Network features from links sorted by account and by value, and prefix sums. Needs only NumPy."""

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from fraudsieve._typing import Array

from .declaration import Network

__all__ = ["AccountLabels", "Links", "RunningTotals", "network_columns"]


CHUNK = 4_000_000
"""Number of links per chunk, which limits the memory."""


class RunningTotals:
    """Sums of values per group up to any time: sorted once, then looked up by binary search.

    Parameters
    ----------
    groups : ndarray of int64, shape (n_rows,)
        Group of each row, from 0.
    times : ndarray of int64, shape (n_rows,)
        Time of each row.
    values : ndarray of float64, shape (n_rows, n_values)
        Values to sum.

    Examples
    --------
    >>> running = RunningTotals(np.array([0, 0, 1]), np.array([5, 9, 5]), np.array([[1.0], [1.0], [4.0]]))
    >>> running.before(np.array([0, 0, 1, 2]), np.array([9, 10, 5, 7])).tolist()
    [[1.0], [2.0], [0.0], [0.0]]
    """

    def __init__(self, groups: Array, times: Array, values: Array) -> None:
        order = np.lexsort((times, groups))
        self.ticks = np.unique(times)  # the rank of a time and the group fit into one integer
        self.keys = groups[order].astype(np.int64) * (len(self.ticks) + 1) + np.searchsorted(self.ticks, times[order])
        self.totals = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values[order], axis=0)])

    def slices(self, groups: Array, times: Array) -> tuple[Array, Array]:
        """Return the first row of each group, and the end of its rows strictly before a time."""
        first = groups.astype(np.int64) * (len(self.ticks) + 1)
        until = first + np.searchsorted(self.ticks, times)
        return np.searchsorted(self.keys, first), np.searchsorted(self.keys, until)

    def before(self, groups: Array, times: Array) -> Array:
        """Return the sums of each group strictly before a time, shape (n_groups, n_values)."""
        starts, stops = self.slices(groups, times)
        return np.asarray(self.totals[stops] - self.totals[starts])


class Links(NamedTuple):
    """Links of accounts to values, encoded as integers from 0, with the time of the first event of each pair."""

    accounts: Array
    values: Array
    times: Array

    @classmethod
    def of_events(cls, accounts: Array, values: Array, times: Array) -> "Links":
        """Keep the first event of each pair, and drop events without an account or a value (-1).

        Examples
        --------
        >>> Links.of_events(np.array([1, 1, 0]), np.array([5, 5, -1]), np.array([30, 20, 10])).times.tolist()
        [20]
        """
        is_link = (accounts >= 0) & (values >= 0)
        accounts, values, times = accounts[is_link].astype(np.int64), values[is_link].astype(np.int64), times[is_link]
        order = np.lexsort((times, values, accounts))
        accounts, values, times = accounts[order], values[order], times[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = (accounts[1:] != accounts[:-1]) | (values[1:] != values[:-1])
        return cls(accounts[first], values[first], times[first])


class AccountLabels(NamedTuple):
    """Labels of accounts, and when they became known; a later label of an account replaces an earlier one."""

    accounts: Array
    times: Array
    frauds: Array

    def changes(self) -> tuple[Array, Array, Array]:
        """Return accounts, times, and the changes of the numbers of labels and frauds, shape (n_labels, 2).

        Examples
        --------
        >>> AccountLabels(np.array([7, 7]), np.array([1, 2]), np.array([1.0, 0.0])).changes()[2].tolist()
        [[1.0, 1.0], [0.0, -1.0]]
        """
        order = np.lexsort((self.times, self.accounts))
        accounts, times, frauds = self.accounts[order].astype(np.int64), self.times[order], self.frauds[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = accounts[1:] != accounts[:-1]
        before = np.where(first, 0.0, np.concatenate([[0.0], frauds[:-1]])[: len(order)])
        return accounts, times, np.column_stack([first.astype(np.float64), frauds - before])


def network_columns(
    network: Network, links: Mapping[str, Links], labels: AccountLabels, accounts: Array, cutoffs: Array
) -> Array:
    """Compute every column of a network declaration.

    Parameters
    ----------
    network : Network
        The declaration.
    links : mapping of str to Links
        Links by column; accounts and counterparties share their codes.
    labels : AccountLabels
        Labels of accounts; empty if the declaration uses none.
    accounts : ndarray of int, shape (n_subjects,)
        Accounts of the subjects; -1 for an account without links.
    cutoffs : ndarray of int64, shape (n_subjects,)
        Cutoff times.

    Returns
    -------
    ndarray of float64, shape (n_subjects, n_columns)

    Examples
    --------
    Accounts 0 and 1 use card 5, and account 1 was confirmed as fraud at 25:

    >>> cards = Links(np.array([0, 1]), np.array([5, 5]), np.array([10, 20]))
    >>> labels = AccountLabels(np.array([1]), np.array([25]), np.array([1.0]))
    >>> card = Network("", ("card_id",), prior=(0.0, 1.0))
    >>> network_columns(card, {"card_id": cards}, labels, np.array([0, 0]), np.array([25, 26])).tolist()
    [[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5]]
    """
    blocks = []
    for name in network.links:
        out = np.full((len(accounts), len(network.columns_of(name))), np.nan)
        graph = _Graph(network, links[name], labels, between=name == network.counterparty)
        for rows in _chunks(graph.degree(accounts, cutoffs)):
            out[rows] = graph.columns(accounts[rows], cutoffs[rows])
        blocks.append(out)
    return np.hstack(blocks)


def _chunks(sizes: Array) -> Iterator[slice]:
    """Split rows into chunks of about CHUNK links."""
    chunks = np.cumsum(sizes) // CHUNK
    bounds = [0, *(np.flatnonzero(np.diff(chunks)) + 1).tolist(), len(sizes)]
    return (slice(start, stop) for start, stop in itertools.pairwise(bounds) if stop > start)


class _Graph:
    """The links of one column, sorted by account and by value, with the labels of the linked accounts."""

    def __init__(self, network: Network, links: Links, labels: AccountLabels, *, between: bool) -> None:
        self.network, self.between = network, between
        ones = np.ones((len(links.times), 1))
        self.values_of = RunningTotals(links.accounts, links.times, ones)
        self.values = links.values[np.lexsort((links.times, links.accounts))]
        self.accounts_of = RunningTotals(links.values, links.times, ones)
        self.accounts = links.accounts[np.lexsort((links.times, links.values))]
        labelled, times, changes = labels.changes()
        self.labels_of = RunningTotals(labelled, times, changes)
        self.labels_of_value = self._labels_of_values(links, labelled, times, changes)
        self.pairs = np.sort(_pair_keys(links.accounts, links.values)) if between else np.empty(0, np.int64)
        order = np.argsort(_pair_keys(links.accounts, links.values), kind="stable")
        self.pair_times = links.times[order]

    def _labels_of_values(self, links: Links, labelled: Array, times: Array, changes: Array) -> RunningTotals:
        """Sum the labels of the accounts linked to each value, from the later of the link and the label on."""
        starts = np.searchsorted(labelled, links.accounts)
        n = np.searchsorted(labelled, links.accounts, "right") - starts
        rows = np.repeat(starts - np.concatenate([[0], np.cumsum(n)[:-1]])[: len(n)], n) + np.arange(n.sum())
        times_known = np.maximum(np.repeat(links.times, n), times[rows])
        return RunningTotals(np.repeat(links.values, n), times_known, changes[rows])

    def degree(self, accounts: Array, cutoffs: Array) -> Array:
        return self.values_of.before(accounts, cutoffs)[:, 0] + self.accounts_of.before(accounts, cutoffs)[:, 0]

    def columns(self, accounts: Array, cutoffs: Array) -> Array:
        rows, values = _expand(self.values_of, self.values, accounts, cutoffs)
        row_cutoffs = cutoffs[rows]
        degree = self.values_of.before(accounts, cutoffs)[:, 0]
        sharing = self.accounts_of.before(values, row_cutoffs)[:, 0] - 1  # without the account itself
        n = len(accounts)
        total = _sums(rows, sharing, n)
        columns = [degree, total, _ratios(total, degree), _maxima(rows, sharing, n)]
        if self.network.labels:
            own_labels = self.labels_of.before(accounts, cutoffs)[rows]
            columns += self._rates(rows, self.labels_of_value.before(values, row_cutoffs) - own_labels, n)
        if self.between:
            columns += self._between_columns(accounts, cutoffs, rows, values)
        return np.column_stack(columns)

    def _rates(self, rows: Array, counts: Array, n: int) -> list[Array]:
        """Return the columns of labels from the numbers of labels and frauds of each value."""
        totals = [_sums(rows, counts[:, k], n) for k in range(2)]
        highest = _maxima(rows, self._shrunken_rate(counts[:, 0], counts[:, 1]), n)
        return [*totals, self._shrunken_rate(*totals), highest]

    def _shrunken_rate(self, known: Array, frauds: Array) -> Array:
        rate, weight = self.network.prior
        return (frauds + weight * rate) / (known + weight)

    def _between_columns(self, accounts: Array, cutoffs: Array, rows: Array, values: Array) -> list[Array]:
        """Return the columns of counterparties and fans, which are accounts themselves."""
        n, row_cutoffs = len(accounts), cutoffs[rows]
        fan_rows, fans = _expand(self.accounts_of, self.accounts, accounts, cutoffs)
        fan_cutoffs, n_fans = cutoffs[fan_rows], np.bincount(fan_rows, minlength=n).astype(np.float64)
        degree = np.bincount(rows, minlength=n).astype(np.float64)
        returned = _sums(rows, self._are_linked(values, accounts[rows], row_cutoffs).astype(np.float64), n)
        met_degree = _sums(rows, self.values_of.before(values, row_cutoffs)[:, 0], n)
        fan_degree = _sums(fan_rows, self.values_of.before(fans, fan_cutoffs)[:, 0], n)
        columns = [n_fans, _ratios(returned, degree), _ratios(met_degree, degree), _ratios(fan_degree, n_fans)]
        if self.network.labels:
            for other_rows, others, times in ((rows, values, row_cutoffs), (fan_rows, fans, fan_cutoffs)):
                counts = self.labels_of.before(others, times) * (others != accounts[other_rows])[:, None]
                known, frauds = (_sums(other_rows, counts[:, k], n) for k in range(2))
                columns += [frauds, self._shrunken_rate(known, frauds)]
        return columns

    def _are_linked(self, accounts: Array, values: Array, cutoffs: Array) -> Array:
        """Return whether each pair was linked strictly before its cutoff time."""
        if not len(self.pairs):
            return np.zeros(len(accounts), np.bool_)
        keys = _pair_keys(accounts, values)
        positions = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        return np.asarray((self.pairs[positions] == keys) & (self.pair_times[positions] < cutoffs))


def _pair_keys(accounts: Array, values: Array) -> Array:
    return accounts.astype(np.int64) << 32 | values.astype(np.int64)


def _expand(running: RunningTotals, others: Array, groups: Array, cutoffs: Array) -> tuple[Array, Array]:
    """Return the row of each link of the groups strictly before their cutoff times, and its other end."""
    starts, stops = running.slices(groups, cutoffs)
    n = stops - starts
    rows = np.repeat(np.arange(len(groups)), n)
    offsets = np.cumsum(n) - n
    return rows, others[np.repeat(starts - offsets, n) + np.arange(len(rows))]


def _sums(rows: Array, values: Array, n: int) -> Array:
    return np.bincount(rows, values, n)


def _maxima(rows: Array, values: Array, n: int) -> Array:
    """Return the largest value of each row; NaN for a row without values."""
    maxima = np.full(n, -np.inf)
    np.maximum.at(maxima, rows, values)
    return np.where(np.isinf(maxima), np.nan, maxima)


def _ratios(numerators: Array, denominators: Array) -> Array:
    undefined = np.full(numerators.shape, np.nan)
    return np.asarray(np.divide(numerators, denominators, out=undefined, where=denominators > 0))
