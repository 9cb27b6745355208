"""The comparison at the end of the loop finds what is missing, repeated or different."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.loop.compared import (
    Faults,
    arrivals_of,
    choose_cuts,
    compare_answers,
    compare_scores,
    known_to,
    valid_until,
)
from benchmarks.loop.payments import asked_alone
from benchmarks.loop.traffic import Answer

from fraudsieve.features.live_state import HistoryState
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.facts import Row
from tests.live.samples import records
from tests.live.small_models import event_scorer

START = pd.Timestamp("2026-01-01", tz="UTC")
LATE_LABEL, LATE_EVENT = 4, 5
"""Places in the order of arrival."""


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return events of two accounts that pay each other, of which one arrives late, and labels of one of them."""
    hours = pd.to_timedelta([1, 2, 3, 5, 4], unit="h")
    events = pd.DataFrame({"event_id": [f"e{number}" for number in range(5)], "account_id": ["a", "b", "a", "a", "b"],
                           "counterparty_id": ["b", "a", "b", "c", "a"], "device_id": "d", "kind": "message",
                           "amount": [5.0, 7, 9, 2, 4], "occurred_at": START + hours})  # fmt: skip
    labels = pd.DataFrame({"subject_id": ["e0", "e0"], "label": ["fraud", "legitimate"], "source": "review",
                           "labelled_at": START + pd.to_timedelta([2.5, 4.5], unit="h")})  # fmt: skip
    return events, labels


def lived(path: Path) -> tuple[pd.DataFrame, list[Row]]:
    """Score and record the events as they arrive, the labels after the first three; return the log and the rows."""
    events, labels = tables()
    logged = []
    with LiveState(event_scorer(), path) as live:
        for number, record in enumerate(records(events)):
            if number == 3:
                live.update(labels=records(labels))
            for _ in range(2):  # and one that is asked alone is not recorded, and logged as often as it is asked
                alone = asked_alone(record)
                logged.append(_logged(alone, live.offset, live.state))
            offset = live.update(record).offset
            logged.append(_logged(record, offset, live.state))
    with open_store(path) as store:
        return pd.DataFrame(logged), [row for rows in store.rows() for row in rows]


def _logged(record: dict[str, Any], offset: int, state: HistoryState) -> dict[str, Any]:
    score = event_scorer().score_columns({name: [value] for name, value in record.items()}, history=state)
    ids = {name: record[name] for name in ("event_id", "account_id", "occurred_at")}
    return {**ids, "model_version": "1", "offset": offset, **{name: value[0] for name, value in score.items()}}


@pytest.mark.slow
def test_scores_are_those_of_batches_at_their_offsets(tmp_path: Path) -> None:
    logged, rows = lived(tmp_path / "live.db")
    events, labels = tables()
    arrivals = arrivals_of(rows, events, labels)
    assert (arrivals.of_events, arrivals.of_labels) == (Faults(5, 0, 0), Faults(2, 0, 0))
    arrived = events.assign(offset=arrivals.events), labels.assign(offset=arrivals.labels)
    found = compare_scores(logged, *arrived, lambda version: event_scorer())
    assert (found.number, found.differing) == (15, 0)
    assert found.batches > 1
    other = logged.assign(probability=logged["probability"].where(logged["event_id"] != "e2", 0.5))
    assert compare_scores(other, *arrived, lambda version: event_scorer()).differing == 1


def test_a_history_changes_with_late_rows_of_the_same_accounts() -> None:
    events, labels = tables()
    events["offset"], labels["offset"] = [1, 2, 3, 6, 7], [4, 5]
    scores = events.iloc[[0, 2, 3]]
    # e0 precedes both labels and the late event; e2 is between; e3 is later than both, but the labels came before it.
    assert valid_until(scores, events, labels).tolist() == [2**62, 3, 6]
    strangers = scores.assign(account_id=["x", "y", "z"], counterparty_id="none")
    assert valid_until(strangers, events, labels).tolist() == [2**62] * 3


