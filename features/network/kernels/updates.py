"""Links and labels that are added to a graph, one by one and in any order. Needs only NumPy and Numba.

A link is stored at its account and at its value. A value also has the running counts of its known and fraudulent
accounts. The label of an account counts from the time of the link or of the label, whichever is later. A link that
turns out to be older, or a label that arrives between others, updates the counts that depend on it.

The columns of an account at a cutoff time, from the series of a graph. Needs only NumPy and Numba.

Both runners call `fill_columns`, so batch and live are equal to the last bit. All sums are sums of integers, and each
ratio is computed once, at the end. No step takes time proportional to the accounts of a value: these are counted by
bisection. Sums over neighbours are bounded by the maximum degree.
"""

from typing import NamedTuple

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.slabs import END, SIZES, size_class
from fraudsieve.features.network.declaration import Network

from .nodes import (
    HALF,
    Nodes,
    add_change,
    empty_nodes,
    find_node,
    frauds_of,
    grow_nodes,
    intern_node,
    known_of,
    label_before,
    total_before,
)
from .series import (
    ONE,
    TWO,
    Series,
    count_before,
    empty_series,
    grow_series,
    insert,
    item_at,
    move_earlier,
    remove,
    room_for,
    size_of,
    start_of,
)

NEVER = 2**63 - 1
"""Time of a link that does not exist."""
VALUES, ACCOUNTS = np.int64(0), np.int64(1)
"""Series of links: the values of an account, and the accounts of a value."""
LABELS, LABELLED, RETURNED = np.int64(0), np.int64(1), np.int64(2)
"""Series of steps: labels of an account (0 or 1), known and fraudulent accounts of a value, and links both ways."""
KNOWN = 1 << HALF
FIRST_NODES = 64
"""Number of nodes that an empty graph has room for."""


class Graph(NamedTuple):
    """The links of one column, with the labels of the accounts."""

    nodes: Nodes
    links: Series
    steps: Series


class LinkRows(NamedTuple):
    """Links to add: digests of accounts and of values, 0 if missing, and times."""

    accounts: Array
    values: Array
    times: Array


class LabelRows(NamedTuple):
    """Labels to add: digests of accounts, 0 if missing; times, and whether they mean fraud.

    A label counts until the next one of the account. Of several with the same account and time, fraud counts.
    """

    accounts: Array
    times: Array
    frauds: Array


def empty_graph() -> Graph:
    """Return a graph without links."""
    n = FIRST_NODES
    return Graph(empty_nodes(n), empty_series(n, 2, 0, np.int32), empty_series(n, 3, 0, np.int64))


def grow_graph(graph: Graph, link_room: int, step_room: int) -> Graph:
    """Return the same graph with room for two more nodes, and for more entries."""
    nodes, capacity = graph.nodes, len(graph.nodes.digests)
    if nodes.n_nodes[0] + 2 > capacity:
        capacity = capacity * 3 // 2
        nodes = grow_nodes(nodes, capacity)
    links = grow_series(graph.links, capacity, link_room)
    return Graph(nodes, links, grow_series(graph.steps, capacity, step_room))


@compile_part()
def find_link(links: Series, account: int, value: int) -> int:
    """Return since when an account is linked to a value; `NEVER` if it is not. The shorter series is searched."""
    node, kind, wanted = account, VALUES, value
    if size_of(links, value, ACCOUNTS) < size_of(links, account, VALUES):
        node, kind, wanted = value, ACCOUNTS, account
    start, since = start_of(links, node, kind), NEVER
    for k in range(start, start + size_of(links, node, kind)):
        if links.items[k] == wanted:
            since = links.times[k]
            break
    return since


@compile_part()
def _room_for_link(graph: Graph, account: int, value: int) -> tuple[int, int]:
    """Return how many entries of links and of steps a link may add."""
    links, steps = graph.links, graph.steps
    n_links = room_for(size_of(links, account, VALUES), ONE) + room_for(size_of(links, value, ACCOUNTS), ONE)
    n_steps = room_for(size_of(steps, value, LABELLED), 2 * size_of(steps, account, LABELS))
    n_steps += room_for(size_of(steps, account, RETURNED), TWO) + room_for(size_of(steps, value, RETURNED), TWO)
    return n_links, n_steps


