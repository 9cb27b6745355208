"""Declarations and records of the tests of live states."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pandas as pd
import pytest

from fraudsieve.features import History
from fraudsieve.live.recording import LoggedScore
from fraudsieve.live.records import Call, PlausibleClock
from fraudsieve.live.session import StoreSession
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from fraudsieve.models.scoring.score_fields import KeptScore

NIGHTS = History(("1h", "1d"), kinds=("message",), identifiers=("device_id",))
RECEIVED = History(
    ("7d",), entity="counterparty_id", subject="account_id", measures=("count", "known", "frauds"), name="received"
)
DAILY = History(("1d",), measures=("count",), identifiers=("device_id",))
WEEKLY = History(("7d",), measures=("count",), identifiers=("device_id",), name="weekly")


def with_views(scorer: Scorer, **views: Any) -> Scorer:
    matrix: Any = scorer.model.matrix
    return Scorer(replace(scorer.model, matrix=replace(matrix, **views)))


def daily_scorer(scorer: Scorer) -> Scorer:
    """Return a model that looks one day back, so that its old rows are deleted."""
    return with_views(scorer, histories=(DAILY,), network=None)


def features_of(live: LiveState, account: str = "ann", as_of: str = "2024-05-01T11:00:00Z") -> list[float]:
    return [*live.state.features({"account_id": account, "as_of": as_of})[0].tolist()]


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


def old_and_new(live: LiveState) -> None:
    """Add an event of May, and one of July, and let the first go."""
    live.update(event())
    live.checkpoint()
    live.update(event(event_id="e2", occurred_at="2024-07-01T10:00:00Z"))
    live.checkpoint()


def wait_until(condition: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def count_commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of calls of each commit."""
    groups: list[int] = []
    append = StoreSession.append

    def counted(self: StoreSession, calls: Sequence[Call], clock: PlausibleClock) -> None:
        groups.append(len(calls))
        append(self, calls, clock)

    monkeypatch.setattr(StoreSession, "append", counted)
    return groups


def logged_score(subject: str, ids: dict[str, str], place: dict[str, Any], **fields: Any) -> LoggedScore:
    """Return a score as the log stores it, with some of its fields; `place` says where it belongs."""
    defaults: dict[str, Any] = {
        "request": "r",
        "position": 0,
        "as_of": 5,
        "version": None,
        "offset": None,
        "body": None,
    }
    score: dict[str, Any] = dict.fromkeys(KeptScore.__required_keys__) | {
        "probability": 0.25,
        "label": "fraud",
        "decision": "pass",
        "status": "ok",
        "probabilities": {"fraud": 0.25, "legitimate": 0.75},
        "model": {"name": "m", "digest": "5f"},
    }
    return LoggedScore(subject=subject, ids=ids, **(defaults | place), score=cast(KeptScore, score | fields))
