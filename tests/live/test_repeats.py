"""One rule for repeated deliveries and for labels, by whatever way they come in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features import Network, history_features, network_features
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from fraudsieve.models.given_history import resolve_history
from tests.live.samples import NIGHTS, RECEIVED, event, with_views
from tests.service.handling import handler_of

FIRST = event(counterparty_id="bob", device_id="d")
THREE = {
    "the same": [FIRST] * 3,
    "another time": [FIRST | {"occurred_at": f"2024-05-01T10:{minute}:00Z"} for minute in (30, 40, 20)],
    "another account": [FIRST, FIRST | {"account_id": "eve"}, FIRST | {"account_id": "zoe", "amount": 9.0}],
    "another counterparty": [FIRST, FIRST | {"counterparty_id": "eve"}, FIRST | {"device_id": "other"}],
    "blanks": [FIRST, FIRST | {"event_id": " e1 "}, FIRST | {"event_id": "e1 "}],
    "no ids": [FIRST | {"event_id": None}] * 3,
}  # fmt: skip
SUBJECTS = [
    {"account_id": name, "counterparty_id": "bob", "as_of": "2024-05-01T11:00:00Z", "amount": 5.0}
    for name in ("ann", "bob", "eve", "zoe")
]
OTHER = event(event_id="e7", account_id="joe", counterparty_id="bob")
"""An event with a label."""
LABELS = [{"counterparty_id": "bob", "event_id": "e7", "labelled_at": "2024-05-01T10:30:00Z", "is_fraud": True}] * 3
SENT_LABELS = [{"subject_id": "e7", "labelled_at": "2024-05-01T10:30:00Z", "label": "fraud"}] * 3


def by_frame(events: list[dict[str, Any]], labels: list[dict[str, Any]]) -> Any:
    tables = [pd.DataFrame(records) for records in (events, SUBJECTS, labels)]
    for table in tables:
        for name in table.columns:
            if name.endswith("_at") or name == "as_of":
                table[name] = pd.to_datetime(table[name], utc=True)
            elif name == "event_id":
                table[name] = table[name].str.strip()  # as read_table does
    history = history_features(tables[0], tables[1], [NIGHTS, RECEIVED], labels=tables[2])
    return np.hstack([history, by_network(*tables[:2])])


def by_network(events: pd.DataFrame, subjects: pd.DataFrame) -> Any:
    accounts = pd.DataFrame({"account_id": ["bob"], "labelled_at": subjects["as_of"][:1], "is_fraud": [True]})
    return network_features(events, subjects, Network("counterparty_id", ("device_id",)), labels=accounts)


def by_service(scorer: Scorer, events: list[dict[str, Any]], labels: list[dict[str, Any]]) -> Any:
    handler = handler_of(scorer)
    for part, records in (("events", events), ("labels", labels)):
        for record in records:
            handler.ingest(json.dumps({part: [record]}).encode(), are_labels=part == "labels")
    assert handler.live is not None
    return handler.live.state.features(SUBJECTS)


@pytest.mark.parametrize("how", sorted(THREE))
def test_one_id_three_times_counts_the_same_by_every_way(how: str, account_scorer: Scorer, tmp_path: Path) -> None:
    account_scorer = with_views(account_scorer, subject=Subject.EVENT)
    events, matrix = [*THREE[how], OTHER], account_scorer.model.matrix
    expected = by_frame(events if how == "no ids" else [events[0], OTHER], LABELS[:1])
    found = {"frame": by_frame(events, LABELS)}
    listed = resolve_history(matrix, {"events": events, "labels": LABELS})
    assert listed is not None
    found["list"] = listed.features(SUBJECTS)
    one_by_one, at_once = account_scorer.new_state(), account_scorer.new_state()
    for record in events:
        assert one_by_one.update(record) == ()
    for label in LABELS:
        assert one_by_one.update(labels=label) == ()
    assert at_once.update(events, LABELS) == ()
    found |= {"state": one_by_one.features(SUBJECTS), "state at once": at_once.features(SUBJECTS)}
    for name in ("one", "two"):
        with LiveState(account_scorer, tmp_path / f"{name}.db") as live:
            parts = [events] if name == "one" else [[record] for record in events]
            assert [live.update(part).rejected for part in parts] == [()] * len(parts)
            live.checkpoint()
            assert live.update(events[1:2] if how != "no ids" else (), SENT_LABELS).rejected == ()
            found[f"update {name}"] = live.state.features(SUBJECTS)
        with LiveState(account_scorer, tmp_path / f"{name}.db") as live:
            found[f"restored {name}"] = live.state.features(SUBJECTS)
    found["service"] = by_service(account_scorer, events, SENT_LABELS)
    for way, features in found.items():
        np.testing.assert_array_equal(features, expected, err_msg=way)


def test_repeated_events_are_still_subjects() -> None:
    events = pd.DataFrame([FIRST, FIRST | {"occurred_at": "2024-05-01T10:10:00Z"}])
    events["occurred_at"] = pd.to_datetime(events["occurred_at"], utc=True)
    assert history_features(events, history=NIGHTS)[:, NIGHTS.columns.index("volume__count_1d")].tolist() == [0, 1]


def test_a_message_counts_once_by_its_id(message_scorer: Scorer) -> None:
    state = message_scorer.new_state()
    sent = {"message_id": "m1", "text": "Your parcel is held", "sent_at": "2024-05-01T10:00:00Z"}
    message_scorer.observe(state, [sent, sent | {"sent_at": "2024-05-01T10:10:00Z"}])
    n = state.n_events
    label = sent | {"label": "fraud", "labelled_at": "2024-05-01T10:20:00Z"}
    message_scorer.observe(state, [sent, label, label])
    assert (n, state.n_events) == (8, 16)


@pytest.mark.parametrize("label", [{"event_id": "e1"}, {"event_id": "e1", "account_id": " "}, {"kind": "pay"}])
def test_a_label_of_nobody_is_rejected_by_every_model(
    label: dict[str, Any], account_scorer: Scorer, message_scorer: Scorer
) -> None:
    label = {"labelled_at": "2024-05-01T10:00:00Z", "is_fraud": True} | label
    without_views = with_views(account_scorer, histories=())
    for scorer in (account_scorer, message_scorer, without_views, with_views(account_scorer, histories=(NIGHTS,))):
        ((position, reason),) = scorer.new_state().update(labels=label)
        assert position == 0
        assert reason.endswith("expected the labelled entity, all fields are missing")


def test_a_label_does_not_break_the_successor_of_a_model(account_scorer: Scorer, tmp_path: Path) -> None:
    """The successor counts labels of another entity."""
    first = with_views(account_scorer, subject=Subject.EVENT, histories=(NIGHTS,))
    with LiveState(first, tmp_path / "live.db") as live:
        assert live.update(OTHER, SENT_LABELS).rejected == ()
    with LiveState(with_views(account_scorer, subject=Subject.EVENT), tmp_path / "live.db") as live:
        received = live.state.features({"account_id": "bob", "as_of": "2024-05-01T11:00:00Z"}, [RECEIVED])[0]
        assert received[RECEIVED.columns.index("network__received_known_7d")] == 1


@pytest.mark.parametrize("verdicts", [(True, False), (False, True)])
def test_contradicting_labels_of_one_time_do_not_depend_on_the_order_of_arrival(
    verdicts: tuple[bool, bool], account_scorer: Scorer
) -> None:
    """Of verdicts on an account or an event, fraud counts. Also rewound."""
    linked = [event(event_id=name, account_id=name, counterparty_id="eve") for name in ("ann", "bob")]
    labels = [LABELS[0] | {"account_id": "bob", "is_fraud": verdict} for verdict in verdicts]
    names, subject = account_scorer.model.matrix.columns, SUBJECTS[0] | {"account_id": "bob"}
    state = account_scorer.new_state()
    state.update(linked)
    for label in labels * 2:
        assert state.update((), label, account_labels=label) == ()
    first = state.features([*SUBJECTS, subject])
    state.update(account_labels={"account_id": "bob", "labelled_at": "2024-05-01T10:59:00Z", "is_fraud": False})
    state.rewind(pd.Timestamp("2024-05-01T10:31:00Z"))
    np.testing.assert_array_equal(state.features([*SUBJECTS, subject]), first)
    of_ann, of_bob = (dict(zip(names, row, strict=False)) for row in first[[0, -1]])
    assert of_ann["network__sharing_frauds"] == of_ann["network__sharing_known"] == 1
    assert (of_bob["network__received_known_7d"], of_bob["network__received_frauds_7d"]) == (1, 1)
