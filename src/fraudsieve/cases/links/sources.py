"""All links of flagged actions, from every source."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import scipy.sparse as sp

from fraudsieve._microseconds import MINUTE
from fraudsieve._pseudonyms import keyed_digest
from fraudsieve._typing import Array
from fraudsieve.cases.actions import NO_TIME, Actions, ids_of, microseconds_of
from fraudsieve.cases.settings import CaseSettings
from fraudsieve.features.campaign.fingerprints import N_HASHES, ROWS_PER_BAND, SIMILAR, fingerprints
from fraudsieve.features.cues.contacts import find_contacts
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.tables.cells import STRING

from .accounts import account_links
from .table import HARD, LINK_KINDS, Entries, Hubs, Links, concatenate_links, pair_entries, time_decay, within_window

PREFIXES: Final = {4: 24, 6: 48}
"""Length of the network that counts as one range, by version of the protocol."""
SIGN_UPS: Final = ("sign_up", "signup", "registration", "register", "account_created")
"""Kinds of events that create an account."""


PHRASE: Final = 5
"""Words of a phrase; each Chinese character is a word."""
WORDS: Final = re.compile(r"[㐀-䶿一-鿿]|\w+|[^\w\s]")
MAX_TEXTS: Final = 64
"""Phrases in more texts are common, or the texts are near-duplicates anyway. This bounds the time."""
MIN_SIMILARITY: Final = 0.05


def text_links(actions: Actions, settings: CaseSettings) -> Links:
    """Link near-duplicate texts.

    The strength is the estimated Jaccard similarity of their 3-grams, at least .6.
    """
    rows = _with_text(actions)
    if not len(rows):
        return _similar_links(actions, settings, rows, rows, np.empty(0), "text")
    prints = fingerprints(fold_codes(pack(actions.frame["text"].iloc[rows].tolist()))[0])
    window = settings.identifier_window
    pairs = []
    for band in range(0, N_HASHES, ROWS_PER_BAND):
        columns = np.ascontiguousarray(prints[:, band : band + ROWS_PER_BAND])
        key = np.unique(columns.view(f"V{columns.itemsize * ROWS_PER_BAND}").ravel(), return_inverse=True)[1]
        entries = Entries.sort(key.astype(np.int64), np.arange(len(rows)), actions.time[rows])
        first, second = pair_entries(entries, window, NEAREST)
        pairs.append(entries.action[first] * len(rows) + entries.action[second])
    first, second = np.divmod(np.unique(np.concatenate(pairs)), len(rows))
    similar = np.array([], np.float64)
    if len(first):
        chunks = np.array_split(np.arange(len(first)), len(first) // 100_000 + 1)
        similar = np.concatenate([(prints[first[c]] == prints[second[c]]).mean(axis=1) for c in chunks])
    kept = similar >= SIMILAR
    return _similar_links(actions, settings, rows[first[kept]], rows[second[kept]], similar[kept], "text")


def wording_links(actions: Actions, settings: CaseSettings) -> Links:
    """Link texts that share phrases of five words, weighted by how few texts have them.

    The strength is the cosine of the TF-IDF vectors of phrases in 2 to 64 texts.
    """
    rows = _with_text(actions)
    phrases = _phrase_matrix(actions.frame["text"].iloc[rows].tolist()) if len(rows) else sp.csr_matrix((0, 0))
    similar = sp.triu(phrases @ phrases.T, k=1).tocoo()
    first, second = rows[similar.row], rows[similar.col]
    is_near = within_window(actions.time[first], actions.time[second], settings.identifier_window)
    kept = (similar.data >= MIN_SIMILARITY) & is_near
    return _similar_links(actions, settings, first[kept], second[kept], similar.data[kept], "wording")


def _with_text(actions: Actions) -> Array:
    if "text" not in actions.frame:
        return np.empty(0, np.int64)
    return np.flatnonzero(actions.frame["text"].notna())


def _phrase_matrix(texts: list[str]) -> sp.csr_matrix:
    """Return TF-IDF vectors of unit length over the phrases that 2 to 64 texts share."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        token_pattern=WORDS.pattern,
        ngram_range=(PHRASE, PHRASE),
        n_features=2**30,
        alternate_sign=False,
        norm=None,
        dtype=np.float64,
    )
    counts = vectorizer.transform(texts)
    columns, index = np.unique(counts.indices, return_inverse=True)
    n_texts = np.bincount(index, minlength=len(columns))
    idf = np.where((n_texts > 1) & (n_texts <= MAX_TEXTS), np.log(len(texts) / np.maximum(n_texts, 1)) + 1, 0.0)
    data = (1 + np.log(counts.data)) * idf[index]
    weights = sp.csr_matrix((data, index, counts.indptr), (len(texts), len(columns)))
    weights.eliminate_zeros()
    norms = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    return sp.diags(1 / np.maximum(norms, 1e-12)) @ weights