@compile_part()
def _add_labels_of_link(steps: Series, account: int, value: int, old: int, time: int) -> None:
    """Count the labels of an account at a value from a time on, and no longer from the old one on."""
    # The account has labels at 10 (not fraud) and 50 (fraud). The steps of the value are known accounts and frauds:
    #
    #   linked at 30          30: 1, 0   50: 1, 1                   the first label counts from the link on
    #   linked at 5 instead   10: 1, 0   30: 1, 0   50: 1, 1        and now from 10 on
    #
    # The change at 30 was taken back, and the two at 50 cancel out. The entry at 30 stays, with the total before it.
    start, fraud, known = start_of(steps, account, LABELS), 0, KNOWN
    for k in range(start, start + size_of(steps, account, LABELS)):
        change = item_at(steps, k) - fraud + known
        fraud, known = item_at(steps, k), 0
        add_change(steps, value, LABELLED, max(time, steps.times[k]), change)
        if old != NEVER:
            add_change(steps, value, LABELLED, max(old, steps.times[k]), -change)


@compile_part()
def _add_return(graph: Graph, account: int, value: int, old: int, time: int) -> None:
    """Count a link of an account to a counterparty that is linked to it too, at both."""
    back = find_link(graph.links, value, account)
    if back == NEVER:
        return
    for node in (account, value):
        add_change(graph.steps, node, RETURNED, max(time, back), ONE)
        if old != NEVER:
            add_change(graph.steps, node, RETURNED, max(old, back), -ONE)


@compile_part()
def _add_link(graph: Graph, account: int, value: int, time: int, between: bool) -> None:
    links, old = graph.links, find_link(graph.links, account, value)
    if old <= time:
        return
    if old == NEVER:
        insert(links, account, VALUES, count_before(links, account, VALUES, time), time, value)
        insert(links, value, ACCOUNTS, count_before(links, value, ACCOUNTS, time), time, account)
    else:
        move_earlier(links, account, VALUES, old, value, time)
        move_earlier(links, value, ACCOUNTS, old, account, time)
    _add_labels_of_link(graph.steps, account, value, old, time)
    if between:
        _add_return(graph, account, value, old, time)


@compile_inlined()
def _lacks_room(series: Series, n: int) -> bool:
    return bool(series.heads[END] + n > series.times.size)


@compile_part()
def _add_link_row(
    graph: Graph, account_id: np.uint64, value_id: np.uint64, time: int, between: bool
) -> tuple[int, int]:
    """Add a link, or return the room that it lacks for links and for steps."""
    if account_id == 0 or value_id == 0 or (between and account_id == value_id):
        return 0, 0
    account, value = intern_node(graph.nodes, account_id), intern_node(graph.nodes, value_id)
    n_links, n_steps = _room_for_link(graph, account, value)
    if _lacks_room(graph.links, n_links) or _lacks_room(graph.steps, n_steps):
        return n_links, n_steps
    _add_link(graph, account, value, time, between)
    return 0, 0


@compile_part()
def _room_for_label(graph: Graph, account: int) -> int:
    """Return how many entries of steps a label may add: one for itself, and two at every value."""
    links, steps = graph.links, graph.steps
    n, start = room_for(size_of(steps, account, LABELS), ONE), start_of(links, account, VALUES)
    for k in range(start, start + size_of(links, account, VALUES)):
        n += room_for(size_of(steps, item_at(links, k), LABELLED), TWO)
    return n


@compile_part()
def _store_label(steps: Series, account: int, time: int, fraud: int) -> tuple[int, int]:
    """Store a label; return its change of the counts, and when the next label of the account undoes it."""
    # A label counts until the next one. Fraud at 30, between two labels that are not fraud:
    #
    #   labels        10: 0           50: 0
    #   changes       10: +known      50: none
    #   labels        10: 0   30: 1   50: 0
    #   changes               30: +1  50: -1        `change` 1, `next_time` 50
    #
    # A first label changes the counts by one known account too, and takes this change from the label after it.
    n, size = count_before(steps, account, LABELS, time), size_of(steps, account, LABELS)
    position = start_of(steps, account, LABELS) + n
    if n < size and steps.times[position] == time:
        change = max(fraud - item_at(steps, position), 0)
        steps.items[position] += change
    else:
        change = fraud - item_at(steps, position - 1) if n else fraud + KNOWN
        insert(steps, account, LABELS, n, time, fraud)
    next_time = NEVER
    if n + 1 < size_of(steps, account, LABELS):
        next_time = steps.times[start_of(steps, account, LABELS) + n + 1]
    return change, next_time


@compile_part()
def _count_label(graph: Graph, account: int, time: int, next_time: int, change: int) -> None:
    """Change the counts of every value of an account from a time on until another one."""
    links, steps, start = graph.links, graph.steps, start_of(graph.links, account, VALUES)
    for k in range(start, start + size_of(links, account, VALUES)):
        value, since = item_at(links, k), links.times[k]
        add_change(steps, value, LABELLED, max(time, since), change)
        if next_time != NEVER:
            add_change(steps, value, LABELLED, max(next_time, since), -change)


