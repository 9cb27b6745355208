"""The network of accounts as of a moment: links sorted from both ends, and prefix counts. NumPy alone."""

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from fraudsieve._typing import Array

from .declaration import Network

__all__ = ["AccountLabels", "Links", "RunningTotals", "network_columns"]


CHUNK = 4_000_000
"""Links looked at in one go: bounds the memory."""


class RunningTotals:
    """Totals of what happened in groups, at any time before now: sorted once, read off by a binary search.

    Parameters
    ----------
    groups : ndarray of int64, shape (n_rows,)
        From 0 up.
    times : ndarray of int64, shape (n_rows,)
        When.
    values : ndarray of float64, shape (n_rows, n_values)
        What is added up.

    Examples
    --------
    >>> running = RunningTotals(np.array([0, 0, 1]), np.array([5, 9, 5]), np.array([[1.0], [1.0], [4.0]]))
    >>> running.before(np.array([0, 0, 1, 2]), np.array([9, 10, 5, 7])).tolist()
    [[1.0], [2.0], [0.0], [0.0]]
    """

    def __init__(self, groups: Array, times: Array, values: Array) -> None:
        order = np.lexsort((times, groups))
        self.ticks = np.unique(times)  # times by rank: so group and time fit in one number
        self.keys = groups[order].astype(np.int64) * (len(self.ticks) + 1) + np.searchsorted(self.ticks, times[order])
        self.totals = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values[order], axis=0)])

    def places(self, groups: Array, times: Array) -> tuple[Array, Array]:
        """Find where a group begins, and where what is before a time ends.

        Parameters
        ----------
        groups, times : ndarray of int64, shape (n_asked,)
            What is asked about.

        Returns
        -------
        starts, stops : ndarray of int64, shape (n_asked,)
        """
        first = groups.astype(np.int64) * (len(self.ticks) + 1)
        until = first + np.searchsorted(self.ticks, times)
        return np.searchsorted(self.keys, first), np.searchsorted(self.keys, until)

    def before(self, groups: Array, times: Array) -> Array:
        """Return the totals of groups, strictly before times.

        Parameters
        ----------
        groups, times : ndarray of int64, shape (n_asked,)
            What is asked about.

        Returns
        -------
        ndarray of float64, shape (n_asked, n_values)
        """
        starts, stops = self.places(groups, times)
        return np.asarray(self.totals[stops] - self.totals[starts])


