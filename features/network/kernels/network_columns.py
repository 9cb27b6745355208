"""The columns of an account at a cutoff time, from the series of a graph. Needs only NumPy and Numba.

Both runners call `fill_columns`, so batch and live are equal to the last bit. All sums are sums of integers, and each
ratio is computed once, at the end. No step takes time proportional to the accounts of a value: these are counted by
bisection. Sums over neighbours are bounded by the maximum degree.
"""

from typing import NamedTuple

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array

from .nodes import find_node, frauds_of, known_of, label_before, total_before
from .series import Series, count_before, item_at, start_of
from .updates import ACCOUNTS, LABELLED, LABELS, RETURNED, VALUES, Graph

SHARING, SHARING_MAX, SHARING_LABELS, MET_DEGREE, MET_LABELS = range(5)
"""The totals, and the maximum, over the values of an account."""
N_SUMS = 5


class Rules(NamedTuple):
    """The parts of a declaration that the kernels need."""

    max_degree: int
    rate: float
    weight: float
    labels: bool
    between: bool


@compile_inlined()
def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator > 0 else np.nan


@compile_kernel()
def _rate(total: int, rules: Rules) -> float:
    """Return the rate of fraud of a total, shrunk towards that of the declaration."""
    return float((frauds_of(total) + rules.weight * rules.rate) / (known_of(total) + rules.weight))


@compile_part()
def _sum_over_values(graph: Graph, rules: Rules, account: int, degree: int, cutoff: int, sums: Array) -> float:
    """Sum over the first values of an account; return the maximum rate of fraud per value."""
    links, steps, highest_rate = graph.links, graph.steps, np.nan
    own_label = label_before(steps, account, LABELS, cutoff) if rules.labels else 0
    start = start_of(links, account, VALUES)
    for k in range(start, start + degree):
        value = item_at(links, k)
        n_others = count_before(links, value, ACCOUNTS, cutoff) - 1  # without the account itself
        sums[SHARING] += n_others
        sums[SHARING_MAX] = max(sums[SHARING_MAX], n_others)
        if rules.labels:
            total = total_before(steps, value, LABELLED, cutoff) - own_label
            sums[SHARING_LABELS] += total
            rate = _rate(total, rules)
            highest_rate = rate if k == start else max(highest_rate, rate)
        if rules.between:
            sums[MET_DEGREE] += count_before(links, value, VALUES, cutoff)
            sums[MET_LABELS] += label_before(steps, value, LABELS, cutoff) if rules.labels else 0
    return highest_rate


@compile_part()
def _degree_of_fans(links: Series, account: int, n_fans: int, cutoff: int) -> int:
    """Sum the degrees of the first fans of an account."""
    total, start = 0, start_of(links, account, ACCOUNTS)
    for k in range(start, start + n_fans):
        total += count_before(links, item_at(links, k), VALUES, cutoff)
    return total


@compile_part()
def _fill_shared(rules: Rules, degree: int, sums: Array, highest_rate: float, out: Array) -> int:
    """Fill the columns of shared values, and return their number."""
    out[0] = degree
    out[1] = sums[SHARING]
    out[2] = _ratio(sums[SHARING], degree)
    out[3] = sums[SHARING_MAX] if degree else np.nan
    if rules.labels:
        out[4] = known_of(sums[SHARING_LABELS])
        out[5] = frauds_of(sums[SHARING_LABELS])
        out[6] = _rate(sums[SHARING_LABELS], rules)
        out[7] = highest_rate
    n = 8 if rules.labels else 4
    if degree > rules.max_degree:
        out[1:n] = np.nan
    return n


@compile_part()
def _fill_between(graph: Graph, rules: Rules, account: int, degree: int, cutoff: int, sums: Array, out: Array) -> None:
    """Fill the columns of counterparties and fans; an account of -1 has neither."""
    n_fans, n_returned, fan_degree, fan_labels = 0, 0, 0, 0
    if account >= 0:
        n_fans = count_before(graph.links, account, ACCOUNTS, cutoff)
        n_returned = total_before(graph.steps, account, RETURNED, cutoff)
        if n_fans <= rules.max_degree:
            fan_degree = _degree_of_fans(graph.links, account, n_fans, cutoff)
        if rules.labels:
            fan_labels = total_before(graph.steps, account, LABELLED, cutoff)
    is_followed = degree <= rules.max_degree
    out[0] = n_fans
    out[1] = _ratio(n_returned, degree)
    out[2] = _ratio(sums[MET_DEGREE], degree) if is_followed else np.nan
    out[3] = _ratio(fan_degree, n_fans) if n_fans <= rules.max_degree else np.nan
    if rules.labels:
        out[4] = frauds_of(sums[MET_LABELS]) if is_followed else np.nan
        out[5] = _rate(sums[MET_LABELS], rules) if is_followed else np.nan
        out[6] = frauds_of(fan_labels)
        out[7] = _rate(fan_labels, rules)


@compile_kernel()
def fill_columns(graph: Graph, rules: Rules, accounts: Array, cutoffs: Array, out: Array, first: int) -> None:
    """Fill the columns of accounts, given by digest, from column `first` of `out` on."""
    sums = np.zeros(N_SUMS, np.int64)
    for row in range(accounts.size):
        account, degree, highest_rate, cutoff = find_node(graph.nodes, accounts[row]), 0, np.nan, cutoffs[row]
        sums[:] = 0
        if account >= 0:
            degree = count_before(graph.links, account, VALUES, cutoff)
        if 0 < degree <= rules.max_degree:
            highest_rate = _sum_over_values(graph, rules, account, degree, cutoff, sums)
        n = _fill_shared(rules, degree, sums, highest_rate, out[row, first:])
        if rules.between:
            _fill_between(graph, rules, account, degree, cutoff, sums, out[row, first + n :])
