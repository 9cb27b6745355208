"""Feature views and records for the tests of the live state."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from fraudsieve.features.history.declaration import FAMILIES, History

START = datetime(2024, 5, 3, 20, tzinfo=UTC)  # a Friday
VIEWS = [
    History(
        ("1m", "1h", "2d"),
        kinds=("pay",),
        by_kind=("count", "sum", "max", "distinct", "since_last"),
        identifiers=("device_id",),
        night=(22, 6),
    ),
    History(("1h", "1d"), entity="counterparty_id", counterparty="account_id", measures=tuple(FAMILIES), name="their"),
    History(("1h",), entity="counterparty_id", subject="account_id", measures=("count", "since_last"), name="received"),
    History(("1d",), entity=("account_id", "counterparty_id"), measures=("count", "since_first"), name="pair"),
]
Records = list[dict[str, Any]]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def timed(records: Records, field: str) -> Records:
    return [record | {field: at(record[field])} for record in records]


def stream(n: int, *, seed: int = 0, days: float = 40) -> Records:
    rng = np.random.default_rng(seed)
    return [
        {
            "event_id": f"e{place}",
            "account_id": f"account-{rng.integers(0, 5)}",
            "occurred_at": at(float(minutes)),
            "amount": float(rng.integers(1, 100)),
            "counterparty_id": f"c{rng.integers(0, 9)}",
            "kind": "pay",
        }
        for place, minutes in enumerate(np.sort(rng.integers(0, int(days * 1440), n)))
    ]
