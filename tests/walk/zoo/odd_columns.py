"""Odd columns: our own names, Chinese names, lists and objects, and 50,000 categories."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tests.walk.table import TableFiles, UserTable
from tests.walk.zoo.files import WITHOUT_IDS, Layout, write_files, write_frame
from tests.walk.zoo.rows import choose, make_events

__all__ = ["ODD_COLUMNS"]


def our_names(folder: Path) -> TableFiles:
    """Write payments with columns that have the names of our own results."""
    rng, made = make_events(61)
    n, fraud = len(made), made["fraud"]
    frame = pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in made.index],
            "account_id": made["account"].map("a{}".format),
            "occurred_at": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "amount": made["amount"],
            "score": (rng.normal(600, 80, n) - 60 * fraud).round(),
            "probability": rng.random(n).round(3),
            "decision": choose(rng, fraud, ("approve", "review"), ("pass", "flag")),
            "status": choose(rng, fraud, ("ok", "settled"), ("no_history",)),
            "why": rng.choice(["web", "app"], n),
            "label": np.where(fraud, "fraud", "legitimate"),
        }
    )
    return write_files(folder, frame, Layout("events", ".csv", {}, ("label",)))


def our_profile_names(folder: Path) -> TableFiles:
    """Write accounts with such columns, and one named like a class of the scores."""
    rng, made = make_events(62, 800)
    n, fraud = len(made), made["fraud"]
    frame = pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in range(n)],
            "score": (rng.normal(600, 80, n) - 60 * fraud).round(),
            "probability": rng.random(n).round(3),
            "probability__fraud": rng.random(n).round(3),
            "decision": choose(rng, fraud, ("approve", "review"), ("flag",)),
            "status": choose(rng, fraud, ("ok", "settled"), ("no_history",)),
            "unlike_training": rng.random(n).round(3),
            "label": np.where(fraud, "TRUE", "FALSE"),
        }
    )
    return write_files(folder, frame, Layout("accounts", ".jsonl", {}, ("label",)))


def chinese_names(folder: Path) -> TableFiles:
    """Write transfers with Chinese headers and words, and times of Shanghai."""
    rng, made = make_events(63)
    frame = pd.DataFrame(
        {
            "流水号": made.index + 10_000_000,
            "交易时间": made["time"].dt.strftime("%Y-%m-%d %H:%M:%S+08:00"),
            "付款账号": made["account"].map("6222{:08d}".format),
            "收款账号": made["other"].map("6217{:08d}".format),
            "交易金额": made["amount"],
            "交易类型": choose(rng, made["fraud"], ("转账", "消费"), ("提现",)),
            "账户余额": rng.lognormal(7, 1, len(made)).round(2),
            "开户 城市": choose(rng, made["fraud"], ("北京", "上海"), ("其他",)),
            "是否欺诈": np.where(made["fraud"], "欺诈", "正常"),
        }
    )
    names = {
        "event_id": "流水号",
        "occurred_at": "交易时间",
        "account_id": "付款账号",
        "counterparty_id": "收款账号",
        "amount": "交易金额",
        "kind": "交易类型",
        "label": "是否欺诈",
    }
    return write_files(folder, frame, Layout("events", ".jsonl", names, ("是否欺诈",)))


def lists(folder: Path) -> TableFiles:
    """Write orders with a column of lists and one of objects: expected to be left out with a note."""
    rng, made = make_events(64)
    frame = pd.DataFrame(
        {
            "account_id": made["account"].map("a{}".format),
            "occurred_at": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "amount": made["amount"],
            "items": [list(range(count)) for count in rng.integers(0, 4, len(made))],
            "address": [{"city": f"C{code % 9}", "floor": int(code % 5)} for code in made["other"]],
            "label": made["fraud"],
        }
    )
    return write_files(folder, frame, Layout("events", ".jsonl", {}, ("label",)))


def many_categories(folder: Path) -> TableFiles:
    """Write 52,000 payments with a column of 50,000 words; the last 1,500 have labels, in a table of their own."""
    n, n_labels = 52_000, 1500
    rng, made = make_events(65, n, days=60, accounts=200, others=500)
    references = np.append(np.arange(50_000), rng.integers(0, 50_000, n - 50_000))
    frame = pd.DataFrame(
        {
            "event_id": made.index,
            "account_id": made["account"],
            "occurred_at": made["time"].astype("datetime64[us]"),
            "amount": made["amount"],
            "reference": [f"ref {code}" for code in rng.permutation(references)],
            "terminal": [f"T{code % 50}" for code in made["other"]],
        }
    )
    files = write_files(folder, frame, Layout("events", ".parquet"))
    n_new, n_train = len(files.records), int(n * 0.7)
    labels = pd.DataFrame({"subject_id": made.index, "label": made["fraud"].astype(int)})
    write_frame(labels.iloc[n_train - n_labels : n_train], folder / "train_labels.csv")
    write_frame(labels.iloc[-n_new - 300 : -n_new], folder / "later_labels.csv")
    return replace(
        files,
        train={**files.train, "labels": folder / "train_labels.csv"},
        later={**files.later, "labels": folder / "later_labels.csv"},
    )


ODD_COLUMNS = (
    UserTable("our_names", "event", our_names),
    UserTable("our_profile_names", "account", our_profile_names),
    UserTable("chinese_names", "event", chinese_names),
    UserTable("lists", "event", lists, refused=WITHOUT_IDS),
    UserTable("many_categories", "event", many_categories),
)