@compile_kernel()
def remove_label(graph: Graph, account_id: np.uint64, time: int, fraud: int) -> int:
    """Remove a label if it is there, or return the room that it lacks for steps."""
    steps, account = graph.steps, find_node(graph.nodes, account_id)
    size = size_of(steps, account, LABELS) if account >= 0 else 0
    n = count_before(steps, account, LABELS, time) if size else 0
    position = start_of(steps, account, LABELS) + n if size else 0
    if n == size or steps.times[position] != time or item_at(steps, position) != fraud:
        return 0
    n_steps = _room_for_label(graph, account) + SIZES[size_class(size)]
    if _lacks_room(steps, n_steps):
        return int(n_steps)
    # What `_store_label` has changed is undone: from now on, the label before it counts until the next one.
    change = (item_at(steps, position - 1) if n else -KNOWN) - fraud
    next_time = steps.times[position + 1] if n + 1 < size else NEVER
    remove(steps, account, LABELS, n)
    _count_label(graph, account, time, next_time, change)
    return 0


@compile_part()
def _add_label_row(graph: Graph, account_id: np.uint64, time: int, fraud: int) -> int:
    """Add a label, or return the room that it lacks for steps."""
    if account_id == 0:
        return 0
    account = intern_node(graph.nodes, account_id)
    n_steps = _room_for_label(graph, account)
    if _lacks_room(graph.steps, n_steps):
        return n_steps
    change, next_time = _store_label(graph.steps, account, time, fraud)
    if change != 0:
        _count_label(graph, account, time, next_time, change)
    return 0


@compile_kernel()
def add_rows(
    graph: Graph, links: LinkRows, labels: LabelRows, between: bool, row: int, label_row: int
) -> tuple[int, int, int, int]:
    """Add links and labels from a row of each on, as long as there is room.

    The earlier of the next link and the next label comes first. If both are sorted, everything is then appended to its
    series, where it would otherwise be inserted.

    Returns the rows that were reached, and the room that is needed for links and for steps.
    """
    while row < links.times.size or label_row < labels.times.size:
        if graph.nodes.n_nodes[0] + 2 > len(graph.nodes.digests):
            break
        n_links, n_steps = 0, 0
        if label_row == labels.times.size or (row < links.times.size and links.times[row] <= labels.times[label_row]):
            n_links, n_steps = _add_link_row(graph, links.accounts[row], links.values[row], links.times[row], between)
            row += 1 if n_links + n_steps == 0 else 0
        else:
            fraud = 1 if labels.frauds[label_row] else 0
            n_steps = _add_label_row(graph, labels.accounts[label_row], labels.times[label_row], fraud)
            label_row += 1 if n_steps == 0 else 0
        if n_links + n_steps > 0:
            return row, label_row, n_links, n_steps
    return row, label_row, 0, 0


@compile_kernel()
def list_series(nodes: Nodes, series: Series, kind: np.int64, owners: Array, times: Array, items: Array) -> None:
    """Write every entry of the series of a kind, node by node: the digest of the node, the time and the item."""
    row = 0
    for node in range(nodes.n_nodes[0]):
        start = start_of(series, node, kind)
        for k in range(start, start + size_of(series, node, kind)):
            owners[row], times[row], items[row] = nodes.digests[node, 0], series.times[k], series.items[k]
            row += 1


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


def rules_of(network: Network, name: str) -> Rules:
    """Return the rules of a column that links accounts."""
    rate, weight = network.prior
    return Rules(network.max_degree, float(rate), float(weight), network.labels, name == network.counterparty)


@compile_inlined()
def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator > 0 else np.nan


@compile_kernel()
def _rate(total: int, rules: Rules) -> float:
    """Return the rate of fraud of a total, shrunk towards that of the declaration."""
    return float((frauds_of(total) + rules.weight * rules.rate) / (known_of(total) + rules.weight))


@compile_part()
def _add_value(rules: Rules, sums: Array, highest_rate: float, n_others: int, total: int) -> float:
    """Add the other accounts of a value, and the total of their labels; return the maximum rate of fraud so far."""
    sums[SHARING] += n_others
    sums[SHARING_MAX] = max(sums[SHARING_MAX], n_others)
    sums[SHARING_LABELS] += total
    rate = _rate(total, rules)
    return rate if np.isnan(highest_rate) else max(highest_rate, rate)