def _similar_links(
    actions: Actions, settings: CaseSettings, first: Array, second: Array, similar: Array, kind: str
) -> Links:
    source, target = np.minimum(first, second), np.maximum(first, second)
    decay = time_decay(actions.time[source], actions.time[target], settings.identifier_window, settings.half_life)
    weight = getattr(settings, kind) * similar * decay
    code, none = np.full(len(source), LINK_KINDS.index(kind)), np.full(len(source), -1)
    return Links(source, target, code, weight, none, similar, np.empty(0, object))


def address_links(actions: Actions, settings: CaseSettings, key: bytes) -> tuple[Links, Hubs]:
    """Link actions from one range of IP addresses (/24 in IPv4, /48 in IPv6)."""
    addresses = actions.frame["ip"] if "ip" in actions.frame else pd.Series(None, actions.frame.index, STRING)
    digests = {address: _range_digest(str(address), key) for address in addresses.dropna().unique()}
    ranges = addresses.map(digests).astype(object).dropna()
    found = pd.DataFrame({"record": ranges.index, "value": ranges.to_numpy()})
    links, hubs, _ = _shared_links(actions, settings, found, [], "address_range", NEAREST)
    return replace(links, weight=settings.address_range * links.weight), hubs


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
    values = np.array(["sign_up"], object)
    links = _links(actions, settings, np.zeros_like(rows), rows, values, "sign_up", NEAREST, window)
    return replace(links, weight=settings.sign_up * links.weight)


def _links(
    actions: Actions,
    settings: CaseSettings,
    value: Array,
    action: Array,
    values: Array,
    kind: str,
    nearest: int,
    window: int,
) -> Links:
    """Link actions that share a value; the weight of a link is its decay."""
    entries = Entries.sort(value.astype(np.int64), action, actions.time[action])
    first, second = pair_entries(entries, window, nearest)
    weight = time_decay(entries.time[first], entries.time[second], window, settings.half_life)
    code = np.full(len(first), LINK_KINDS.index(kind))
    columns = (entries.action[first], entries.action[second], code, weight, entries.value[first])
    return Links(*columns, np.ones(len(first)), values)


def _shared_links(
    actions: Actions,
    settings: CaseSettings,
    found: pd.DataFrame,
    others: "list[pd.Series[Any]]",
    kind: str,
    nearest: int,
) -> tuple[Links, Hubs, Array]:
    """Link the records that share a value, unless it is a hub; return the number of accounts of each value too."""
    value, index = pd.factorize(found["value"], sort=True)
    action, values = found["record"].to_numpy(np.int64), np.asarray(index, object)
    n_actions: Array = np.bincount(value, minlength=len(values))
    accounts: Array = pd.Series(actions.actors()[action]).groupby(value).nunique().to_numpy(np.int64)
    common: Array = np.zeros(len(values), np.int64)
    for column in others:
        common += column.value_counts().reindex(values, fill_value=0).to_numpy(np.int64)
    is_hub = (accounts > settings.max_sharing) | ((common > LARGEST_UNFLAGGED) & (common > n_actions))
    kept, rows = ~is_hub[value], np.flatnonzero(is_hub)
    links = _links(actions, settings, value[kept], action[kept], values, kind, nearest, settings.identifier_window)
    return links, Hubs(values[rows], n_actions[rows], accounts[rows], common[rows]), accounts


NOT_IDENTIFIERS: Final = {"action_id", "account_id", "counterparty_id", "message_id", "event_id", "recipient_id"}