class Links(NamedTuple):
    """Who is linked to what, and since when: coded by whole numbers from 0, each pair once."""

    accounts: Array
    values: Array
    times: Array

    @classmethod
    def of_events(cls, accounts: Array, values: Array, times: Array) -> "Links":
        """Keep the first event of every pair; what has no account or value (-1) links nothing.

        Parameters
        ----------
        accounts, values : ndarray of int, shape (n_events,)
            Codes.
        times : ndarray of int64, shape (n_events,)
            When.

        Returns
        -------
        Links

        Examples
        --------
        >>> Links.of_events(np.array([1, 1, 0]), np.array([5, 5, -1]), np.array([30, 20, 10])).times.tolist()
        [20]
        """
        good = (accounts >= 0) & (values >= 0)
        accounts, values, times = accounts[good].astype(np.int64), values[good].astype(np.int64), times[good]
        order = np.lexsort((times, values, accounts))
        accounts, values, times = accounts[order], values[order], times[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = (accounts[1:] != accounts[:-1]) | (values[1:] != values[:-1])
        return cls(accounts[first], values[first], times[first])


class AccountLabels(NamedTuple):
    """What became known of accounts, and when: the later of two labels of an account replaces the earlier."""

    accounts: Array
    times: Array
    frauds: Array

    def changes(self) -> tuple[Array, Array, Array]:
        """Return accounts, times, and by how much the labels and the frauds that are known change.

        Returns
        -------
        accounts, times : ndarray of int64, shape (n_labels,)
        changes : ndarray of float64, shape (n_labels, 2)

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
    network: Network, links: Mapping[str, Links], labels: AccountLabels, accounts: Array, moments: Array
) -> Array:
    """Compute every column of a declaration.

    Parameters
    ----------
    network : Network
        The declaration.
    links : mapping of str to Links
        By link; accounts and counterparties are numbered alike.
    labels : AccountLabels
        Labels of accounts; empty without labels.
    accounts : ndarray of int, shape (n_subjects,)
        Whom it is asked about; -1 for an account without links.
    moments : ndarray of int64, shape (n_subjects,)
        As of when.

    Returns
    -------
    ndarray of float64, shape (n_subjects, n_columns)

    Examples
    --------
    Accounts 0 and 1 use card 5, and account 1 was confirmed as fraud at 25:

    >>> cards = Links(np.array([0, 1]), np.array([5, 5]), np.array([10, 20]))
    >>> known = AccountLabels(np.array([1]), np.array([25]), np.array([1.0]))
    >>> card = Network("", ("card_id",), prior=(0.0, 1.0))
    >>> network_columns(card, {"card_id": cards}, known, np.array([0, 0]), np.array([25, 26])).tolist()
    [[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5]]
    """
    blocks = []
    for name in network.links:
        out = np.full((len(accounts), len(network.columns_of(name))), np.nan)
        graph = _Graph(network, links[name], labels, between=name == network.counterparty)
        for rows in _chunks(graph.degree(accounts, moments)):
            out[rows] = graph.columns(accounts[rows], moments[rows])
        blocks.append(out)
    return np.hstack(blocks)


def _chunks(sizes: Array) -> Iterator[slice]:
    """Cut rows so that each part has about CHUNK links."""
    parts = np.cumsum(sizes) // CHUNK
    cuts = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), len(sizes)]
    return (slice(start, stop) for start, stop in itertools.pairwise(cuts) if stop > start)


class _Graph:
    """Links of one sort, sorted from both ends, with the labels of those who are linked."""

    def __init__(self, network: Network, links: Links, labels: AccountLabels, *, between: bool) -> None:
        self.network, self.between = network, between
        ones = np.ones((len(links.times), 1))
        self.out = RunningTotals(links.accounts, links.times, ones)
        self.out_values = links.values[np.lexsort((links.times, links.accounts))]
        self.into = RunningTotals(links.values, links.times, ones)
        self.into_accounts = links.accounts[np.lexsort((links.times, links.values))]
        who, times, changes = labels.changes()
        self.labels = RunningTotals(who, times, changes)
        self.of_values = self._labels_of_values(links, who, times, changes)
        self.pairs = np.sort(_pair_keys(links.accounts, links.values)) if between else np.empty(0, np.int64)
        order = np.argsort(_pair_keys(links.accounts, links.values), kind="stable")
        self.pair_times = links.times[order]

    def _labels_of_values(self, links: Links, who: Array, times: Array, changes: Array) -> RunningTotals:
        """Tell of every value what is known of those linked to it: from the link or from the label on, the later."""
        starts = np.searchsorted(who, links.accounts)
        n = np.searchsorted(who, links.accounts, "right") - starts
        at = np.repeat(starts - np.concatenate([[0], np.cumsum(n)[:-1]])[: len(n)], n) + np.arange(n.sum())
        known_from = np.maximum(np.repeat(links.times, n), times[at])
        return RunningTotals(np.repeat(links.values, n), known_from, changes[at])

    def degree(self, accounts: Array, moments: Array) -> Array:
        return self.out.before(accounts, moments)[:, 0] + self.into.before(accounts, moments)[:, 0]

    def columns(self, accounts: Array, moments: Array) -> Array:
        rows, values = _expand(self.out, self.out_values, accounts, moments)
        then = moments[rows]
        degree = self.out.before(accounts, moments)[:, 0]
        sharing = self.into.before(values, then)[:, 0] - 1  # not with itself
        n = len(accounts)
        total = _sums(rows, sharing, n)
        parts = [degree, total, _ratios(total, degree), _largest(rows, sharing, n)]
        if self.network.labels:
            own = self.labels.before(accounts, moments)[rows]
            parts += self._rates(rows, self.of_values.before(values, then) - own, n)
        if self.between:
            parts += self._between(accounts, moments, rows, values)
        return np.column_stack(parts)

    def _rates(self, rows: Array, known: Array, n: int) -> list[Array]:
        totals = [_sums(rows, known[:, k], n) for k in range(2)]
        highest = _largest(rows, self._shrunk(known[:, 0], known[:, 1]), n)
        return [*totals, self._shrunk(*totals), highest]

    def _shrunk(self, known: Array, frauds: Array) -> Array:
        rate, weight = self.network.prior
        return (frauds + weight * rate) / (known + weight)

    def _between(self, accounts: Array, moments: Array, rows: Array, values: Array) -> list[Array]:
        n, then = len(accounts), moments[rows]
        fan_rows, fans = _expand(self.into, self.into_accounts, accounts, moments)
        fan_then, n_fans = moments[fan_rows], np.bincount(fan_rows, minlength=n).astype(np.float64)
        degree = np.bincount(rows, minlength=n).astype(np.float64)
        returned = _sums(rows, self._linked(values, accounts[rows], then).astype(np.float64), n)
        met_degree = _sums(rows, self.out.before(values, then)[:, 0], n)
        fan_degree = _sums(fan_rows, self.out.before(fans, fan_then)[:, 0], n)
        parts = [n_fans, _ratios(returned, degree), _ratios(met_degree, degree), _ratios(fan_degree, n_fans)]
        if self.network.labels:
            for at, others, when in ((rows, values, then), (fan_rows, fans, fan_then)):
                known = self.labels.before(others, when) * (others != accounts[at])[:, None]
                known, frauds = (_sums(at, known[:, k], n) for k in range(2))
                parts += [frauds, self._shrunk(known, frauds)]
        return parts

    def _linked(self, accounts: Array, values: Array, moments: Array) -> Array:
        """Tell which pairs were linked before their moments."""
        if not len(self.pairs):
            return np.zeros(len(accounts), np.bool_)
        keys = _pair_keys(accounts, values)
        at = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        return np.asarray((self.pairs[at] == keys) & (self.pair_times[at] < moments))


def _pair_keys(accounts: Array, values: Array) -> Array:
    return accounts.astype(np.int64) << 32 | values.astype(np.int64)


def _expand(running: RunningTotals, others: Array, groups: Array, moments: Array) -> tuple[Array, Array]:
    """List what every group is linked to before its moment: the row that asks, and the other."""
    starts, stops = running.places(groups, moments)
    n = stops - starts
    rows = np.repeat(np.arange(len(groups)), n)
    before = np.cumsum(n) - n
    return rows, others[np.repeat(starts - before, n) + np.arange(len(rows))]


def _sums(rows: Array, values: Array, n: int) -> Array:
    return np.bincount(rows, values, n)


def _largest(rows: Array, values: Array, n: int) -> Array:
    """Return the largest value of every row; NaN without any."""
    found = np.full(n, -np.inf)
    np.maximum.at(found, rows, values)
    return np.where(np.isinf(found), np.nan, found)


def _ratios(above: Array, below: Array) -> Array:
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))
