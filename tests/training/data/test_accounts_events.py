"""Accounts and events as subjects: their cutoff times, labels and rejected rows."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import Trust
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.training.data.labelled import (
    WITHOUT_LABEL_TIMES,
    Labelling,
    known_labels_of,
    load_accounts,
    load_events,
)
from fraudsieve.training.labels import maturity_gap
from tests.messages import refused


def events(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "event_id": ["e1", "e2", "e3"],
            "account_id": ["ann", "ann", "bob"],
            "occurred_at": ["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z"],
            "kind": "pay",
            "amount": [1.0, 2.0, 3.0],
        }
    )
    return frame.assign(**columns)


def accounts(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"account_id": ["ann", "bob", "cid"], "city": ["rome", "oslo", None]}).assign(**columns)


def labels(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject_id", "label", "labelled_at"])


def test_cutoff_times_of_accounts_in_order_of_preference() -> None:
    table = accounts(as_of=["2026-01-09T00:00:00Z", None, None])
    known = labels(("ann", "spam", "2026-02-01"), ("bob", "spam", "2026-02-02"), ("cid", "spam", None))
    loaded = load_accounts(events(), accounts=table, labels=known)
    assert loaded.rows["as_of"].dt.strftime("%m-%d %H:%M:%S.%f").tolist() == [
        "01-09 00:00:00.000000",
        "02-02 00:00:00.000000",
        "01-03 00:00:00.000001",
    ]
    notes = " ".join(loaded.notes)
    assert "the cutoff time of 1 accounts is just before their label became known" in notes
    assert "the cutoff time of 1 accounts is the end of the events" in notes
    assert "give all accounts a column as_of" in notes
    assert loaded.subject == "account"
    assert loaded.events is not None
    assert set(loaded.digests) == {"accounts", "events", "labels"}


def test_only_events_of_the_kind_are_labelled_and_the_others_are_history() -> None:
    table = events(kind=["login", "pay", "pay"], label=["spam", "spam", None], occurred_at=["2026-01-01"] * 3)
    table = pd.concat([table, table.assign(event_id=["e4", "e5", "e6"], occurred_at="2026-03-01")])
    loaded = load_events(table, kind="pay", labelling=Labelling(legitimate_after=timedelta(days=9)))
    assert loaded.rows[["event_id", "label"]].to_numpy().tolist() == [["e2", "spam"], ["e3", "legitimate"]]
    assert loaded.events is not None
    assert loaded.events["event_id"].tolist() == ["e1", "e2", "e3", "e4", "e5", "e6"]
    assert len(loaded.waiting) == 1
    with refused(SchemaError, "refund"):
        load_events(table, kind="refund")


def test_accounts_may_be_those_that_have_labels() -> None:
    loaded = load_accounts(events(), labels=labels(("ann", "spam", None), ("ann", "legitimate", "2026-05-05")))
    assert loaded.rows[["account_id", "label"]].to_numpy().tolist() == [["ann", "legitimate"]]
    with refused(SchemaError):
        load_accounts(events())


def test_a_column_label_can_replace_the_table_of_labels() -> None:
    loaded = load_accounts(None, accounts=accounts(label=["spam", None, "legitimate"]))
    assert (len(loaded.rows), loaded.n_unlabelled) == (2, 1)
    known = load_events(events(label=["spam", None, "legitimate"], labelled_at="2026-03-01"))
    assert (len(known.rows), known.n_unlabelled) == (2, 1)
    assert known.events is not None
    assert len(known.events) == 3
    assert known.rows["as_of"].equals(known.rows["occurred_at"])


def test_labels_of_events_are_joined_by_event_id() -> None:
    loaded = load_events(events(), labels=labels(("e3", "spam", "2026-03-01"), ("none", "spam", None)))
    assert loaded.rows["account_id"].tolist() == ["bob"]
    assert "1 labels have no matching event" in loaded.notes
    with pytest.raises(SchemaError, match="'event_id' is missing"):
        load_events(events().drop(columns="event_id"), labels=labels(("e3", "spam", None)))
    with pytest.raises(SchemaError, match="no event has a label"):
        load_events(events(), labels=labels(("none", "spam", None)))


def test_rows_in_are_rows_out() -> None:
    table = accounts(label=["spam", "spam", "rare"])
    bad = events()
    bad.loc[1, "occurred_at"] = "not a time"
    bad.loc[2, "amount"] = np.inf
    given = InputTable(bad, ReadOptions(max_rejected=1))
    loaded = load_accounts(
        given, accounts=pd.concat([table, table[:1]], ignore_index=True), labelling=Labelling(min_label_rows=2)
    )
    assert (len(loaded.rows), len(loaded.rejected), loaded.n_unlabelled) == (2, 2, 0)
    assert loaded.rejected["column"].tolist() == ["account_id", "label"]
    assert loaded.events is not None
    assert (len(loaded.events), len(loaded.rejected_events)) == (1, 2)
    assert loaded.rejected_events["column"].tolist() == ["occurred_at", "amount"]


def test_labels_without_a_time_are_left_out() -> None:
    table = events(label=["spam", "legitimate", "spam"], labelled_at=["2026-03-01", "2026-03-02", None])
    known = known_labels_of(load_events(table), "legitimate")
    assert known is not None
    assert known[["event_id", "is_fraud"]].to_numpy().tolist() == [["e1", True], ["e2", False]]
    without = load_events(table.drop(columns="labelled_at"))
    assert known_labels_of(without, "legitimate") is None
    assert WITHOUT_LABEL_TIMES in without.notes
    assert WITHOUT_LABEL_TIMES not in load_events(table).notes
    of_accounts = load_accounts(events(), labels=labels(("ann", "spam", "2026-03-01"), ("bob", "spam", None)))
    account_labels = known_labels_of(of_accounts, "legitimate")
    assert account_labels is not None
    assert account_labels["account_id"].tolist() == ["ann"]


def test_the_network_knows_every_label_that_counted() -> None:
    table = accounts(label=[None, "spam", "legitimate"], labelled_at=pd.Timestamp("2026-03-09 05:00", tz="UTC"))
    known = labels(
        ("ann", "legitimate", "2026-03-01 05:00"), ("ann", "spam", "2026-03-04 05:00"),
        ("bob", "legitimate", "2026-03-02 05:00"), ("bob", "spam", None), ("zoe", "spam", "2026-03-03 05:00"),
    )  # fmt: skip
    found = known_labels_of(
        load_accounts(events(), accounts=table, labels=known, labelling=Labelling(min_label_rows=2)), "legitimate"
    )
    assert found is not None
    days = found["labelled_at"].dt.day
    assert sorted(zip(found["account_id"], days, found["is_fraud"], strict=True)) == [
        ("ann", 1, False), ("ann", 4, True), ("bob", 2, False), ("cid", 9, False), ("zoe", 3, True),
    ]  # fmt: skip


def test_the_network_knows_no_label_without_weight() -> None:
    table = accounts(label="spam", labelled_at=pd.Timestamp("2026-03-09 05:00", tz="UTC"), source=["a", "b", "b"])
    known = labels(("bob", "spam", "2026-03-01 05:00"), ("cid", "spam", "2026-03-02 05:00")).assign(source=["a", "b"])
    loaded = load_accounts(
        events(), accounts=table, labels=known, labelling=Labelling(trust=Trust({"a": 1.0, "b": 0.0}))
    )
    found = known_labels_of(loaded, "legitimate")
    assert found is not None
    assert sorted(zip(found["account_id"], found["labelled_at"].dt.day, strict=True)) == [("ann", 9), ("bob", 1)]


def test_dates_of_labels_end_for_the_network_when_they_end_for_rows() -> None:
    table = accounts(label="spam", labelled_at="2026-03-09")
    for time, first in (("2026-03-01", "2026-03-02"), ("2026-03-01 05:00", "2026-03-01 05:00")):
        loaded = load_accounts(events(), accounts=table, labels=labels(("zoe", "spam", time)))
        known = known_labels_of(loaded, "legitimate")
        assert known is not None
        assert known["labelled_at"].iloc[0] == pd.Timestamp(first, tz="UTC")
        assert known["labelled_at"].iloc[1:].tolist() == loaded.rows["labelled_at"].tolist()


def test_rare_labels_of_events_are_known_to_features() -> None:
    table = events(label=["loan", "spam", "spam"], labelled_at="2026-03-01 05:00")
    loaded = load_events(table, labelling=Labelling(min_label_rows=2))
    assert loaded.rows["event_id"].tolist() == ["e2", "e3"]
    known = known_labels_of(loaded, "legitimate")
    assert known is not None
    assert known[["event_id", "is_fraud"]].to_numpy().tolist() == [["e1", True], ["e2", True], ["e3", True]]


def test_a_repeated_label_does_not_make_labels_take_longer() -> None:
    known = labels(
        ("e1", "spam", "2026-01-04 05:00"), ("e1", "spam", "2026-01-21 05:00"), ("e2", "spam", "2026-01-06 05:00"),
        ("e3", "spam", "2026-01-03 05:00"), ("e3", "legitimate", "2026-01-05 05:00"),
    )  # fmt: skip
    loaded = load_events(events(), labels=known)
    assert loaded.rows["labelled_at"].dt.day.tolist() == [4, 6, 5]
    assert maturity_gap(loaded.subjects) == 3 + 5 / 24
