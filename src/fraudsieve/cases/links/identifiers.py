"""Links by shared identifiers: contacts in texts, devices, cards and other ids of events, all as keyed digests."""

from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.cases.actions import Actions
from fraudsieve.cases.settings import CaseSettings

from .pairs import Entries, pair_entries, time_decay
from .table import HARD, Hubs, Links
from .values import context_identifiers, find_identifiers

NEAREST: Final = 8
"""Maximum number of earlier actions with the same identifier that an action is linked to; few heavy links suffice."""
LARGEST_UNFLAGGED: Final = 10
"""An identifier is a hub if more records than this are not flagged, and more are not flagged than are flagged."""


def identifier_links(
    actions: Actions,
    settings: CaseSettings,
    key: bytes,
    unflagged: pd.DataFrame | None = None,
    context: pd.DataFrame | None = None,
) -> tuple[Links, Hubs]:
    """Link actions that share an identifier."""
    found = find_identifiers(actions.frame, key)
    elsewhere = None
    if context is not None:
        used, elsewhere = context_identifiers(actions, context, key, found["value"])
        found = pd.concat([found, used], ignore_index=True).drop_duplicates()
    value, values = pd.factorize(found["value"], sort=True)
    action = found["record"].to_numpy(np.int64)
    n_actions: Array = np.bincount(value, minlength=len(values))
    accounts: Array = pd.Series(actions.actors()[action]).groupby(value).nunique().to_numpy(np.int64)
    common: Array = np.zeros(len(values), np.int64)
    of_unflagged = None if unflagged is None else find_identifiers(unflagged, key)["value"]
    for others in (of_unflagged, elsewhere):
        if others is not None and len(values):
            common += others.value_counts().reindex(values, fill_value=0).to_numpy(np.int64)
    is_hub = (accounts > settings.max_sharing) | ((common > LARGEST_UNFLAGGED) & (common > n_actions))
    links = _pair(actions, settings, value, action, accounts, is_hub, np.asarray(values, object))
    rows = np.flatnonzero(is_hub)
    return links, Hubs(np.asarray(values, object)[rows], n_actions[rows], accounts[rows], common[rows])


def _pair(
    actions: Actions, settings: CaseSettings, value: Array, action: Array, accounts: Array, is_hub: Array, values: Array
) -> Links:
    kept = ~is_hub[value]
    entries = Entries.sort(value[kept], action[kept], actions.time[action[kept]])
    window = settings.identifier_window
    first, second = pair_entries(entries, window, min(NEAREST, settings.nearest))
    shared = entries.value[first]
    is_domain = np.array([value.startswith("domain:") for value in values], np.bool_)
    weight = np.where(is_domain, settings.domain, settings.hard)[shared]
    weight = weight * time_decay(entries.time[first], entries.time[second], window, settings.half_life)
    weight = weight / np.maximum(np.log2(accounts[shared]), 1.0)
    kind = np.full(len(shared), HARD)
    source, target = entries.action[first], entries.action[second]
    return Links(source, target, kind, weight, shared, np.ones(len(shared)), values)
