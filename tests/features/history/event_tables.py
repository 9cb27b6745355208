"""Handmade and generated tables of events and subjects, for the tests of the batch runner."""

from typing import Any

import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

from fraudsieve.features.history.declaration import DECLARED, FAMILIES, LABEL_MEASURES, History

HISTORY = History(
    windows=("1h", "1m", "2d"),
    kinds=("pay", "never"),
    by_kind=("count", "sum", "mean", "max", "distinct", "repeats", "burst", "since_last", "span"),
    identifiers=("device_id",),
    measures=tuple(name for name in FAMILIES if name not in LABEL_MEASURES),
    night=(22, 6),
)
START = pd.Timestamp("2024-05-03 20:00")  # a Friday
MINUTES = st.integers(0, 90) | st.integers(0, 3 * 24 * 60)
ACCOUNTS = st.sampled_from(["ann", "bob", "an account with a long name", "中文"])
EVENTS = st.lists(
    st.tuples(
        ACCOUNTS,
        MINUTES,
        st.none() | st.integers(-400, 4_000_000).map(lambda quarters: quarters / 4),  # sums of quarters are exact
        st.none() | st.sampled_from(["x", "y", "z", "ann"]),
        st.none() | st.sampled_from(["pay", "other"]),
        st.none() | st.sampled_from(["phone", "tablet"]),
    ),
    max_size=40,
)
SUBJECTS = st.lists(st.tuples(ACCOUNTS | st.just("empty"), MINUTES), max_size=12)
Rows = list[tuple[Any, ...]]


def as_events(rows: Rows) -> pa.Table:
    rows = [(*row, None) if len(row) == 5 else row for row in rows]
    accounts, minutes, amounts, counterparties, kinds, devices = zip(*rows, strict=True) if rows else ((),) * 6
    times = (START + pd.to_timedelta(list(minutes), unit="min")).astype("datetime64[us]")
    return pa.table(
        {
            "account_id": pa.array(accounts, pa.string()),
            "occurred_at": pa.array(times, pa.timestamp("us")),
            "amount": pa.array(amounts, pa.float64()),
            "counterparty_id": pa.array(counterparties, pa.string()),
            "kind": pa.array(kinds, pa.string()),
            "device_id": pa.array(devices, pa.string()),
        }
    )


def as_subjects(rows: Rows) -> pa.Table:
    table = as_events([(account, minutes, None, None, None) for account, minutes in rows])
    return table.select([0, 1]).rename_columns(["account_id", "as_of"])


ZERO = tuple(name for name, measure in DECLARED.items() if measure.without_events == "0")