@compile_part()
def _sum_over_values(graph: Graph, rules: Rules, account: int, degree: int, cutoff: int, sums: Array) -> float:
    """Sum over the first values of an account; return the maximum rate of fraud per value."""
    links, steps, highest_rate, total = graph.links, graph.steps, np.nan, 0
    own_label = label_before(steps, account, LABELS, cutoff) if rules.labels else 0
    start = start_of(links, account, VALUES)
    for k in range(start, start + degree):
        value = item_at(links, k)
        n_others = count_before(links, value, ACCOUNTS, cutoff) - 1  # without the account itself
        if rules.labels:
            total = total_before(steps, value, LABELLED, cutoff) - own_label
        highest_rate = _add_value(rules, sums, highest_rate, n_others, total)
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
def _fill_between(
    rules: Rules, degree: int, n_fans: int, n_returned: int, fan_degree: int, fan_labels: int, sums: Array, out: Array
) -> None:
    """Fill the columns of counterparties and fans."""
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
        if not rules.between:
            continue
        n_fans, n_returned, fan_degree, fan_labels = 0, 0, 0, 0
        if account >= 0:
            n_fans = count_before(graph.links, account, ACCOUNTS, cutoff)
            n_returned = total_before(graph.steps, account, RETURNED, cutoff)
            if n_fans <= rules.max_degree:
                fan_degree = _degree_of_fans(graph.links, account, n_fans, cutoff)
            if rules.labels:
                fan_labels = total_before(graph.steps, account, LABELLED, cutoff)
        _fill_between(rules, degree, n_fans, n_returned, fan_degree, fan_labels, sums, out[row, first + n :])


# A graph that no machine holds is computed in two rounds, each of which needs the series of a node only.
#
#   round 1, at the account   `fill_states` counts its values and its fans, and asks each of them
#   round 2, at the value     `fill_states` counts its accounts and labels before the time of the question
#   at the account again      `fill_from_answers` sums the answers
#
# Sums of integers do not depend on the order of the answers.
N_VALUES, N_ACCOUNTS, LABEL, TOTAL, N_RETURNED = range(5)
"""The columns of `fill_states`."""
OF_ACCOUNT, OF_VALUE, OF_FAN = range(3)
"""What an answer says: the account itself, one of its values, or a fan."""


@compile_kernel()
def fill_states(graph: Graph, nodes: Array, cutoffs: Array, out: Array) -> None:
    """Fill what the series of nodes say strictly before times: numbers of links, a label, and totals.

    Parameters
    ----------
    graph : Graph
        The series of these nodes; those of others are not read.
    nodes : ndarray of int32, shape (n_questions,)
        Numbers of nodes.
    cutoffs : ndarray of int64, shape (n_questions,)
        Times in microseconds since 1970.
    out : ndarray of int64, shape (n_questions, 5)
        The numbers of its values and its accounts, its label as a total of one account, the total of labels of its
        accounts, and its links both ways.
    """
    links, steps = graph.links, graph.steps
    for row in range(nodes.size):
        node, cutoff = nodes[row], cutoffs[row]
        out[row, N_VALUES] = count_before(links, node, VALUES, cutoff)
        out[row, N_ACCOUNTS] = count_before(links, node, ACCOUNTS, cutoff)
        out[row, LABEL] = label_before(steps, node, LABELS, cutoff)
        out[row, TOTAL] = total_before(steps, node, LABELLED, cutoff)
        out[row, N_RETURNED] = total_before(steps, node, RETURNED, cutoff)


@compile_kernel()
def fill_from_answers(starts: Array, kinds: Array, answers: Array, rules: Rules, out: Array) -> None:
    """Fill the columns of accounts from answers: those of `fill_columns`, whatever the order of the answers.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_accounts + 1,)
        Where the answers of each account begin.
    kinds : ndarray of int8, shape (n_answers,)
        What each answer says.
    answers : ndarray of int64, shape (n_answers, 5)
        As from `fill_states`; of a value without the account itself and its label, and of a fan its degree only.
    rules : Rules
        The declaration.
    out : ndarray of float64, shape (n_accounts, n_columns)
        The columns.
    """
    sums = np.zeros(N_SUMS, np.int64)
    for row in range(starts.size - 1):
        degree, highest_rate, n_fans, n_returned, fan_degree, fan_labels = 0, np.nan, 0, 0, 0, 0
        sums[:] = 0
        for k in range(starts[row], starts[row + 1]):
            answer = answers[k]
            if kinds[k] == OF_ACCOUNT:
                degree, n_fans = answer[N_VALUES], answer[N_ACCOUNTS]
                n_returned, fan_labels = answer[N_RETURNED], answer[TOTAL]
            elif kinds[k] == OF_VALUE:
                highest_rate = _add_value(rules, sums, highest_rate, answer[N_ACCOUNTS], answer[TOTAL])
                sums[MET_DEGREE] += answer[N_VALUES]
                sums[MET_LABELS] += answer[LABEL]
            else:
                fan_degree += answer[N_VALUES]
        n = _fill_shared(rules, degree, sums, highest_rate, out[row])
        if rules.between:
            _fill_between(rules, degree, n_fans, n_returned, fan_degree, fan_labels, sums, out[row, n:])
