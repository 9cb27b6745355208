"""Records as the tables of a training have them: names, roles, and times that count from a start."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import RecordError, RejectedRecordError
from fraudsieve.features.history.records import RejectedRecord
from fraudsieve.live import LiveState
from fraudsieve.models import Scorer
from fraudsieve.models.given_history import GivenFields, given_fields
from tests.live.small_models import event_scorer

COLUMNS = {
    "account_id": "customer",
    "events.occurred_at": "step",
    "messages.sent_at": "step",
    "amount": "total",
    "device_id": "terminal",
    "card_id": "terminal",
    "label": "isFraud",
    "as_of": "created_at",
    "labels.subject_id": "order",
}
REST = {"amount": 5.0, "kind": "pay", "device_id": "d", "counterparty_id": "a2"}
TRAINING: dict[str, Any] = {"recipe": {"data": {"columns": COLUMNS, "time_unit": "h", "time_start": "2017-12-01"}}}


def test_each_table_has_its_own_names() -> None:
    given = given_fields(TRAINING)
    assert given["events"].names == {
        "customer": ("account_id",),
        "total": ("amount",),
        "terminal": ("device_id", "card_id"),
        "isFraud": ("label",),
        "created_at": ("as_of",),  # an event has no time of this name
        "step": ("occurred_at",),
    }
    assert given["messages"].names["step"] == ("sent_at",)
    assert given["messages"].names["customer"] == ("account_id",)
    assert given["accounts"].names == {"customer": ("account_id",), "total": ("amount",), "isFraud": ("label",)}
    assert given["labels"].names["order"] == ("subject_id",)


def test_records_are_read_under_both_names() -> None:
    given = given_fields(TRAINING)["events"]
    ours = {"account_id": "a", "amount": 5, "device_id": "d", "card_id": "d", "note": "n"}
    theirs = {"customer": "a", "total": 5, "terminal": "d", "note": "n"}
    assert given.read(theirs) == ours == given.read(ours)
    assert given.read({"account_id": "a", "total": 5}) == {"account_id": "a", "amount": 5}
    with pytest.raises(RejectedRecordError, match="amount: expected the field once, got it under two names"):
        given.read(ours | {"total": 6})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (26, "2017-12-02T02:00:00+00:00"),
        (" 26.0", "2017-12-02T02:00:00+00:00"),
        ("2026-05-01", "2026-05-01"),
        (1_777_629_600, "2026-05-01T10:00:00+00:00"),  # an epoch stays one
        (8e8, 8e8),  # later than times are: the reader rejects it
        (None, None),
        (True, True),
    ],
)
def test_numbers_that_count_become_times(value: Any, expected: Any) -> None:
    given = given_fields(TRAINING)["events"]
    read = given.read({"step": value, "amount": 26})
    assert read == {"occurred_at": expected, "amount": 26}
    assert given.read(read) == read


def test_a_field_of_another_table_is_a_column_of_its_own_here_as_in_files() -> None:
    given = given_fields({"recipe": {"data": {"columns": {"channel": "chan", "account_id": "card"}}}})
    assert given["events"].names == {"chan": ("channel",), "card": ("account_id",)}
    swapped = {"recipe": {"data": {"columns": {"account_id": "payee", "counterparty_id": "account_id", "payee": "z"}}}}
    assert given_fields(swapped)["events"].names == {"z": ("payee",)}, "names of fields keep their meaning"


def test_without_other_names_a_record_is_the_same_object() -> None:
    given, record = given_fields({})["events"], {"account_id": "a", "occurred_at": 26}
    assert not given
    assert given == GivenFields({})
    assert given.read(record) is record


def test_a_scorer_reads_both_names_in_records_columns_and_histories() -> None:
    scorer = Scorer(replace(event_scorer().model, training=TRAINING))
    ours = {"account_id": "a1", "occurred_at": "2017-12-03T02:00:00Z", "amount": 5.0, "kind": "pay"}
    theirs = {"customer": "a1", "step": 50, "total": 5.0, "kind": "pay"}
    past = [{"account_id": "a1", "occurred_at": f"2017-12-02T{hour:02}:30:00Z", **REST} for hour in (1, 23)]
    of_owner = [{"customer": "a1", "step": step, **REST} for step in (25.5, 47.5)]
    expected = scorer.score(ours, history=past)
    assert expected["status"] == "ok"
    assert scorer.score(theirs, history=of_owner) == expected == scorer.score([ours, theirs], history=of_owner)[1]
    columns = {name: [value] for name, value in theirs.items()}
    assert scorer.score_columns(columns, history=past)["probability"].tolist() == [expected["probability"]]
    with pytest.raises(RecordError, match="record 1: amount: expected the field once"):
        scorer.score([theirs, theirs | {"amount": 1}])
    with pytest.raises(RecordError, match="columns: amount: expected the field once"):
        scorer.score_columns(columns | {"amount": [1]})


def test_a_live_state_reads_both_names_and_rejects_a_field_that_comes_twice(tmp_path: Path) -> None:
    scorer = Scorer(replace(event_scorer().model, training=TRAINING))
    ours = {"account_id": "a1", "occurred_at": "2017-12-02T01:30:00Z", "event_id": "1", **REST}
    theirs = {"customer": "a1", "step": 25.5, "event_id": "1", **REST}
    label = {"order": "1", "isFraud": "fraud", "labelled_at": 30}
    with LiveState(scorer, tmp_path / "live.db") as live:
        assert live.update([ours]).rejected == ()
        n_events = live.state.n_events
        added = live.update([theirs, theirs | {"account_id": "a1"}], [label | {"subject_id": "1"}, label])
        assert live.state.n_events == n_events + 1, "the event is a repeat, and one label counts"
        twice = "expected the field once, got it under two names"
        assert added.rejected == (RejectedRecord(1, f"account_id: {twice}"), RejectedRecord(0, f"subject_id: {twice}"))
