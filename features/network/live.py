"""The live state of the network of accounts; it computes the same columns as a batch. Needs only NumPy.

A state stores each pair of account and value once, with the time of its first event. It grows with the number of pairs,
not with the number of events. The features of a subject use its links, the accounts that share them, and the links of
these accounts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.records import id_digest

from .declaration import Network
from .graph import AccountLabels, Links, network_columns

__all__ = ["NetworkState"]

Record = Mapping[str, Any]


class NetworkState:
    """The links and labels of accounts; ids are stored as digests of 64 bits.

    Parameters
    ----------
    declaration : Network
        The declaration of the network features.

    Examples
    --------
    >>> state = NetworkState(Network(labels=False))
    >>> state.add({"account_id": "ann", "counterparty_id": "eve"}, 10)
    >>> state.compute({"account_id": "ann"}, 11)[:2].tolist()
    [1.0, 0.0]
    """

    def __init__(self, declaration: Network) -> None:
        self.declaration = declaration
        self.values: dict[str, dict[int, dict[int, int]]] = {name: {} for name in declaration.links}
        self.accounts: dict[str, dict[int, set[int]]] = {name: {} for name in declaration.links}
        self.labels: dict[int, dict[int, bool]] = {}

    def add(self, event: Record, time: int) -> None:
        """Add the links of an event, unless it is later than an event with the same pair."""
        for name, account, value in self.pairs(event):
            self.link(name, account, value, time)

    def pairs(self, event: Record) -> list[tuple[str, int, int]]:
        """Return the links of an event: column, account and value."""
        account = id_digest(event.get("account_id"), "account_id")
        values = [(name, id_digest(event.get(name), name)) for name in self.declaration.links]
        counterparty = self.declaration.counterparty
        return [
            (name, account, value)
            for name, value in values
            if account and value and (name != counterparty or value != account)
        ]

    def link(self, name: str, account: int, value: int, time: int) -> None:
        """Link an account to a value from a time on, unless they were linked before."""
        since = self.values[name].setdefault(account, {})
        since[value] = min(since.get(value, time), time)
        self.accounts[name].setdefault(value, set()).add(account)

    def label(self, account: int, time: int, is_fraud: bool) -> None:
        """Add a label of an account, and when it became known."""
        self.labels.setdefault(account, {})[time] = is_fraud

    def compute(self, subject: Record, cutoff: int) -> Array:
        """Compute the columns of a subject, strictly before its cutoff time.

        Parameters
        ----------
        subject : dict
            Subject with ``account_id``.
        cutoff : int
            Cutoff time in microseconds since 1970.

        Returns
        -------
        ndarray of float64, shape (n_columns,)
        """
        account = id_digest(subject.get("account_id"), "account_id")
        links_by_column = {name: self._links_near(name, account) for name in self.declaration.links}
        digests = {account, *(digest for links in links_by_column.values() for link in links for digest in link[:2])}
        codes = {digest: code for code, digest in enumerate(sorted(digests))}
        encoded = {name: _encode_links(links, codes) for name, links in links_by_column.items()}
        labels = [(codes[digest], *label) for digest in codes for label in self.labels.get(digest, {}).items()]
        columns = (np.array(column) for column in zip(*labels, strict=True)) if labels else (np.empty(0),) * 3
        accounts, times, frauds = columns
        account_labels = AccountLabels(accounts.astype(np.int64), times.astype(np.int64), frauds.astype(np.float64))
        subject_code, cutoffs = np.array([codes[account]]), np.array([cutoff])
        return np.asarray(network_columns(self.declaration, encoded, account_labels, subject_code, cutoffs)[0])

    def _links_near(self, name: str, account: int) -> list[tuple[int, int, int]]:
        """Return the links that the columns of an account are computed from: account, value and time."""
        values, accounts = self.values[name], self.accounts[name]
        own_values = set(values.get(account, ()))
        complete: set[int] = {account}
        if name == self.declaration.counterparty:
            complete |= own_values | accounts.get(account, set())  # all their links count for their degrees
        sharing = {other for value in own_values for other in accounts[value]}
        links = [(linked, value, time) for linked in complete for value, time in values.get(linked, {}).items()]
        return links + [
            (other, value, values[other][value])
            for other in sharing - complete
            for value in own_values & set(values[other])
        ]

    def dump(self) -> dict[str, Array]:
        """Return the links and labels as arrays."""
        arrays: dict[str, Array] = {}
        for index, name in enumerate(self.declaration.links):
            links = self.values[name]
            rows = [(account, value, time) for account, values in links.items() for value, time in values.items()]
            arrays |= {f"links-{index}.{column}": cells for column, cells in _columns(rows).items()}
        rows = [
            (account, int(is_fraud), time)
            for account, labels in self.labels.items()
            for time, is_fraud in labels.items()
        ]
        return arrays | {f"labels.{column}": cells for column, cells in _columns(rows).items()}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Restore the links and labels from the arrays of `dump`."""
        for index, name in enumerate(self.declaration.links):
            for account, value, time in _rows(arrays, f"links-{index}"):
                self.link(name, account, value, time)
        for account, is_fraud, time in _rows(arrays, "labels"):
            self.label(account, time, bool(is_fraud))


def _encode_links(links: Iterable[tuple[int, int, int]], codes: Mapping[int, int]) -> Links:
    rows = [(codes[account], codes[value], time) for account, value, time in links]
    block = np.array(rows, np.int64).reshape(-1, 3)
    return Links(block[:, 0], block[:, 1], block[:, 2])


def _columns(rows: list[tuple[int, int, int]]) -> dict[str, Array]:
    accounts, values, times = zip(*rows, strict=True) if rows else ((), (), ())
    return {
        "accounts": np.array(accounts, np.uint64),
        "values": np.array(values, np.uint64),
        "times": np.array(times, np.int64),
    }


def _rows(arrays: Mapping[str, Array], name: str) -> Iterable[tuple[int, int, int]]:
    return zip(*(arrays[f"{name}.{column}"].tolist() for column in ("accounts", "values", "times")), strict=True)