def find_identifiers(frame: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """Find the identifiers of records: contacts in their texts, and columns whose names end in ``_id``."""
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
        codes, plain = pd.factorize(ids_of(frame[name]))
        kind = name.removesuffix("_id")
        values = np.array([f"{kind}:{keyed_digest(kind, value, key).hex()}" for value in plain], object)
        rows = np.flatnonzero(codes >= 0)
        yield pd.DataFrame({"record": rows, "value": values[codes[rows]]})


def context_identifiers(
    actions: Actions, context: pd.DataFrame, key: bytes, in_flagged: "pd.Series[str] | None" = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Find the identifiers that accounts used in events that are not flagged themselves.

    An identifier that only one account used, such as that of a session, says no more than the account does, and is left
    out. Otherwise, each of them would link all flagged actions of the account.
    """
    found = find_identifiers(context, key)
    rows = found["record"].to_numpy(np.int64)
    names = ids_of(context["account_id"])
    table = pd.DataFrame(
        {
            "name": names.to_numpy(object)[rows],
            "account": pd.Index(actions.names).get_indexer(pd.Index(names.to_numpy(object)))[rows],
            "value": found["value"].to_numpy(object),
            "time": microseconds_of(context, "occurred_at")[rows],
        }
    )
    table = table.groupby(["name", "account", "value"], sort=True)["time"].min().reset_index()
    flagged = pd.DataFrame({"record": np.arange(len(actions)), "account": actions.account, "known": actions.known})
    is_shared = table.groupby("value")["name"].transform("size") > 1
    kept = is_shared if in_flagged is None else is_shared | table["value"].isin(in_flagged)
    used = flagged[flagged["account"] >= 0].merge(table[kept], on="account")
    used = used[(used["known"] == NO_TIME) | (used["time"] <= used["known"])]
    elsewhere = table.loc[~table["account"].isin(actions.account[actions.account >= 0]), "value"]
    return used[["record", "value"]].reset_index(drop=True), elsewhere


NEAREST: Final = 8
"""Maximum number of earlier actions with the same value that an action is linked to; few heavy links suffice."""
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
    of_unflagged = None if unflagged is None else find_identifiers(unflagged, key)["value"]
    others = [column for column in (of_unflagged, elsewhere) if column is not None]
    nearest = min(NEAREST, settings.nearest)
    links, hubs, accounts = _shared_links(actions, settings, found, others, "identifier", nearest)
    is_domain = np.array([value.startswith("domain:") for value in links.shared], np.bool_)
    weight = np.where(is_domain, settings.domain, settings.hard)[links.value] * links.weight
    return replace(links, weight=weight / np.maximum(np.log2(accounts[links.value]), 1.0)), hubs


def find_links(
    actions: Actions,
    settings: CaseSettings,
    *,
    key: bytes,
    unflagged: pd.DataFrame | None = None,
    context: pd.DataFrame | None = None,
) -> tuple[Links, Hubs]:
    """Find the links between flagged actions.

    Parameters
    ----------
    actions : Actions
        The flagged actions.
    settings : CaseSettings
        Weights and windows.
    key : bytes
        A secret of 1 to 64 bytes, for the digests of identifiers.
    unflagged : DataFrame, default=None
        Records that are not flagged, which show how common an identifier is.
    context : DataFrame, default=None
        Events of accounts, whose identifiers count as those of the flagged actions of the account.

    Returns
    -------
    links : Links
        Sorted by source, target and kind.
    hubs : Hubs
        Accounts, identifiers and address ranges that too many records share.

    Examples
    --------
    >>> frame = pd.DataFrame({"action_id": ["a", "b"], "account_id": ["ann", "ann"]})
    >>> links, hubs = find_links(Actions.from_frame(frame), CaseSettings(), key=b"a key")
    >>> links.source.tolist(), links.target.tolist(), len(hubs.value)
    ([0], [1], 0)
    """
    by_account, account_hubs = account_links(actions, settings)
    by_identifier, identifier_hubs = identifier_links(actions, settings, key, unflagged, context)
    by_address, address_hubs = address_links(actions, settings, key)
    soft = [text_links(actions, settings), wording_links(actions, settings), sign_up_links(actions, settings)]
    links = concatenate_links([by_account, by_identifier, by_address, *soft])
    all_hubs = (account_hubs, identifier_hubs, address_hubs)
    names = ("value", "actions", "accounts", "unflagged")
    hubs = Hubs(*(np.concatenate([getattr(part, name) for part in all_hubs]) for name in names))
    return _less_across_kinds(links, actions, settings), hubs


def _less_across_kinds(links: Links, actions: Actions, settings: CaseSettings) -> Links:
    """Weigh soft links less where the actions are of different kinds, such as a payment and a transfer."""
    if "kind" not in actions.frame:
        return links
    kind = pd.factorize(actions.frame["kind"])[0]
    across = (kind[links.source] != kind[links.target]) & (links.kind != HARD)
    return replace(links, weight=np.where(across, links.weight * settings.across_kinds, links.weight))
