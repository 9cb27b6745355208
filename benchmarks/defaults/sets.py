"""The account sets as a newcomer has them: tables, which rows to train on and which to test on, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.location import MissingDataError, data_folder, load_accounts

__all__ = ["DEFAULT_SETS", "Task"]

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Task:
    """Labelled accounts or events of one set, and the rows of a split.

    Parameters
    ----------
    subject : {"account", "event"}
        What a row is.
    rows : DataFrame
        The accounts with ``account_id`` and ``as_of``, or the events; with ``label`` (1, 0, missing if unlabelled).
    train, test : ndarray of int64
        Positions of rows with a label.
    protocol : str
        How the rows were chosen.
    events : DataFrame, default=None
        The events of accounts; of events these are the rows themselves.
    """

    subject: str
    rows: pd.DataFrame
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    protocol: str
    events: pd.DataFrame | None = None


def amlgentex() -> Task:
    """Is this transfer suspicious? Labels are known after a week; tested from day 68 on."""
    folder = data_folder() / "rings" / "amlgentex"
    if not (folder / "events.parquet").is_file():
        raise MissingDataError("amlgentex", folder / "events.parquet")
    events = pd.read_parquet(folder / "events.parquet")
    truth = pd.read_parquet(folder / "truth.parquet").set_index("event_id")["is_sar"]
    events["occurred_at"] = events["occurred_at"].dt.tz_convert(None)
    events["label"] = truth.reindex(events["event_id"]).astype("int8").to_numpy()
    events["labelled_at"] = events["occurred_at"] + 7 * DAY
    day = (events["occurred_at"] - events["occurred_at"].min()) // DAY
    protocol = "Events of the first 60 days to train on, from day 68 on to test on; labels known after 7 days."
    return Task("event", events, _rows(day < 60), _rows(day >= 68), protocol)


def fdh_cards() -> Task:
    """Is this payment fraud? The week of the Handbook, and its delay of labels."""
    events = load_accounts("fdh_cards").drop(columns="fraud_scenario")
    events["labelled_at"] = events["occurred_at"] + 7 * DAY
    time = events["occurred_at"]
    train = (time >= "2018-07-25") & (time < "2018-08-01")
    tested = (time >= "2018-08-08") & (time < "2018-08-15")
    known = events["account_id"][(events["label"] == 1) & (time < "2018-08-01")].unique()
    protocol = (
        "The Handbook's: payments of 25-31 July 2018 to train on, of 8-14 August to test on, customers with a fraud "
        "known by then removed from the test; labels known after 7 days, earlier payments are history."
    )
    test = tested & ~events["account_id"].isin(known)
    return Task("event", events, _rows(train), _rows(test), protocol)


def wikipedia_bans() -> Task:
    """Does this edit get the editor banned? In order of time."""
    events = load_accounts("wikipedia_bans")
    n = len(events)
    train, test = np.arange(int(0.7 * n)), np.arange(int(0.85 * n), n)
    return Task("event", events, train, test, "Rows in order: the first 70 % to train on, the last 15 % to test on.")


def s_ffsd() -> Task:
    """Is this payment fraud? The last fifth of the labelled rows."""
    events = load_accounts("s_ffsd")
    labelled = np.flatnonzero(events["label"] >= 0)
    cut = int(0.8 * len(labelled))
    events["label"] = events["label"].astype("Int8").where(events["label"] >= 0)
    protocol = "The first 80 % of the labelled rows to train on, the rest to test on; time is an order, in seconds."
    return Task("event", events, labelled[:cut], labelled[cut:], protocol)


def ethereum_phishing() -> Task:
    """Is this address a phisher's? The given split; looked at just after its own last transfer."""
    events, accounts = load_accounts("ethereum_phishing"), load_accounts("ethereum_phishing", "accounts")
    train, test = (_rows(accounts["split"] == name) for name in ("train", "test"))
    protocol = (
        "The given split. An address is looked at just after its own last transfer, because a common time would be "
        "absolute time, an artefact of this set."
    )
    rows = _as_of_last(accounts.drop(columns="split"), events, ("account_id", "counterparty_id"))
    return Task("account", rows, train, test, protocol, events)


def bitcoin_otc() -> Task:
    """Is this rater a fraud? From the ratings given, a tenth of the accounts per run."""
    events, accounts = load_accounts("bitcoin_otc"), load_accounts("bitcoin_otc", "accounts")
    events = events[events["account_id"].isin(accounts["account_id"])].rename(columns={"counterparty_id": "rated_id"})
    accounts = accounts[accounts["account_id"].isin(events["account_id"])].reset_index(drop=True)
    fold = np.random.default_rng(0).permutation(len(accounts)) % 2
    protocol = (
        "Half of the accounts to train on, half to test on. From the ratings given alone: those received define the "
        "label. Looked at just after the account's last rating."
    )
    rows = _as_of_last(accounts, events, ("account_id",))
    return Task("account", rows, np.flatnonzero(fold == 0), np.flatnonzero(fold == 1), protocol, events)


def sichuan_telecom() -> Task:
    """Is this the phone of a fraudster? Ready features, no events; the given split."""
    accounts = load_accounts("sichuan_telecom", "accounts")
    train, test = _rows(accounts["split"] == "train"), _rows(accounts["split"] == "test")
    return Task("account", accounts.drop(columns=["row", "split"]), train, test, "The given split; valid is left out.")


DEFAULT_SETS: Mapping[str, Callable[[], Task]] = {
    "amlgentex": amlgentex,
    "fdh_cards": fdh_cards,
    "wikipedia_bans": wikipedia_bans,
    "s_ffsd": s_ffsd,
    "ethereum_phishing": ethereum_phishing,
    "bitcoin_otc": bitcoin_otc,
    "sichuan_telecom": sichuan_telecom,
}
"""The sets, and what reads each."""


def _rows(mask: pd.Series) -> NDArray[np.int64]:
    return np.flatnonzero(mask.to_numpy(bool))


def _as_of_last(accounts: pd.DataFrame, events: pd.DataFrame, sides: tuple[str, ...]) -> pd.DataFrame:
    """Add ``as_of``: just after the last event of each account, on any side."""
    last = pd.concat([events.set_index(side)["occurred_at"] for side in sides]).groupby(level=0).max()
    return accounts.assign(as_of=last.reindex(accounts["account_id"]).to_numpy() + np.timedelta64(1, "us"))
