"""Rewrite a simulated world as the files, tables and frames that users have: the data of ``scripts/first_hour``.

``write`` reads the folder ``fraudsieve-world`` and writes files next to it. ``database FOLDER`` copies the messages
into the PostgreSQL server with its socket in this folder. ``polars`` trains on a polars frame and scores another.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

WORLD = Path("fraudsieve-world")
CHINESE = {"message_id": "编号", "sent_at": "时间", "text": "内容", "label": "类别"}
OWN = """
name = "fraudsieve"
[features]
columns = ["channel", "length"]
[features.words]
gambling = ["Baccarat", "百家乐"]
[features.brands]
meridian = ["example.com"]
"""
RULES = """
[[rule]]
id = "known-mule"
field = "account_id"
values = ["ACCOUNT"]
action = "flag"
reason = "account of an earlier case"
"""
# The world is small, so that chance alone moves an index far.
MONITOR = """
[monitor]
family_psi = 5.0
score_psi = 5.0
unlike_rise = 0.5
"""


def labelled() -> pd.DataFrame:
    """Return the messages with the last label of each, and a column of our own."""
    labels = pd.read_parquet(WORLD / "labels.parquet").sort_values("labelled_at")
    labels = labels.drop_duplicates("subject_id", keep="last").rename(columns={"subject_id": "message_id"})
    messages = pd.read_parquet(WORLD / "messages.parquet")
    messages = messages.merge(labels[["message_id", "label", "labelled_at"]], on="message_id")
    return messages.assign(length=messages["text"].str.len())


def parts(messages: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the messages to train on, and those of the last two weeks."""
    is_later = messages["sent_at"] >= messages["sent_at"].max() - pd.Timedelta(days=14)
    return messages[~is_later], messages[is_later]


def write() -> None:
    """Write text files, workbooks and folders."""
    earlier, later = parts(labelled())
    chinese = earlier[list(CHINESE)].rename(columns=CHINESE)
    chinese.replace({"类别": {"legitimate": "正常"}}).to_csv("短信.csv", index=False, encoding="gb18030")
    sheet = later[list(CHINESE)].rename(columns=CHINESE).drop(columns="类别")
    sheet.assign(时间=sheet["时间"].dt.tz_localize(None)).to_excel("新短信.xlsx", index=False)
    marked = later[list(CHINESE)].replace({"label": {"legitimate": "正常"}}).rename(columns=CHINESE)
    marked.to_csv("后来的短信.csv", index=False, encoding="gb18030")
    write_titled(earlier)
    write_chat(earlier)
    write_orders(earlier)
    write_shop(earlier)
    Path("parquet").mkdir()
    for month, rows in earlier.groupby(earlier["sent_at"].dt.strftime("%Y-%m")):
        rows.to_parquet(f"parquet/{month}.parquet", index=False)
    later.to_parquet("later.parquet", index=False)
    is_newest = later["sent_at"] >= later["sent_at"].max() - pd.Timedelta(days=7)
    later[~is_newest].to_parquet("first-week.parquet", index=False)
    later[is_newest].to_parquet("this-week.parquet", index=False)
    for name, text in {
        "own": OWN,
        "rules": RULES.replace("ACCOUNT", later["account_id"].iloc[-1]),
        "monitor": MONITOR,
    }.items():
        Path(f"{name}.toml").write_text(text, "utf-8")


def write_titled(messages: pd.DataFrame) -> None:
    """Write a workbook with a title above the header, as reports have it."""
    table = messages[["message_id", "sent_at", "text", "label"]]
    with pd.ExcelWriter("report.xlsx") as book:
        table.assign(sent_at=table["sent_at"].dt.tz_localize(None)).to_excel(book, index=False, startrow=2)
        book.book.active.cell(1, 1, "Messages of the first weeks")


