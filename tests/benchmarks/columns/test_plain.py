"""The plain columns against plain Python."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.columns.plain import plain_features

START = pd.Timestamp("2026-01-01")


def make_events(n: int, accounts: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(n)],
            "account_id": rng.integers(0, accounts, n).astype(str),
            "counterparty_id": rng.integers(0, accounts, n).astype(str),
            "occurred_at": START + pd.to_timedelta(np.sort(rng.integers(0, 60 * 24, n)), unit="h"),
            "kind": "pay",
            "amount": rng.integers(1, 100, n) / 4,
        }
    )


def test_plain_columns_are_those_of_plain_python() -> None:
    events = make_events(200, 6)
    subjects = pd.DataFrame({"account_id": ["1", "2", "nobody"], "as_of": START + pd.Timedelta(days=40)})
    found = plain_features(events, subjects, numbers=["amount"], of_events=False)
    for row, (account, as_of) in enumerate(subjects.itertuples(index=False)):
        for side, entity, other in (
            ("sent", "account_id", "counterparty_id"),
            ("received", "counterparty_id", "account_id"),
        ):
            past = events[(events[entity] == account) & (events["occurred_at"] < as_of)].sort_values("occurred_at")
            for name, days in (("all", 1000), ("7d", 7), ("30d", 30)):
                part = past[past["occurred_at"] >= as_of - pd.Timedelta(days=days)]
                values = found.iloc[row]
                assert values[f"{side}_count_{name}"] == len(part)
                assert values[f"{side}_distinct_{name}"] == part[other].nunique()
                if len(part):
                    assert values[f"{side}_sum_x0_{name}"] == part["amount"].sum()
                if len(part) > 1:
                    gap = part["occurred_at"].diff().mean().total_seconds()
                    assert values[f"{side}_gap_{name}"] == pytest.approx(gap)
            if len(past) >= 5:
                latest = past["occurred_at"].iloc[::-1].iloc[:5]
                ages = [values[f"{side}_ago_{k}"] for k in range(1, 6)]
                assert ages == (as_of - latest).dt.total_seconds().tolist()
