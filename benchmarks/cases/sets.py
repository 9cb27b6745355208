"""The sets of flagged actions with true rings: events under several protocols, and chats."""

import re
from dataclasses import dataclass
from typing import Final

import pandas as pd

from benchmarks.data.location import load_rings

__all__ = ["EVENT_SETS", "PROTOCOLS", "FlaggedSet", "load_chats", "load_events"]

PROTOCOLS: Final = {
    "amlsim_10k": ("all",),
    "hi_small": ("all",),
    "amlgentex": ("noisy", "true", "noisy_between"),
    "ransomchats": ("gang_masked",),
}
"""The protocols of each set; the figures of the first are those at the top."""
EVENT_SETS: Final = ("amlsim_10k", "hi_small", "amlgentex")
WINDOW_DAYS: Final = {"amlsim_10k": 10.0, "hi_small": 4.0, "amlgentex": 8.0}
"""The unit of time of each domain: all that differs between the event sets."""
GANGS: Final = (
    r"lock ?bit(?: ?3\.?0)?|conti|dragon ?force|hive(?:leaks)?|night ?spire|fog|dark ?side|black ?basta|basta"
    r"|silent ?ransom(?: ?group)?|luna ?moth|no ?escape|bab[uy]k|avos ?(?:locker)?|hunters(?: ?international)?|pear"
    r"|ransom ?hub|run ?some ?wares?"
)


@dataclass(frozen=True, eq=False)
class FlaggedSet:
    """Flagged actions and their rings.

    Parameters
    ----------
    name, protocol : str
        The set and the protocol.
    actions : DataFrame
        As `fraudsieve.cases.Actions` reads them.
    rings : Series of str
        The true ring of each ``action_id``; missing if it is in none.
    window_days : float
        The unit of time.
    """

    name: str
    protocol: str
    actions: pd.DataFrame
    rings: pd.Series
    window_days: float


def load_events(name: str, protocol: str) -> FlaggedSet:
    """Read the flagged events of one of `EVENT_SETS` under one of its `PROTOCOLS`."""
    events, truth = load_rings(name, "events"), load_rings(name, "truth").set_index("event_id")
    rings = truth["ring_id"].where(truth["is_sar"]) if name == "amlgentex" else truth["ring_id"]
    if protocol == "true":
        events = events[events["event_id"].isin(rings.index[rings.notna()])]
    elif protocol != "all":
        events = events[events["event_id"].isin(load_rings(name, "flagged_noisy")["event_id"])]
    if protocol == "noisy_between":
        events = events[events["counterparty_id"].notna()]
    columns = ["event_id", "account_id", "counterparty_id", "occurred_at", "kind", "amount"]
    actions = events[columns].rename(columns={"event_id": "action_id"}).reset_index(drop=True)
    return FlaggedSet(name, protocol, actions, rings.reindex(actions["action_id"]), WINDOW_DAYS[name])


def load_chats() -> FlaggedSet:
    """Read what the gang's side wrote in each chat, without the names of gangs. Times are left out."""
    messages, chats = load_rings("ransomchats", "messages"), load_rings("ransomchats", "chats")
    gang = messages[messages["party"] == "gang"].sort_values(["chat_id", "position"])
    texts = gang["text"].fillna("").str.replace(rf"\b(?:{GANGS})\b", " ", flags=re.IGNORECASE, regex=True)
    joined = texts.groupby(gang["chat_id"]).agg("\n".join)
    rings = chats.set_index("chat_id")["gang"]
    actions = pd.DataFrame({"action_id": rings.index, "text": joined.reindex(rings.index).fillna("").to_numpy()})
    return FlaggedSet("ransomchats", "gang_masked", actions, rings, 1.0)
