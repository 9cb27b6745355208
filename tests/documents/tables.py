"""The files that a reader of the documents has: tables of a simulated world under the names of the documents."""

from pathlib import Path

import numpy as np
import pandas as pd

from fraudsieve.training.simulation.world import World, simulate

__all__ = ["write_tables"]

TODAY = 100
"""Payments of the newest day: as many as a request may record."""


def write_tables(folder: Path) -> None:
    """Write every file that the documents name and do not make."""
    world = simulate(days=60, n_accounts=150, messages_per_day=40, fraud_share=0.3)
    messages = _labelled(world)
    newest = messages["sent_at"].max().floor("D")
    weeks = [newest - pd.Timedelta(days=days) for days in (14, 7)]
    later = messages["sent_at"] >= weeks[0]
    all_payments = world.events[world.events["kind"] == "payment"]
    payments = all_payments[all_payments["occurred_at"] < weeks[0]]
    today = _within_a_day(all_payments[all_payments["occurred_at"] >= weeks[0]].head(TODAY), weeks[0])
    of_payments = _labels_of_payments(pd.concat([payments, today]), world.labels)
    is_new = of_payments["labelled_at"] >= weeks[0]
    tables = {
        "messages": messages[~later],
        "later": messages[later],
        "new": messages[later].drop(columns=["label", "labelled_at"]),
        "traffic": messages[later].drop(columns=["label", "labelled_at"]),
        "first-week": messages[later & (messages["sent_at"] < weeks[1])],
        "this-week": messages[messages["sent_at"] >= weeks[1]],
        "accounts": world.accounts,
        "events": world.events,
        "payments": payments,
        "first-payments": payments[payments["occurred_at"] >= weeks[0] - pd.Timedelta(days=7)],
    }
    labels = pd.concat([_one_fraud_of_accounts(world), of_payments[~is_new]], ignore_index=True)
    for name, table in (tables | {"labels": labels}).items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    today.to_json(folder / "today.json", orient="records", date_format="iso", date_unit="us")
    of_payments[is_new].to_csv(folder / "new-labels.csv", index=False)
    (folder / "partners.txt").write_text("partner-shop.com\n", "utf-8")
    audited = messages[later][["message_id", "label"]].rename(columns={"message_id": "subject_id"})
    audited.to_csv(folder / "labels.csv", index=False)
    export = messages[["message_id", "text", "label"]].rename(columns={"text": "content", "label": "class"})
    export[~later].to_csv(folder / "export.csv", index=False, encoding="gb18030")
    export[later].drop(columns="class").to_excel(folder / "export.xlsx", index=False)
    texts = messages[~later][["message_id", "sent_at", "text", "label"]].replace({"label": {"legitimate": "正常"}})
    texts.columns = pd.Index(["编号", "时间", "内容", "类别"])
    texts.to_csv(folder / "短信.csv", index=False, encoding="gb18030")
    texts.drop(columns="类别").tail(50).to_csv(folder / "新短信.csv", index=False, encoding="gb18030")


def _labelled(world: World) -> pd.DataFrame:
    """Return the messages with the last label of each; ham is the word for legitimate ones."""
    last = world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
    labels = last.rename(columns={"subject_id": "message_id"}).replace({"label": {"legitimate": "ham"}})
    return world.messages.merge(labels[["message_id", "label", "labelled_at"]], how="left", on="message_id")


def _one_fraud_of_accounts(world: World) -> pd.DataFrame:
    """Return the labels, with one word for all fraudulent accounts: there are too few of each type."""
    is_fraud = world.labels["subject_id"].isin(world.accounts["account_id"]) & (world.labels["label"] != "legitimate")
    return world.labels.assign(label=world.labels["label"].mask(is_fraud, "fraud"))


def _within_a_day(payments: pd.DataFrame, begin: pd.Timestamp) -> pd.DataFrame:
    """Return the payments of some days as those of one day."""
    return payments.assign(occurred_at=(begin + (payments["occurred_at"] - begin) / 10).dt.floor("us"))


def _labels_of_payments(payments: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Label the payments of accounts that are labelled as fraudulent."""
    fraudulent = labels.loc[labels["label"] != "legitimate", "subject_id"]
    is_fraud = payments["account_id"].isin(fraudulent)
    columns = {
        "subject_id": payments["event_id"],
        "label": np.where(is_fraud, "fraud", "legitimate"),
        "labelled_at": payments["occurred_at"] + pd.Timedelta(days=2),
        "source": "user_report",
    }
    return pd.DataFrame(columns)