def write_chat(messages: pd.DataFrame) -> None:
    """Write a chat whose sender and text are in objects, as messengers export it."""
    rows = messages[["message_id", "account_id", "text", "sent_at", "label"]].itertuples(index=False, name=None)
    chat = [
        {"id": name, "from": {"id": sender}, "message": {"text": text}, "date": f"{sent:%FT%TZ}", "spam": label}
        for name, sender, text, sent, label in rows
    ]
    Path("chat.jsonl").write_text("\n".join(map(json.dumps, chat)), "utf-8")


def write_orders(messages: pd.DataFrame) -> None:
    """Write orders with dates and amounts of the United States, and what became of them; the last have no outcome."""
    events = pd.read_parquet(WORLD / "events.parquet")
    orders = events[events["amount"].notna()].sort_values("occurred_at")
    senders = set(messages.loc[messages["label"] != "legitimate", "account_id"])
    is_fraud = orders["account_id"].isin(senders).to_numpy()
    placed, new = orders["occurred_at"], len(orders) // 10
    table = pd.DataFrame(
        {
            "order": orders["event_id"],
            "placed": placed.dt.strftime("%m/%d/%Y %I:%M %p"),
            "customer": orders["account_id"],
            "total": [f"${amount:,.2f}" for amount in orders["amount"]],
        }
    )
    table[:-new].to_csv("orders.csv", index=False)
    table[-new:].to_csv("new-orders.csv", index=False)
    filed = (placed + pd.Timedelta(days=9)).dt.strftime("%m/%d/%Y")
    outcome = {"order": table["order"], "filed": filed, "status": np.where(is_fraud, "chargeback", "settled")}
    pd.DataFrame(outcome)[:-new].to_csv("chargebacks.csv", index=False)


def write_shop(messages: pd.DataFrame) -> None:
    """Write the orders of half a year and those of a month more, with the chargebacks of 30 to 90 days known then."""
    events = pd.read_parquet(WORLD / "events.parquet")
    orders = events[events["amount"].notna()].sort_values("occurred_at")
    senders = set(messages.loc[messages["label"] != "legitimate", "account_id"])
    is_fraud = orders["account_id"].isin(senders).to_numpy()
    first, span = orders["occurred_at"].min(), orders["occurred_at"].max() - orders["occurred_at"].min()
    placed = first + (orders["occurred_at"] - first) * (pd.Timedelta(days=210) / span)
    filed = placed + pd.to_timedelta(np.random.default_rng(0).uniform(30, 90, len(orders)), unit="D")
    shop = pd.DataFrame({"order": orders["event_id"], "placed": placed, "customer": orders["account_id"]})
    shop["total"] = orders["amount"]
    charged = pd.DataFrame({"order": orders["event_id"], "filed": filed, "status": "chargeback"})
    for name, days in (("half-year", 180), ("month-later", 210)):
        end = first + pd.Timedelta(days=days)
        shop[placed <= end].to_csv(f"{name}.csv", index=False)
        charged[is_fraud & (filed <= end)].to_csv(f"{name}-chargebacks.csv", index=False)


def fill_database(folder: str) -> None:
    """Copy the messages into a schema and columns with other names."""
    import psycopg

    earlier, _ = parts(labelled())
    rows = earlier[["message_id", "text", "sent_at", "label"]].itertuples(index=False, name=None)
    with psycopg.connect(host=folder, user="fraud", dbname="postgres") as connection:
        connection.execute("create schema crm")
        connection.execute("create table crm.sms (id text primary key, body text, sent timestamptz, verdict text)")
        connection.cursor().executemany("insert into crm.sms values (%s, %s, %s, %s)", rows)


def use_polars() -> None:
    """Train on a frame of polars, and score another one."""
    import polars

    from fraudsieve import Scorer, train

    earlier, later = (polars.from_pandas(frame) for frame in parts(labelled()))
    trained = train(messages=earlier, output="polars-model")
    sys.stdout.write(f"{trained}\n")
    scores = Scorer.load("polars-model").score_columns(later)
    scored = polars.DataFrame({"message_id": later["message_id"], "probability": scores["probability"]})
    sys.stdout.write(f"{scored.head()}\n")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"write": write, "database": fill_database, "polars": use_polars}[command](*arguments)
