"""Links by shared accounts: one that sends in both actions, receives in both, or receives and then sends."""

from dataclasses import replace
from typing import Final

import numpy as np
import scipy.sparse as sp

from fraudsieve._compiled import compile_kernel
from fraudsieve._microseconds import DAY
from fraudsieve._typing import Array
from fraudsieve.cases.actions import NO_TIME, Actions
from fraudsieve.cases.settings import CaseSettings
from fraudsieve.features.history.kernels.windows import first_from

from .table import LINK_KINDS, Entries, Hubs, Links, entries_in_window, pair_entries, time_decay


@compile_kernel()
def _closure_kernel(
    offsets: Array, other: Array, times: Array, ends: Array, shared: Array, span: Array, limit: int, out: Array
) -> None:
    """Count the accounts that both ends of a pair deal with inside its span; the first `limit` partners count."""
    # Two actions share account s; their other ends are x and y. `mark` holds k, so it is not reset between pairs.
    #
    #   partners of x     a   b   y   s        a and b are marked with k; y is a direct link of the two ends
    #   partners of y     b   b   x   c        b is marked: counted, and its mark is removed, so that it counts once
    #   out[k]            1 + 1                b, and the direct link
    mark = np.full(offsets.size - 1, -1, np.int64)
    for k in range(shared.size):
        x, y = ends[0, k], ends[1, k]
        if x < 0 or y < 0:
            continue
        count, direct = 0, False
        start = first_from(times, offsets[x], offsets[x + 1], span[0, k])
        for m in range(start, min(offsets[x + 1], start + limit)):
            if times[m] > span[1, k]:
                break
            direct |= other[m] == y
            if other[m] != shared[k] and other[m] != y:
                mark[other[m]] = k
        start = first_from(times, offsets[y], offsets[y + 1], span[0, k])
        for m in range(start, min(offsets[y + 1], start + limit)):
            if times[m] > span[1, k]:
                break
            if mark[other[m]] == k and other[m] != x:
                mark[other[m]] = -1
                count += 1
        out[k] = count + direct


def count_closures(
    actions: Actions, earlier: Array, later: Array, shared: Array, ends: Array, window: int, limit: int
) -> Array:
    """Count the further accounts that link the other ends of two actions with a shared account.

    Such a link closes a cycle: the ends deal with each other, or both with a third account, in flagged actions at most
    a window before the first or after the second action. Rings of several payers and payees are full of them, and
    chance meetings at a busy account are not.
    """
    own = np.concatenate([actions.account, actions.counterparty])
    other = np.concatenate([actions.counterparty, actions.account])
    time = np.tile(actions.time, 2)
    two_ends = (own >= 0) & (other >= 0)
    own, other, time = own[two_ends], other[two_ends], time[two_ends]
    order = np.lexsort((other, time, own))
    offsets = np.searchsorted(own[order], np.arange(len(actions.names) + 1))
    timed = (actions.time[earlier] != NO_TIME) & (actions.time[later] != NO_TIME)
    span = np.stack(
        [
            np.where(timed, actions.time[earlier] - np.where(timed, window, 0), NO_TIME),
            np.where(timed, actions.time[later] + np.where(timed, window, 0), np.iinfo(np.int64).max),
        ]
    )
    out = np.zeros(len(shared), np.int64)
    _closure_kernel(offsets, other[order], time[order], ends, shared, span, limit, out)
    return out


@compile_kernel()
def _similarity_kernel(
    offsets: Array, neighbours: Array, weights: Array, norms: Array, source: Array, target: Array, out: Array
) -> None:
    # Neighbours ascend, so that two rows are merged in one pass, as in merge sort; common ones add to the product.
    #
    #   source     1   3   4   7        m goes on where its neighbour is the smaller one
    #   target     0   3   7            n where that is; both do at 3 and at 7
    for k in range(source.size):
        m, m_end = offsets[source[k]], offsets[source[k] + 1]
        n, n_end = offsets[target[k]], offsets[target[k] + 1]
        total = 0.0
        while m < m_end and n < n_end:
            if neighbours[m] == neighbours[n]:
                total += weights[m] * weights[n]
                m += 1
                n += 1
            elif neighbours[m] < neighbours[n]:
                m += 1
            else:
                n += 1
        out[k] = total / (norms[source[k]] * norms[target[k]])


