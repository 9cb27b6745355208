"""Links sorted by account and time: the first of each pair, and those that go both ways. Needs only NumPy and Numba."""

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

from .series import Series, item_at, size_of, start_of
from .updates import ACCOUNTS, VALUES


@compile_kernel()
def keep_first_links(
    starts: Array, times: Array, values: Array, between: bool, kept_accounts: Array, kept_times: Array, kept: Array
) -> int:
    """Write the earliest link of each pair of an account and a value, and return their number.

    Rows are sorted by account and time. Rows without a value are skipped, and with `between` those of an account to
    itself.
    """
    # `last_account` says at which account a value was last kept, so that it needs no reset between accounts.
    #
    #   accounts             0    0    0  |  1    1
    #   values               7    9    7  |  7    7
    #   last_account, then  -1   -1    0  |  0    1
    #   kept                 x    x    .  |  x    .
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
    # As above, `last_node` marks the accounts that link to a node; its own links to marked ones go both ways.
    #
    #   accounts of node 0    1 at 10   2 at 20             marked with 0
    #   values of node 0      2 at 15   3 at 30             2 is marked: 0 is written, with 20
    #   values of node 2      0 at 20                       later, in its turn: 2 is written, with 20
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
