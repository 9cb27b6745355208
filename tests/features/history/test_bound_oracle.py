"""Windows with more events than they may have, in batch and live, compared with plain Python."""

import math
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.declaration import FAMILIES, History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.history.records import RecordIds
from fraudsieve.features.history.timeline import bits_of
from fraudsieve.features.live_state import HistoryState
from tests.features.live_records import at

WORD, MINUTE = 2**64 - 1, 60_000_000
KEY = "a key"
MEASURES = tuple(name for name in FAMILIES if name != "held")
TIMES = st.sampled_from([0, 0, 0, 1, 1, 30, 70, 70])
EVENT = st.fixed_dictionaries(
    {
        "account_id": st.just("ann"),
        "occurred_at": TIMES,
        "amount": st.none() | st.sampled_from([-5.0, 0.0, -0.0, 3.0, 7.25]),
        "counterparty_id": st.none() | st.sampled_from(["x", "y", "z"]),
        "kind": st.sampled_from(["pay", "other"]),
    }
)
LABEL = st.fixed_dictionaries({"account_id": st.just("ann"), "labelled_at": TIMES, "is_fraud": st.booleans()})
VIEWS = [
    History(("1h", "1d"), kinds=("pay",), by_kind=("count", "sum", "since_last"), measures=MEASURES),
    History(("1d",), entity="counterparty_id", measures=("count", "known"), name="other"),
    History(("1h", "1d"), kinds=("pay",), by_kind=("held",), measures=("held", "sum"), name="held"),
]


def folded(one: int, two: int) -> int:
    return one * two >> 64 ^ one * two & WORD


def ordered(key: str, id_of_row: int, words: Sequence[int], subject: int = 0, of_class: int = 0) -> int:
    """Return the keyed digest of a row, as a signed number."""
    keys = [int(word) for word in np.frombuffer(blake2b(key.encode(), digest_size=32).digest(), np.uint64)]
    state = folded(id_of_row ^ keys[0], keys[1])
    for word in words:
        state = folded(state ^ word & WORD ^ keys[2], keys[3])
    if subject:
        state = folded(subject ^ keys[0], keys[1]) >> 32 << 32 | of_class << 24 | state >> 40
    return state - 2**64 if state >> 63 else state


def newest(rows: list[dict[str, Any]], time: str, cutoff: int, width: int, view: History) -> list[dict[str, Any]]:
    """Return the events or labels of a window, in order."""

    def place(row: dict[str, Any]) -> tuple[int, int]:
        if time == "labelled_at":
            subject, of_class = RecordIds(row).digest("event_id"), 255 if row["is_fraud"] else 1
            return row[time], ordered(KEY, 0, [bits_of(float(row["is_fraud"])), subject], subject, of_class)
        amount = bits_of(math.nan if row["amount"] is None else row["amount"] + 0.0)
        words = [amount, -1, RecordIds(row).digest("counterparty_id")] if view.counted_ids else [bits_of(math.nan), -1]
        words[1] = 0 if view.kinds and row["kind"] == "pay" else -1
        return row[time], ordered(KEY, RecordIds(row).delivery("event"), words)

    before = sorted((row for row in rows if row[time] < cutoff), key=place)
    inside = [row for row in before[-view.max_events :] if row[time] >= cutoff - width]
    last = {row["event_id"]: row for row in before} if time == "labelled_at" else {}  # others are replaced
    return [row for row in inside if row["event_id"] is None or last.get(row["event_id"], row) is row]


def expected_of(events: list[Any], labels: list[Any], cutoff: int, view: History) -> dict[str, float]:
    """Compute some measures of the first view in plain Python."""
    found: dict[str, float] = {}
    for window, width in (("1h", 60), ("1d", 1440)):
        inside = newest(events, "occurred_at", cutoff, width, view)
        amounts = [row["amount"] for row in inside if row["amount"] is not None]
        found[f"volume__count_{window}"] = len(inside)
        found[f"volume__count_{window}_pay"] = sum(row["kind"] == "pay" for row in inside)
        found[f"value__sum_{window}"] = sum(amounts)
        found[f"value__max_{window}"] = max(amounts, default=math.nan)
        others = {row["counterparty_id"] for row in inside}
        found[f"counterparties__distinct_{window}"] = len(others - {None})
        last = newest(labels, "labelled_at", cutoff, width, view)
        found[f"network__known_{window}"] = len(last)
        found[f"network__frauds_{window}"] = sum(row["is_fraud"] for row in last)
        times = [row["occurred_at"] for row in inside]
        hours = [sum(time - 60 < other <= time for other in times) for time in times]
        found[f"rhythm__burst_{window}"] = max(hours, default=math.nan)
    inside.sort(key=lambda row: (-row["occurred_at"], math.inf if row["amount"] is None else -row["amount"]))
    for place in range(5):
        amount = inside[place]["amount"] if place < len(inside) else None
        found[f"value__last_{place + 1}"] = math.nan if amount is None else amount
    clean = max((row["labelled_at"] for row in last if not row["is_fraud"]), default=-1)
    found["network__since_clean"] = math.nan if clean < 0 else (cutoff - clean) * 60
    found["network__fraud_run"] = sum(row["is_fraud"] and row["labelled_at"] > clean for row in last)
    return found


