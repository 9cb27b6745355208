"""The benchmark of the defaults: the peer's columns against plain Python, and both contestants on simulated events."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.defaults import contest
from benchmarks.defaults.plain_features import plain_features
from benchmarks.defaults.sets import Task

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


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["event", "account"])
def test_both_contestants_beat_chance_on_a_simulated_set(subject: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = make_events(3000, 300)
    is_fraud = events["account_id"].astype(int) % 10 == 0
    events.loc[is_fraud, "amount"] += 20
    if subject == "event":
        events["label"] = is_fraud.astype("int8")
        task = Task("event", events, np.arange(2000), np.arange(2200, 3000), "In order of time.")
    else:
        ids = sorted(events["account_id"].unique())
        rows = pd.DataFrame({"account_id": ids, "label": [np.int8(int(name) % 10 == 0) for name in ids]})
        rows["as_of"] = START + pd.Timedelta(days=90)
        task = Task("account", rows, np.arange(0, len(ids), 2), np.arange(1, len(ids), 2), "Every other one.", events)
    monkeypatch.setattr(contest, "DEFAULT_SETS", {"made": lambda: task})
    report = contest.run_defaults("made", seeds=1)
    assert report.figures["average_precision"] > 0.3
    assert {peer: figures["average_precision"] > 0.3 for peer, figures in report.peers.items()} == {
        "plain": True,
        "plain_slow": True,
    }
    assert report.figures["ahead_of_plain.low"] <= report.figures["ahead_of_plain.high"]
    assert [bar.name for bar in report.bars] == [
        "average_precision.level_with_plain",
        "average_precision.level_with_plain_slow",
    ]
