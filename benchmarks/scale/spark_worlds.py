"""Scale of networks and of messages on Spark: time, memory and equality with one machine, on made-up tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.runner import Report
from benchmarks.scale.spark import DAYS, SAMPLE, START, account_names, bars_of, measure, write_matrix
from fraudsieve._microseconds import DAY
from fraudsieve.features import AccountFeatures, MessageFeatures, Network

__all__ = ["run"]

LINKS, MESSAGES, SUBJECTS = 2_000_000, 1_000_000, 500_000
_PROTOCOL = (
    "network: events that link accounts and devices, as many links of each as events but for repeats, one hub, labels "
    "of a tenth of the accounts, and the network of subjects at random times. messages: their senders and campaigns, "
    "from as many earlier ones with labels; every event is a message too. Otherwise as in `spark`: both sides read and "
    "write Parquet, with two cores. equal: every row has the same bits, for both ways to write and for 2, 3 and 7 "
    "buckets."
)


def run(n_events: int | None, _: float = 0.0) -> Report:
    """Measure both worlds.

    Parameters
    ----------
    n_events : int or None
        Number of events, and of messages; None for 2 million links and a million messages.

    Returns
    -------
    Report
        Seconds, megabytes and ratios.
    """
    worlds = {"network": (n_events or LINKS, write_network), "messages": (n_events or MESSAGES, write_messages)}
    figures: dict[str, float] = {}
    bars = []
    for name, (n, write) in worlds.items():
        found = measure(n, write)
        figures |= {f"{name}.{key}": value for key, value in found.items()}
        bars += [replace(bar, name=f"{name}.{bar.name}") for bar in bars_of(found)]
    return Report("spark_worlds", "made up", _PROTOCOL, n_events or LINKS, figures, {}, bars)


def write_network(folder: Path, n_events: int) -> None:
    """Write events, labels, subjects and the declaration of a network."""
    rng = np.random.default_rng(0)
    n_accounts = max(n_events // 5, 10)
    events = pa.table(
        {
            "account_id": account_names(rng.integers(0, n_accounts, n_events), rng),
            "counterparty_id": account_names(rng.integers(0, n_accounts, n_events), rng),
            "device_id": np.char.add("device", rng.integers(0, n_accounts // 2, n_events).astype(str)),
            "occurred_at": _times(rng, n_events),
            "amount": rng.lognormal(3, 1, n_events).round(2),
        }
    )
    n_subjects, n_labels = min(SUBJECTS, n_events), n_accounts // 10
    of_subjects = account_names(rng.integers(0, n_accounts, n_subjects), rng)
    rows = pa.array(np.arange(n_subjects))
    subjects = pa.table({"row": rows, "account_id": of_subjects, "as_of": _times(rng, n_subjects)})
    labelled = account_names(rng.integers(0, n_accounts, n_labels), rng)
    frauds = pa.array(rng.random(n_labels) < 0.2)
    labels = pa.table({"account_id": labelled, "labelled_at": _times(rng, n_labels), "is_fraud": frauds})
    _write(folder, {"events": events, "labels": labels, "subjects.parquet": subjects})
    sample = labels.slice(0, SAMPLE).to_pandas()
    network = Network(identifiers=("device_id",))
    features = AccountFeatures(
        events.slice(0, SAMPLE).to_pandas(), account_labels=sample, network=network, history=(), exclude=("row",)
    )
    write_matrix(folder, features.fit(subjects.slice(0, SAMPLE).to_pandas()).matrix_)


def write_messages(folder: Path, n_messages: int) -> None:
    """Write messages, earlier ones with labels, events and the declaration of their features."""
    rng = np.random.default_rng(0)
    tables = {}
    for name in ("messages", "subjects.parquet"):
        # A tenth of the messages are of campaigns, which differ in a number.
        campaign, number = rng.integers(0, n_messages // 200 + 1, n_messages), rng.integers(0, 10**6, n_messages)
        is_campaign = rng.random(n_messages) < 0.1
        words = np.array([f"word{place}" for place in range(5000)])[rng.integers(0, 5000, (n_messages, 6))]
        alone = words[:, 0]
        for column in words.T[1:]:
            alone = np.char.add(np.char.add(alone, " "), column)
        spam = np.char.add(np.char.add("win prize ", campaign.astype(str)), " call this number now ")
        spam = np.char.add(np.char.add(spam, campaign.astype(str)), np.char.add(" code ", number.astype(str)))
        columns = {
            "account_id": account_names(rng.integers(0, n_messages // 5 + 1, n_messages), rng),
            "recipient_id": account_names(rng.integers(0, n_messages // 5 + 1, n_messages), rng),
            "text": np.where(is_campaign, spam, alone),
            "sent_at": _times(rng, n_messages),
        }
        tables[name] = pa.table({"row": pa.array(np.arange(n_messages)), **columns})
    labels = pa.array(np.full(n_messages, "spam"), mask=rng.random(n_messages) > 0.1)
    past = tables["messages"].drop_columns("row").append_column("label", labels)
    tables["messages"] = past.append_column("labelled_at", past["sent_at"])
    tables["events"] = past.select(["account_id", "sent_at"]).rename_columns(["account_id", "occurred_at"])
    _write(folder, tables)
    events, earlier = (tables[name].slice(0, SAMPLE).to_pandas() for name in ("events", "messages"))
    sample = tables["subjects.parquet"].slice(0, SAMPLE).to_pandas()
    features = MessageFeatures(wording=False, events=events, past=earlier).fit(sample)
    write_matrix(folder, features.matrix_)


def _times(rng: np.random.Generator, n: int) -> pa.Array:
    return pa.array(START + rng.integers(0, DAYS * DAY, n).astype("m8[us]"), pa.timestamp("us", "UTC"))


def _write(folder: Path, tables: dict[str, pa.Table]) -> None:
    for name, table in tables.items():
        place = folder / name
        if not name.endswith(".parquet"):
            place.mkdir()
            place = place / "0000.parquet"
        pq.write_table(table, place)
