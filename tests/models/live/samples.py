"""Declarations and records of the tests of live states."""

from typing import Any

import pandas as pd

from fraudsieve.features import History
from fraudsieve.models.live.state import LiveState

NIGHTS = History(("1h", "1d"), kinds=("message",), identifiers=("device_id",))
RECEIVED = History(
    ("7d",), entity="counterparty_id", subject="account_id", measures=("count", "known", "frauds"), name="received"
)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def event(**change: Any) -> dict[str, Any]:
    default = {
        "event_id": "e1",
        "account_id": "ann",
        "occurred_at": "2024-05-01T10:00:00Z",
        "kind": "message",
        "amount": 5,
    }
    return default | change


def count_events(live: LiveState, account: str = "ann", as_of: str = "2024-05-01T11:00:00Z") -> float:
    """Return the number of events of an account in the day before a cutoff time."""
    columns = NIGHTS.columns
    return float(
        live.state.features({"account_id": account, "as_of": as_of}, [NIGHTS])[0, columns.index("volume__count_1d")]
    )
