"""Identifiers of records: contacts in texts, devices, cards and other ids, as keyed digests."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._pseudonyms import keyed_digest
from fraudsieve.cases.actions import NO_TIME, Actions, ids_of, microseconds_of
from fraudsieve.features.cues.contacts import find_contacts

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