def test_the_history_of_a_batch_has_all_that_its_windows_hold() -> None:
    """And the first payment of each account, and old payments with a late label, with all their labels."""
    days = [0, 1, 2, 30, 39, 50, 49]
    accounts = {"account_id": ["a", "b", "a", "a", "b", "a", "x"], "counterparty_id": ["c"] * 6 + ["y"]}
    events = pd.DataFrame({"event_id": [f"e{day}" for day in days], **accounts})
    events["occurred_at"] = START + pd.to_timedelta(days, unit="D")
    labels = pd.DataFrame({"subject_id": ["e2", "e2", "e1", "e30"], "label": "fraud"})
    labels["labelled_at"] = START + pd.to_timedelta([5, 43, 9, 31], unit="D")
    order = [5, 6, 4, 3, 2, 1, 0]  # rows arrive in any order
    kept, known = known_to(events[events["event_id"] == "e50"], events.iloc[order], labels)
    assert sorted(kept["event_id"]) == ["e0", "e1", "e2", "e50"]  # not e49, of other accounts
    assert known["subject_id"].tolist() == ["e2", "e2", "e1"]


def test_few_offsets_stand_for_all() -> None:
    cuts = choose_cuts(np.array([1, 2, 6, 2]), np.array([5, 3, 9, 2]))
    assert [(cut, sorted(of)) for cut, of in cuts] == [(2, [0, 1, 3]), (9, [2])]


def test_rows_that_are_missing_or_repeated_are_counted() -> None:
    events, labels = tables()
    time = int(labels["labelled_at"].iloc[0].value) // 1000
    label = f'{{"label":[{time},{{"of":"event","subject_id":"e0","label":"fraud","source":"review"}}]}}'
    entries = ['{"events":[7,{"event_id":"e0"}]}', label, '{"labels":[7,{}]}', '{"events":[7,{"event_id":"e0"}]}']
    rows: list[Row] = [(offset, time, entry.encode(), b"") for offset, entry in enumerate(entries, 1)]
    found = arrivals_of(rows, events, labels)
    assert (found.of_events, found.of_labels) == (Faults(5, 4, 1), Faults(2, 1, 0))
    assert (found.events.tolist(), found.labels.tolist()) == ([1, -1, -1, -1, -1], [2, -1])


def answer(name: str, **change: Any) -> Answer:
    score = {"probability": 0.25, "label": "fraud", "decision": "flag", "false_positive_rate": None, "status": "ok",
             "unlike_training": 0.5, "probabilities": {"fraud": 0.25}, "model": {"digest": "5f"}}  # fmt: skip
    return Answer("r1", score | {"event_id": name} | change, 7)


def test_answers_that_are_not_logged_or_others_are_counted() -> None:
    row = {"request_id": "r1", "offset": 7, "model_digest": "5f", "probability": 0.25, "label": "fraud",
           "decision": "flag", "false_positive_rate": None, "status": "ok", "unlike_training": 0.5,
           "probability__fraud": 0.25}  # fmt: skip
    logged = pd.DataFrame([row | {"event_id": name} for name in ("e0", "e1", "e1", "e2")])
    answers = {name: [answer(name)] for name in ("e0", "e1", "e3")} | {"e2": [answer("e2", probability=0.5)]}
    assert compare_answers(answers, logged) == Faults(4, 1, 1, 2)
    assert compare_answers({"e0": [answer("e0")]}, logged[:1]) == Faults(1, 0, 0, 0)
    alone = logged[:1].assign(event_id="asked e0").iloc[[0, 0]]
    assert compare_answers({"asked e0": [answer("asked e0")]}, alone) == Faults(1, 0, 0, 0)
    assert compare_answers({}, alone) == Faults(0, 0, 2, 0)
    assert compare_answers({"e0": [answer("e0")._replace(offset=8)]}, logged[:1]) == Faults(1, 0, 0, 1)
