"""Transfers whose ids, times and labels are written in every way that exports have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tests.walk.table import TableFiles, UserTable
from tests.walk.zoo.files import Layout, write_files, write_frame
from tests.walk.zoo.rows import choose, hashes, make_events, uuids

__all__ = ["IDENTIFIERS"]


def wallet_hashes(folder: Path) -> TableFiles:
    """Write transfers of a chain: hashes as ids, seconds since 1970, labels -1 and 1 of which the owner names one."""
    rng, made = make_events(31, accounts=70)
    frame = pd.DataFrame(
        {
            "tx_hash": hashes(pd.Series(made.index), "tx"),
            "from_address": [f"0x{digest[:40]}" for digest in hashes(made["account"], "wallet")],
            "to_address": [f"0x{digest[:40]}" for digest in hashes(made["other"] + 500, "wallet")],
            "block_timestamp": made["time"].astype("datetime64[s]").astype("int64"),
            "value": made["amount"] / 1000,
            "gas": rng.integers(21_000, 90_000, len(made)),
            "flag": np.where(made["fraud"], 1, -1),
        }
    )
    names = {
        "event_id": "tx_hash",
        "account_id": "from_address",
        "counterparty_id": "to_address",
        "occurred_at": "block_timestamp",
        "amount": "value",
        "label": "flag",
    }
    layout = Layout("events", ".csv", names, ("flag",), train_options=("--legitimate=-1",))
    return write_files(folder, frame, layout)


def transfer_types(folder: Path) -> TableFiles:
    """Write transfers with several types of fraud, UUIDs, and microseconds since 1970, in Parquet."""
    rng, made = make_events(32, 1300, share=0.2)
    channel = choose(rng, made["fraud"], ("app", "branch", "web"), ("phone",))
    kinds = np.array(["account_takeover", "authorised_push_payment", "mule"])
    frame = pd.DataFrame(
        {
            "payment_uuid": uuids(pd.Series(made.index), "payment"),
            "debtor": uuids(made["account"], "party"),
            "creditor": uuids(made["other"] + 500, "party"),
            "booked_us": made["time"].astype("datetime64[us]").astype("int64"),
            "amount": made["amount"],
            "channel": channel,
            "verdict": np.where(made["fraud"], kinds[made["other"] % 3], "legitimate"),
        }
    )
    names = {
        "event_id": "payment_uuid",
        "account_id": "debtor",
        "counterparty_id": "creditor",
        "occurred_at": "booked_us",
        "kind": "channel",
        "label": "verdict",
    }
    return write_files(folder, frame, Layout("events", ".parquet", names, ("verdict",)))


def nanoseconds(folder: Path) -> TableFiles:
    """Write transfers with whole numbers as ids and nanoseconds since 1970, as pandas writes a time into Parquet."""
    _, made = make_events(33)
    frame = pd.DataFrame(
        {
            "event_id": made.index + 1,
            "account_id": made["account"] + 2**53,
            "counterparty_id": made["other"],
            "occurred_at": made["time"].astype("datetime64[ns]").astype("int64"),
            "kind": "transfer",
            "amount": made["amount"],
            "label": made["fraud"],
        }
    )
    return write_files(folder, frame, Layout("events", ".parquet", {}, ("label",)))


def float_ids(folder: Path) -> TableFiles:
    """Write transfers whose whole numbers became floats, because some are missing: 7.0 in the file and in JSON."""
    rng, made = make_events(34)
    frame = pd.DataFrame(
        {
            "id": made.index.astype(float),
            "account": made["account"].astype(float),
            "beneficiary": made["other"].astype(float).where(rng.random(len(made)) > 0.05),
            "date": made["time"].dt.strftime("%Y-%m-%d %H:%M:%S+00:00"),
            "amount": made["amount"],
            "fraud": made["fraud"].astype(float),
        }
    )
    names = {
        "event_id": "id",
        "account_id": "account",
        "counterparty_id": "beneficiary",
        "occurred_at": "date",
        "label": "fraud",
    }
    return write_files(folder, frame, Layout("events", ".csv", names, ("fraud",)))


def zoned_times(folder: Path) -> TableFiles:
    """Write bookings with dates alone, a time with a zone for the label, and a table of labels of its own."""
    rng, made = make_events(35, 1100, days=120)
    made["id"] = [f"B{number:05d}" for number in made.index]
    frame = pd.DataFrame(
        {
            "event_id": made["id"],
            "account_id": made["account"].map("K{:04d}".format),
            "counterparty_id": made["other"].map("K9{:03d}".format),
            "occurred_at": made["time"].dt.strftime("%Y-%m-%d"),
            "kind": choose(rng, made["fraud"], ("booking", "standing order"), ("instant",)),
            "amount": made["amount"],
        }
    )
    files = write_files(folder, frame, Layout("events", ".parquet"))
    known = (made["time"] + pd.to_timedelta(rng.integers(1, 6, len(made)), unit="D")).dt.tz_localize("Asia/Shanghai")
    labels = pd.DataFrame({"subject_id": made["id"], "label": made["fraud"].astype(int), "labelled_at": known})
    n_train, n_new = int(len(frame) * 0.7), len(files.records)
    write_frame(labels.iloc[:n_train], folder / "train_labels.parquet")
    write_frame(labels.iloc[n_train:-n_new], folder / "later_labels.parquet")
    return replace(
        files,
        train={**files.train, "labels": folder / "train_labels.parquet"},
        later={**files.later, "labels": folder / "later_labels.parquet"},
    )


def chargebacks(folder: Path) -> TableFiles:
    """Write payments with a table of labels that lists frauds alone: no record is known to be legitimate.

    Training is expected to refuse it, in words that say so. What is missing may be fraud or not.
    """
    _, made = make_events(36)
    frame = pd.DataFrame(
        {
            "payment_id": made.index,
            "card": made["account"],
            "paid_at": made["time"],
            "amount": made["amount"],
        }
    )
    names = {"event_id": "payment_id", "account_id": "card", "occurred_at": "paid_at"}
    files = write_files(folder, frame, Layout("events", ".csv", names))
    lost = frame.loc[made["fraud"], ["payment_id", "paid_at"]]
    lost = lost.assign(paid_at=lost["paid_at"] + pd.Timedelta("20D"), reason="fraud")
    write_frame(lost.set_axis(["subject_id", "labelled_at", "label"], axis=1), folder / "chargebacks.csv")
    labels = {"labels": folder / "chargebacks.csv"}
    return replace(files, train={**files.train, **labels}, later={**files.later, **labels})


IDENTIFIERS = (
    UserTable("wallet_hashes", "event", wallet_hashes),
    UserTable("transfer_types", "event", transfer_types),
    UserTable("nanoseconds", "event", nanoseconds),
    UserTable("float_ids", "event", float_ids),
    UserTable("zoned_times", "event", zoned_times),
    UserTable("chargebacks", "event", chargebacks, refused={"train": "rows have no label"}),
)