def neighbourhood_similarity(graph: sp.csr_matrix, source: Array, target: Array, self_weight: float) -> Array:
    """Return the cosine of the weighted neighbourhoods of linked actions, where each action is its own neighbour.

    This is the structural similarity of SCAN (Xu et al., 2007) with weights. Links inside a ring have it; those that
    lead from one ring to another do not.
    """
    neighbourhoods = (graph + self_weight * sp.identity(graph.shape[0], format="csr")).tocsr()
    neighbourhoods.sort_indices()
    norms = np.sqrt(np.asarray(neighbourhoods.multiply(neighbourhoods).sum(axis=1)).ravel())
    out = np.empty(len(source))
    _similarity_kernel(neighbourhoods.indptr, neighbourhoods.indices, neighbourhoods.data, norms, source, target, out)
    return out


SENDS: Final = 0
RECEIVES: Final = 1
OWN_WEIGHT: Final = 0.5
"""Weight of an action in its own neighbourhood, next to 1 for a fresh link that is closed."""
MAX_PARTNERS: Final = 256


def account_links(actions: Actions, settings: CaseSettings) -> tuple[Links, Hubs]:
    """Link actions that share an account within a window.

    The weight is that of the role, multiplied by the decay, by an increase for every further account that links the
    other ends, and by the similarity of the neighbourhoods.
    """
    window = int(settings.window_days * DAY)
    entries = _entries(actions)
    is_hub = np.zeros(len(actions.names), np.bool_)
    is_hub[entries.value[entries_in_window(entries, window) > settings.max_sharing]] = True
    hubs = _hubs(actions, entries, is_hub)
    entries = entries[~is_hub[entries.value]]
    first, second = pair_entries(entries, window, settings.nearest)
    earlier, later, shared = entries.action[first], entries.action[second], entries.value[first]
    simultaneous = entries.time[first] == entries.time[second]
    kind = _kinds(entries.role[first], entries.role[second], simultaneous)
    ends = np.stack([_other_end(actions, entries, rows) for rows in (first, second)])
    closures = count_closures(actions, earlier, later, shared, ends, window, MAX_PARTNERS)
    by_kind = np.array([getattr(settings, name) for name in LINK_KINDS[:4]])
    weight = by_kind[kind] * time_decay(entries.time[first], entries.time[second], window, settings.half_life)
    counted = np.minimum(closures, settings.max_closures)
    weight *= (1 + settings.closure * counted) / (1 + settings.closure * settings.max_closures)
    links = Links(earlier, later, kind, weight, shared, closures.astype(np.float64), actions.names)
    similar = neighbourhood_similarity(links.graph(len(actions)), earlier, later, OWN_WEIGHT)
    return replace(links, weight=weight * similar**settings.coherence), hubs


def _entries(actions: Actions) -> Entries:
    """Return both accounts of each action; one that sends to itself sends."""
    n = len(actions)
    receives = np.where(actions.counterparty == actions.account, -1, actions.counterparty)
    return Entries.sort(
        np.concatenate([actions.account, receives]),
        np.tile(np.arange(n), 2),
        np.tile(actions.time, 2),
        np.repeat([SENDS, RECEIVES], n),
    )


def _kinds(first: Array, second: Array, simultaneous: Array) -> Array:
    """Return the codes of the first four kinds of links."""
    mixed = np.where((first == RECEIVES) | simultaneous, LINK_KINDS.index("onward"), LINK_KINDS.index("against"))
    same = np.where(first == SENDS, LINK_KINDS.index("same_sender"), LINK_KINDS.index("same_recipient"))
    return np.where(first == second, same, mixed)


def _other_end(actions: Actions, entries: Entries, rows: Array) -> Array:
    action = entries.action[rows]
    return np.where(entries.role[rows] == SENDS, actions.counterparty[action], actions.account[action])


def _hubs(actions: Actions, entries: Entries, is_hub: Array) -> Hubs:
    value = np.flatnonzero(is_hub)
    n_actions = np.bincount(entries.value, minlength=len(is_hub))[value]
    return Hubs(actions.names[value], n_actions, np.ones_like(value), np.zeros_like(value))
