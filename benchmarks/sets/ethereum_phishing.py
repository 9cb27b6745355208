"""Transfers between Ethereum addresses, some of which are those of phishers."""

from typing import Final

import numpy as np

from benchmarks.columns.counts import account_counts
from benchmarks.columns.declared import FEW_FRAUDS, just_after_last, with_network
from benchmarks.data.folds import Fold
from benchmarks.data.kinds import AccountSet, Published, Scheme, Task
from benchmarks.data.location import load_accounts
from fraudsieve.features.network.declaration import Network

__all__ = ["SETS", "published"]

SIDES: Final = ("account_id", "counterparty_id")


def _task() -> Task:
    """Is this address a phisher's? The given split; looked at just after its own last transfer."""
    events, accounts = load_accounts("ethereum_phishing"), load_accounts("ethereum_phishing", "accounts")
    train, test = (np.flatnonzero(accounts["split"] == name) for name in ("train", "test"))
    protocol = (
        "The given split. An address is looked at just after its own last transfer, because a common time would be "
        "absolute time, an artefact of this set."
    )
    rows = accounts.drop(columns="split").assign(as_of=just_after_last(events, accounts["account_id"], SIDES))
    return Task("account", rows, train, test, protocol, events)


def published(*, seeds: int = 10) -> Published:
    """Find phishing addresses from their transfers and the addresses that they share these with."""
    events, accounts = load_accounts("ethereum_phishing"), load_accounts("ethereum_phishing", "accounts")
    y, ids = accounts["label"].to_numpy(np.int64), accounts["account_id"]
    train, test = (np.flatnonzero(accounts["split"] == name) for name in ("train", "test"))
    fold, columns = Fold(train, test, tuple(range(seeds))), with_network(events, ids, y, SIDES, Network())
    scheme = Scheme("", [fold], columns, FEW_FRAUDS, ("accuracy", "roc_auc"), {"accuracy": 0.822})
    text = (
        f"The given split; accuracy at a probability of .5. Ours: seeds 0-{seeds - 1}; default views of what was sent "
        "and received as of just after the address's own last transfer (never a common cutoff time, which would be "
        "absolute time), and the network over all transfers with labels of training addresses, out of fold in "
        "training. Published accuracy .815 (XGBoost) and .822 (graph network)."
    )
    counts_text = "transfers sent and received, with how many others, and the sum and mean of their amounts"
    return Published(y, account_counts(events, ids, sides=SIDES), [scheme], text, len(y), counts_text)


SETS: Final = (AccountSet("ethereum_phishing", _task, published, place=4),)
