"""Soft links by address range, and by sign-ups within minutes."""

import ipaddress
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._microseconds import MINUTE
from fraudsieve._pseudonyms import keyed_digest
from fraudsieve._typing import Array
from fraudsieve.cases.actions import Actions
from fraudsieve.cases.settings import CaseSettings
from fraudsieve.tables.cells import STRING

from .pairs import Entries, pair_entries, time_decay
from .table import LINK_KINDS, Hubs, Links

NEAREST: Final = 8
PREFIXES: Final = {4: 24, 6: 48}
"""Length of the network that counts as one range, by version of the protocol."""
SIGN_UPS: Final = ("sign_up", "signup", "registration", "register", "account_created")
"""Kinds of events that create an account."""


def address_links(actions: Actions, settings: CaseSettings, key: bytes) -> tuple[Links, Hubs]:
    """Link actions from one range of IP addresses (/24 in IPv4, /48 in IPv6)."""
    addresses = actions.frame["ip"] if "ip" in actions.frame else pd.Series(None, actions.frame.index, STRING)
    digests = {address: _range_digest(str(address), key) for address in addresses.dropna().unique()}
    value, values = pd.factorize(addresses.map(digests).astype(STRING))
    rows = np.flatnonzero(value >= 0)
    n_actions = np.bincount(value[rows], minlength=len(values))
    accounts = pd.Series(actions.actors()[rows]).groupby(value[rows]).nunique().to_numpy(np.int64)
    is_hub = accounts > settings.max_sharing
    hubs = np.flatnonzero(is_hub)
    rows = rows[~is_hub[value[rows]]]
    window = settings.identifier_window
    links = _links(actions, settings, value[rows], rows, window, "address_range", np.asarray(values, object))
    return links, Hubs(np.asarray(values, object)[hubs], n_actions[hubs], accounts[hubs], np.zeros_like(hubs))


def _range_digest(address: str, key: bytes) -> str | None:
    try:
        ip = ipaddress.ip_address(address)
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip  # servers of both versions write 1.2.3.4 as ::ffff:1.2.3.4
        network = ipaddress.ip_network(f"{ip}/{PREFIXES[ip.version]}", strict=False)
    except ValueError:
        return None
    return f"address_range:{keyed_digest('address_range', str(network), key).hex()}"


def sign_up_links(actions: Actions, settings: CaseSettings) -> Links:
    """Link sign-ups that are minutes apart: each link is weak, but sign-ups in a batch have several."""
    none = pd.Series(None, actions.frame.index, STRING)
    rows = np.flatnonzero(actions.frame.get("kind", none).isin(SIGN_UPS))
    window = int(settings.sign_up_minutes * MINUTE)
    return _links(actions, settings, np.zeros_like(rows), rows, window, "sign_up", np.array(["sign_up"], object))


def _links(
    actions: Actions, settings: CaseSettings, value: Array, action: Array, window: int, kind: str, values: Array
) -> Links:
    entries = Entries.sort(value.astype(np.int64), action, actions.time[action])
    first, second = pair_entries(entries, window, NEAREST)
    weight = getattr(settings, kind) * time_decay(entries.time[first], entries.time[second], window, settings.half_life)
    code = np.full(len(first), LINK_KINDS.index(kind))
    columns = (entries.action[first], entries.action[second], code, weight, entries.value[first])
    return Links(*columns, np.ones(len(first)), values)
