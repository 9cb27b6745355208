"""The network of accounts, live: links and labels in, the columns of the batch out. NumPy alone.

A state holds every pair of account and value once, with the time of its first event: it grows with the pairs, not with
the events. An answer looks at the links of the subject, at those who share them, and at their links.
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
    """What is linked to what, and since when; ids are kept as digests of 64 bits.

    Parameters
    ----------
    network : Network
        The declaration.

    Examples
    --------
    >>> state = NetworkState(Network(labels=False))
    >>> state.add({"account_id": "ann", "counterparty_id": "eve"}, 10)
    >>> state.columns_of({"account_id": "ann"}, 11)[:2].tolist()
    [1.0, 0.0]
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.values: dict[str, dict[int, dict[int, int]]] = {name: {} for name in network.links}
        self.accounts: dict[str, dict[int, set[int]]] = {name: {} for name in network.links}
        self.labels: dict[int, dict[int, bool]] = {}

    def add(self, event: Record, time: int) -> None:
        """Take an event: of a pair the first one counts."""
        for name, account, value in self.pairs(event):
            self.link(name, account, value, time)

    def pairs(self, event: Record) -> list[tuple[str, int, int]]:
        """Return what an event links: column, account and value."""
        account = id_digest(event.get("account_id"), "account_id")
        values = [(name, id_digest(event.get(name), name)) for name in self.network.links]
        linked = [(name, value) for name, value in values if account and value]
        return [
            (name, account, value) for name, value in linked if name != self.network.counterparty or value != account
        ]

    def link(self, name: str, account: int, value: int, time: int) -> None:
        """Link an account to a value from a time on, unless it was before."""
        since = self.values[name].setdefault(account, {})
        since[value] = min(since.get(value, time), time)
        self.accounts[name].setdefault(value, set()).add(account)

    def label(self, account: int, time: int, fraud: bool) -> None:
        """Note what became known of an account, and when."""
        self.labels.setdefault(account, {})[time] = fraud

    def columns_of(self, subject: Record, moment: int) -> Array:
        """Compute the columns of a subject, strictly before its moment.

        Parameters
        ----------
        subject : dict
            With ``account_id``.
        moment : int
            Microseconds since 1970.

        Returns
        -------
        ndarray of float64, shape (n_columns,)
        """
        account = id_digest(subject.get("account_id"), "account_id")
        found = {name: self._around(name, account) for name in self.network.links}
        whom = {account, *(one for pairs in found.values() for pair in pairs for one in pair[:2])}
        numbers = {digest: place for place, digest in enumerate(sorted(whom))}
        links = {name: _links(pairs, numbers) for name, pairs in found.items()}
        labels = [(numbers[one], *known) for one in numbers for known in self.labels.get(one, {}).items()]
        who, times, frauds = (np.array(part) for part in zip(*labels, strict=True)) if labels else (np.empty(0),) * 3
        log = AccountLabels(who.astype(np.int64), times.astype(np.int64), frauds.astype(np.float64))
        at = np.array([numbers[account]]), np.array([moment])
        return np.asarray(network_columns(self.network, links, log, *at)[0])

    def _around(self, name: str, account: int) -> list[tuple[int, int, int]]:
        """List the pairs that the columns of an account look at."""
        values, accounts = self.values[name], self.accounts[name]
        near = set(values.get(account, ()))
        whole: set[int] = {account}
        if name == self.network.counterparty:
            whole |= near | accounts.get(account, set())  # their degrees count
        sharing = {other for value in near for other in accounts[value]}
        pairs = [(one, value, time) for one in whole for value, time in values.get(one, {}).items()]
        return pairs + [
            (one, value, values[one][value]) for one in sharing - whole for value in near & set(values[one])
        ]

    def dump(self) -> dict[str, Array]:
        """Return all that is held, as arrays."""
        parts: dict[str, Array] = {}
        for place, name in enumerate(self.network.links):
            rows = [(one, value, time) for one, some in self.values[name].items() for value, time in some.items()]
            parts |= {f"links-{place}.{part}": column for part, column in _columns(rows).items()}
        rows = [(one, int(fraud), time) for one, known in self.labels.items() for time, fraud in known.items()]
        return parts | {f"labels.{part}": column for part, column in _columns(rows).items()}

    def fill_from(self, parts: Mapping[str, Array]) -> None:
        """Take what `dump` returned."""
        for place, name in enumerate(self.network.links):
            for one, value, time in _rows(parts, f"links-{place}"):
                self.link(name, one, value, time)
        for one, fraud, time in _rows(parts, "labels"):
            self.label(one, time, bool(fraud))


def _links(pairs: Iterable[tuple[int, int, int]], numbers: Mapping[int, int]) -> Links:
    rows = [(numbers[one], numbers[value], time) for one, value, time in pairs]
    block = np.array(rows, np.int64).reshape(-1, 3)
    return Links(block[:, 0], block[:, 1], block[:, 2])


def _columns(rows: list[tuple[int, int, int]]) -> dict[str, Array]:
    accounts, values, times = zip(*rows, strict=True) if rows else ((), (), ())
    return {
        "accounts": np.array(accounts, np.uint64),
        "values": np.array(values, np.uint64),
        "times": np.array(times, np.int64),
    }


def _rows(parts: Mapping[str, Array], name: str) -> Iterable[tuple[int, int, int]]:
    return zip(*(parts[f"{name}.{part}"].tolist() for part in ("accounts", "values", "times")), strict=True)
