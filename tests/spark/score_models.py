"""Small models of accounts and events, whose records have custom columns, and odd records of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from fraudsieve.features import AccountFeatures, History, Network
from fraudsieve.models import FraudClassifier, Model, Policy, write_model
from fraudsieve.models.thresholds import operating_points
from tests.features.test_accounts import world

__all__ = [
    "EVENTS",
    "RECORDS",
    "account_labels",
    "as_dicts",
    "as_history",
    "as_records",
    "world",
    "write_account_model",
    "write_event_model",
]

VIEWS = (
    History(("1h", "1d"), measures=("count", "sum", "mean", "std", "z", "distinct", "since_last")),
    History(("30d",), entity="device_id", measures=("count", "known", "frauds"), name="device"),
)
START = pd.Timestamp("2026-03-20", tz="UTC")
IDS = st.sampled_from(["a0", "a1", "a2", " a1\u3000", "", "\t", None])
TIMES = st.sampled_from([0, 1, 1, 2]) | st.integers(0, 48)
AMOUNTS = st.none() | st.sampled_from([0.0, 5.0, 1e15, 2e15, float("inf")]) | st.floats(0, 100)
EVENTS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["", "e1", "e2", " e2"]),
        IDS,
        st.none() | TIMES,
        AMOUNTS,
        IDS,
        st.sampled_from(["d1", "d2", " d1", "", None]),
    ),
    min_size=25,
    max_size=60,
)
RECORDS = st.lists(
    st.tuples(
        IDS, st.none() | TIMES, AMOUNTS, st.sampled_from(["d1", "d2 ", None]), st.sampled_from(["pay", "", None])
    ),
    min_size=15,
    max_size=40,
)


def write_event_model(folder: Path, policy: Policy | None = None, *, with_labels: bool = True) -> None:
    """Train on a made-up world and write the model."""
    made, history = world(240), VIEWS
    if not with_labels:
        history = (VIEWS[0], replace(VIEWS[1], measures=("count",)))
    features = AccountFeatures(
        made["events"],
        labels=made["labels"],
        subject="event",
        history=history,
        categories=("kind",),
        min_category_rows=1,
    )
    records = made["events"][["event_id", "account_id", "occurred_at", "amount", "device_id", "kind"]]
    y = np.where(made["labels"]["is_fraud"], "fraud", "legitimate").astype(object)
    matrix = features.set_output(transform="pandas").fit_transform(records, y)
    fitted = FraudClassifier(n_rounds=8, n_jobs=1, min_leaf_rows=5).fit(matrix, y)
    points = operating_points(fitted.predict_proba(matrix)[:, 0], y == "fraud", days=1.0)
    parts = features.matrix_, fitted.ensemble_, fitted.calibration_
    options: dict[str, Any] = {"points": points}
    options |= {} if policy is None else {"policy": policy}
    write_model(Model("events", ("fraud", "legitimate"), "legitimate", *parts, **options), folder)


def account_labels() -> pd.DataFrame:
    """Return labels of a third of the accounts, of which half are fraud."""
    accounts, times = [f"a{number}" for number in range(0, 24, 3)], pd.Timestamp("2026-03-03", tz="UTC")
    labels = pd.DataFrame({"account_id": accounts, "labelled_at": times + pd.to_timedelta(np.arange(8), "D")})
    return labels.assign(
        labelled_at=labels["labelled_at"].astype("datetime64[us, UTC]"), is_fraud=np.arange(8) % 2 == 0
    )


def write_account_model(folder: Path) -> None:
    """Train a model of accounts on the network only, and write it."""
    events = world(240)["events"]
    network = Network(identifiers=("device_id",), max_degree=12)
    features = AccountFeatures(events, account_labels=account_labels(), history=(), network=network)
    records = pd.DataFrame({"account_id": [f"a{place % 24}" for place in range(240)], "as_of": events["occurred_at"]})
    y = np.where(np.arange(240) % 24 % 3 == 0, "fraud", "legitimate").astype(object)
    matrix = features.set_output(transform="pandas").fit(records).transform(records)
    fitted = FraudClassifier(n_rounds=8, n_jobs=1, min_leaf_rows=5).fit(matrix, y)
    parts = features.matrix_, fitted.ensemble_, fitted.calibration_
    write_model(Model("accounts", ("fraud", "legitimate"), "legitimate", *parts), folder)


def as_records(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return payments to score, and their place."""
    records = pd.DataFrame(rows, columns=["account_id", "occurred_at", "amount", "device_id", "kind"])
    return _typed(records).assign(row=np.arange(len(rows)))


def as_history(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return events, and their place."""
    names = ["event_id", "account_id", "occurred_at", "amount", "counterparty_id", "device_id"]
    return _typed(pd.DataFrame(rows, columns=names)).assign(offset=np.arange(len(rows)))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    hours = pd.to_timedelta(frame["occurred_at"].astype("Float64"), unit="h")
    words = [name for name in frame if name not in ("occurred_at", "amount")]
    times = (START + hours).astype("datetime64[us, UTC]")
    return frame.assign(occurred_at=times).astype({"amount": "float64", **dict.fromkeys(words, "str")})


def as_dicts(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dicts, with None where a value is missing."""
    rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
