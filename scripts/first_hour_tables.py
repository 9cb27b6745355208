"""Rewrite a simulated world as the files, tables and frames that users have: the data of ``scripts/first_hour``.

``write`` reads the folder ``fraudsieve-world`` and writes files next to it. ``database FOLDER`` copies the messages
into the PostgreSQL server with its socket in this folder. ``polars`` trains on a polars frame and scores another.
"""

import sys
from pathlib import Path

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
alerts_times = 50.0
observed_times = 50.0
ece = 0.5
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
