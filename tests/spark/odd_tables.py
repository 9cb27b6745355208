"""Odd tables of events and subjects: ties in time, missing and blank ids, repeated ids, a hub; and their checks."""

import atexit
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import LATEST_MEASURES, MEASURES, History

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "EVENTS",
    "LABELS",
    "MESSAGES",
    "SUBJECTS",
    "VIEWS",
    "as_events",
    "as_labels",
    "as_messages",
    "as_subjects",
    "differing",
    "shuffled",
]

START = pd.Timestamp("2024-05-03 20:00", tz="UTC")
MEASURED = (*MEASURES, *LATEST_MEASURES, "span", "is_new")
VIEWS = (
    History(
        ("1h", "1m", "2d"), ("pay", "event"), identifiers=("device_id",), measures=MEASURED, max_events=4, order_key="k"
    ),
    History(("1h", "all"), entity="counterparty_id", subject="account_id", counterparty="account_id", name="received"),
    History(("1h",), entity="counterparty_id", measures=("is_new", "since_first"), name="of_other"),
    History(("1d",), amount="fee", measures=("sum", "std", "max", "min"), name="fee", max_events=3),
    History(("1d",), entity=("account_id", "counterparty_id"), measures=("count", "since_last"), name="pair"),
)
ACCOUNTS = st.sampled_from(["hub", "hub", "hub", "ann", "bob", "中文", "", " ann", None])
MINUTES = st.sampled_from([0, 0, 1, 59, 60, 61]) | st.integers(0, 3 * 24 * 60)
AMOUNTS = st.none() | st.sampled_from([0.0, -0.0, 0.1, 1e15, 1e-9, -7.25]) | st.floats(-1e6, 1e6)
EVENTS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["", "e1", "e2", "e3", "e4"]),
        ACCOUNTS,
        MINUTES,
        AMOUNTS,
        AMOUNTS,
        ACCOUNTS,
        st.sampled_from(["pay", "other", None]),
        st.sampled_from(["phone", "tablet", None]),
    ),
    min_size=40,
    max_size=120,
)
SUBJECTS = st.lists(
    st.tuples(
        ACCOUNTS,
        ACCOUNTS,
        MINUTES,
        st.none() | st.integers(-(2**62), 2**62),
        st.none() | st.booleans(),
        st.none() | st.integers(0, 3),
        st.none() | st.sampled_from(["rome", " oslo ", "", "中文"]),
        st.none() | MINUTES,
    ),
    min_size=15,
    max_size=40,
)

LABELS = st.lists(st.tuples(ACCOUNTS, MINUTES, st.booleans()), max_size=30)
MESSAGES = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["", "m1", "m2", "m3"]),
        st.sampled_from(
            ["win 100 now, call me", "Win 999 now, call me!", "see you at six", "充值解锁奖金", "win 1 now"]
        ),
        ACCOUNTS,
        ACCOUNTS,
        st.none() | MINUTES,
        st.sampled_from(["spam", "ham", None]),
        st.none() | MINUTES,
    ),
    min_size=30,
    max_size=80,
)


def as_labels(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return labels of accounts."""
    labels = pd.DataFrame(rows, columns=["account_id", "labelled_at", "is_fraud"])
    labels = labels.astype({"account_id": "str", "is_fraud": "bool"})
    return labels.assign(labelled_at=_times(labels["labelled_at"]))


def as_messages(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return messages and their labels, with their place in the table."""
    names = ["message_id", "text", "account_id", "recipient_id", "sent_at", "label", "labelled_at"]
    messages = pd.DataFrame(rows, columns=names).assign(offset=np.arange(len(rows)))
    times = {name: _times(messages[name]) for name in ("sent_at", "labelled_at")}
    words = [name for name in names if name not in times]
    return messages.astype(dict.fromkeys(words, "str")).assign(**times)


def as_events(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return events, with their place in the table."""
    names = ["event_id", "account_id", "occurred_at", "amount", "fee", "counterparty_id", "kind", "device_id"]
    events = pd.DataFrame(rows, columns=names).assign(offset=np.arange(len(rows)))
    return events.assign(occurred_at=_times(events["occurred_at"])).astype({"amount": "float64", "fee": "float64"})


def as_subjects(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return accounts with custom columns, and their place in the table."""
    names = ["account_id", "counterparty_id", "as_of", "age", "is_new", "level", "city", "created_at"]
    subjects = pd.DataFrame(rows, columns=names).assign(row=np.arange(len(rows)))
    # Small enough for a float64, which a column of whole numbers with gaps is on one machine.
    subjects["age"] = (subjects["age"].astype("Int64") // 2**20).astype("float64")
    types = {"is_new": "boolean", "level": "Int64", **dict.fromkeys(("account_id", "counterparty_id", "city"), "str")}
    times = {name: _times(subjects[name]) for name in ("as_of", "created_at")}
    return subjects.assign(**times).astype(types)


def _times(minutes: pd.Series) -> pd.Series:
    return (START + pd.to_timedelta(minutes.astype("Float64"), unit="min")).astype("datetime64[us, UTC]")


def shuffled(spark: "SparkSession", frame: pd.DataFrame, seed: int) -> "DataFrame":
    """Return a frame of Spark in another order of rows, from a file of Parquet."""
    place = tempfile.mkdtemp(prefix="fraudsieve-test-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    rows = frame.sample(frac=1, random_state=seed)
    rows.to_parquet(f"{place}/rows.parquet", index=False, coerce_timestamps="us")  # Spark 4.0 reads no nanoseconds
    return spark.read.parquet(f"{place}/rows.parquet")


def differing(names: tuple[str, ...], found: "DataFrame", expected: Array) -> list[str]:
    """Return the names of the columns in which any bit differs; rows are in the order of the column ``row``."""
    table = found.toArrow().sort_by("row")
    assert table["row"].to_pylist() == list(range(len(expected)))
    columns = zip(names, np.ascontiguousarray(expected.T), strict=True)
    return [name for name, values in columns if table[name].to_numpy().tobytes() != values.tobytes()]
