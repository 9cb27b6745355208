"""Links by shared identifiers: contacts in texts, devices, cards and other ids of events, all under a key."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.cues.contacts import find_contacts, keyed_digest
from fraudsieve.models.cases.actions import Actions
from fraudsieve.models.cases.settings import CaseSettings

from .pairs import Entries, pair_entries, time_decay
from .table import HARD, Hubs, Links

__all__ = ["find_identifiers", "identifier_links"]

NOT_IDENTIFIERS: Final = {"action_id", "account_id", "counterparty_id", "message_id", "event_id", "recipient_id"}
NEAREST: Final = 8
"""Earlier actions with the same identifier that an action is linked to: heavy links need not be many."""
LARGEST_UNFLAGGED: Final = 10
"""An identifier of more records that are not flagged, and of more of them than of flagged ones, is a hub."""


def find_identifiers(frame: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """Find the identifiers of records: contacts in their texts, and columns whose names end in ``_id``.

    Parameters
    ----------
    frame : DataFrame
        Records with ``text`` or columns such as ``device_id``; those that name the record or its accounts are left
        out.
    key : bytes
        A secret of 1 to 64 bytes; the identifiers themselves are not kept.

    Returns
    -------
    DataFrame
        ``record`` (position) and ``value`` (kind and keyed digest), each pair once.

    Examples
    --------
    >>> found = find_identifiers(pd.DataFrame({"device_id": ["d1", None, "d1"]}), b"a key")
    >>> found["record"].tolist(), found["value"].nunique(), found["value"][0].split(":")[0]
    ([0, 2], 1, 'device')
    """
    parts = [pd.DataFrame({"record": np.empty(0, np.int64), "value": np.empty(0, object)}), *_columns(frame, key)]
    if "text" in frame:
        contacts = find_contacts(frame["text"].fillna("").tolist(), key)
        values = [f"{kind}:{digest}" for kind, digest in zip(contacts.kind, contacts.digest, strict=True)]
        parts.append(pd.DataFrame({"record": contacts.message, "value": np.array(values, object)}))
    return pd.concat(parts, ignore_index=True).drop_duplicates()


def _columns(frame: pd.DataFrame, key: bytes) -> Iterator[pd.DataFrame]:
    for name in sorted(frame.columns):
        if not name.endswith("_id") or name in NOT_IDENTIFIERS:
            continue
        codes, plain = pd.factorize(frame[name])
        kind = name.removesuffix("_id")
        values = np.array([f"{kind}:{keyed_digest(kind, str(value), key)}" for value in plain], object)
        rows = np.flatnonzero(codes >= 0)
        yield pd.DataFrame({"record": rows, "value": values[codes[rows]]})


def identifier_links(
    actions: Actions, settings: CaseSettings, key: bytes, unflagged: pd.DataFrame | None = None
) -> tuple[Links, Hubs]:
    """Link actions that share an identifier.

    Parameters
    ----------
    actions : Actions
        The flagged actions.
    settings : CaseSettings
        Weight, window and limit.
    key : bytes
        The key of the digests.
    unflagged : DataFrame, default=None
        Records that are not flagged, which say how common an identifier is.

    Returns
    -------
    links : Links
        Between each action and the eight before it that share the identifier. The weight is ``hard``, or
        ``domain`` for a domain, less decay, and divided by the logarithm of the number of accounts that share it:
        what few share says more.
    hubs : Hubs
        Identifiers of more than ``max_sharing`` accounts, or of mostly unflagged records.
    """
    found = find_identifiers(actions.frame, key)
    value, values = pd.factorize(found["value"], sort=True)
    action = found["record"].to_numpy(np.int64)
    n_actions: Array = np.bincount(value, minlength=len(values))
    accounts: Array = pd.Series(actions.actors()[action]).groupby(value).nunique().to_numpy(np.int64)
    common: Array = np.zeros(len(values), np.int64)
    if unflagged is not None and len(values):
        background = find_identifiers(unflagged, key)["value"].value_counts()
        common = background.reindex(values, fill_value=0).to_numpy(np.int64)
    is_hub = (accounts > settings.max_sharing) | ((common > LARGEST_UNFLAGGED) & (common > n_actions))
    links = _pair(actions, settings, value, action, accounts, is_hub, np.asarray(values, object))
    rows = np.flatnonzero(is_hub)
    return links, Hubs(np.asarray(values, object)[rows], n_actions[rows], accounts[rows], common[rows])


def _pair(
    actions: Actions, settings: CaseSettings, value: Array, action: Array, accounts: Array, is_hub: Array, values: Array
) -> Links:
    kept = ~is_hub[value]
    entries = Entries.sort(value[kept], action[kept], actions.time[action[kept]])
    window = int(settings.identifier_days * 86_400_000_000)
    first, second = pair_entries(entries, window, min(NEAREST, settings.nearest))
    shared = entries.value[first]
    is_domain = np.array([value.startswith("domain:") for value in values], np.bool_)
    weight = np.where(is_domain, settings.domain, settings.hard)[shared]
    weight = weight * time_decay(entries.time[first], entries.time[second], window, settings.half_life)
    weight = weight / np.maximum(np.log2(accounts[shared]), 1.0)
    kind = np.full(len(shared), HARD)
    source, target = entries.action[first], entries.action[second]
    return Links(source, target, kind, weight, shared, np.ones(len(shared)), values)