def frame_of(rows: list[dict[str, Any]], time: str, names: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame([row | {time: at(row[time])} for row in rows], columns=list(names))
    frame[time] = pd.to_datetime(frame[time], utc=True).astype("datetime64[us, UTC]")
    for name in ("account_id", "counterparty_id", "kind", "event_id"):
        frame[name] = frame[name].astype("str")
    typed: pd.DataFrame = frame.astype({"amount": float} if "amount" in frame else {"is_fraud": bool})
    return typed


@pytest.mark.slow
@pytest.mark.parametrize("max_events", [1, 3, 7])
@given(st.lists(EVENT, max_size=30), st.lists(LABEL, max_size=16), st.sampled_from([0, 1, 2]), st.randoms())
def test_windows_have_the_newest_events(
    tmp_path_factory: Any, max_events: int, events: list[Any], labels: list[Any], ids: int, random: Any
) -> None:
    """With ids, without, and mixed; arrivals are in any order, old events are dropped, and states are stored."""
    views = [History.from_dict(view.to_dict() | {"max_events": max_events, "order_key": KEY}) for view in VIEWS]
    events = [row | {"event_id": f"e{n}" if ids and n % ids == 0 else None} for n, row in enumerate(events)]
    labels = [
        row | {"event_id": f"e{n % 4}" if ids and n % ids == 0 else None, "counterparty_id": "x"}
        for n, row in enumerate(labels)
    ]
    labels = [row for n, row in enumerate(labels) if row["event_id"] is None or row not in labels[:n]]
    lateness = random.choice([20, 40, 80])
    state, path = (
        HistoryState(views, lateness=f"{lateness}m"),
        Path(tmp_path_factory.getbasetemp(), f"bound-{max_events}"),
    )
    arrivals = [*events, *labels]
    random.shuffle(arrivals)
    for row in arrivals:
        time = "labelled_at" if "labelled_at" in row else "occurred_at"
        given_row = row | {time: at(row[time])}
        if state.update(*(((), given_row) if time == "labelled_at" else (given_row, ()))):  # it is too late
            (labels if time == "labelled_at" else events).remove(row)
        if random.random() < 0.1:
            state.save(path)
            state = HistoryState.load(path)
    assert state.n_events == sum(view.n_rows for view in state.views)
    cutoffs = [0, 1, 2, 31, 60, 61, 71, 129, 131]
    cutoffs = [cutoff for cutoff in cutoffs if at(cutoff).timestamp() * 1e6 >= state.horizon]
    subjects = [{"account_id": "ann", "counterparty_id": "x", "as_of": at(cutoff)} for cutoff in cutoffs]
    names = ["account_id", "counterparty_id", "event_id"]
    of_events = frame_of(events, "occurred_at", [*names, "occurred_at", "amount", "kind"])
    of_labels = frame_of(labels, "labelled_at", [*names, "labelled_at", "is_fraud", "kind"])
    rows = history_features(of_events, pd.DataFrame(subjects), views, labels=of_labels)
    np.testing.assert_array_equal(state.features(subjects), rows)
    for row, cutoff in zip(rows, cutoffs, strict=True):
        found = dict(zip(views[0].columns, row.tolist(), strict=False))
        expected = expected_of(events, labels, cutoff, views[0])
        np.testing.assert_array_equal([found[name] for name in expected], [*expected.values()])
        of_other = [event for event in events if event["counterparty_id"] == "x"]
        counted = newest(of_other, "occurred_at", cutoff, 1440, views[1])
        known = newest(labels, "labelled_at", cutoff, 1440, views[1])
        assert row[len(views[0].columns) :][:2].tolist() == [len(counted), len(known)]
