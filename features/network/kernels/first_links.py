"""Links sorted by account and time: the first of each pair, and those that go both ways. Needs only NumPy and Numba."""

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

from .series import Series, item_at, size_of, start_of
from .updates import ACCOUNTS, VALUES

__all__ = ["keep_first_links", "mutual_links"]


@compile_kernel()
def keep_first_links(
    starts: Array, times: Array, values: Array, between: bool, kept_accounts: Array, kept_times: Array, kept: Array
) -> int:
    """Write the earliest link of each pair of an account and a value, and return their number.

    Rows are sorted by account and time. Rows without a value are skipped, and with `between` those of an account to
    itself.
    """
    last_account, n = np.full(starts.size, -1, np.int32), 0
    for account in range(starts.size - 1):
        for i in range(starts[account], starts[account + 1]):
            value = values[i]
            if value < 0 or last_account[value] == account or (between and value == account):
                continue
            last_account[value] = account
            kept_accounts[n], kept_times[n], kept[n] = account, times[i], value
            n += 1
    return n


@compile_kernel()
def mutual_links(links: Series, nodes: Array, times: Array) -> int:
    """Write the nodes of every pair that is linked both ways, with the later of the two times; return their number."""
    n_nodes = len(links.spans)
    last_node, since, n = np.full(n_nodes, -1, np.int32), np.empty(n_nodes, np.int64), 0
    for node in range(n_nodes):
        n_values, n_accounts = size_of(links, node, VALUES), size_of(links, node, ACCOUNTS)
        if n_values == 0 or n_accounts == 0:
            continue
        start = start_of(links, node, ACCOUNTS)
        for k in range(start, start + n_accounts):
            last_node[item_at(links, k)], since[item_at(links, k)] = node, links.times[k]
        start = start_of(links, node, VALUES)
        for k in range(start, start + n_values):
            if last_node[item_at(links, k)] == node:
                nodes[n], times[n] = node, max(links.times[k], since[item_at(links, k)])
                n += 1
    return n
