"""Links by shared accounts: one that sends in both actions, receives in both, or receives and then sends."""

from typing import Final

import numpy as np

from fraudsieve._microseconds import DAY
from fraudsieve._typing import Array
from fraudsieve.cases.actions import Actions
from fraudsieve.cases.settings import CaseSettings

from .neighbourhoods import count_closures, neighbourhood_similarity
from .pairs import Entries, entries_in_window, pair_entries, time_decay
from .table import LINK_KINDS, Hubs, Links

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
    weight = _roles(settings)[kind] * time_decay(entries.time[first], entries.time[second], window, settings.half_life)
    counted = np.minimum(closures, settings.max_closures)
    weight *= (1 + settings.closure * counted) / (1 + settings.closure * settings.max_closures)
    columns = (earlier, later, kind)
    links = Links(*columns, weight, shared, closures.astype(np.float64), actions.names)
    graph = links.graph(len(actions))
    weight = weight * neighbourhood_similarity(graph, earlier, later, OWN_WEIGHT) ** settings.coherence
    return Links(*columns, weight, shared, links.strength, actions.names), hubs


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


def _roles(settings: CaseSettings) -> Array:
    return np.array([settings.same_sender, settings.same_recipient, settings.onward, settings.against])


def _hubs(actions: Actions, entries: Entries, is_hub: Array) -> Hubs:
    value = np.flatnonzero(is_hub)
    n_actions = np.bincount(entries.value, minlength=len(is_hub))[value]
    return Hubs(actions.names[value], n_actions, np.ones_like(value), np.zeros_like(value))
