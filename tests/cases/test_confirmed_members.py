"""Confirmed members: as of a moment, in the score of a case, and never in its partition."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.cases import find_cases, find_cases_in_tables
from fraudsieve.cases.actions import read_case_labels
from fraudsieve.exceptions import SchemaError

from .planted import START, planted_rings

KEY = b"a key"


def flagged() -> pd.DataFrame:
    return planted_rings([6, 6], bridges=1).assign(probability=0.5, amount=10.0)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 11), st.booleans(), st.integers(0, 5)), max_size=12))
def test_labels_change_no_partition_and_no_link(rows: list[tuple[int, bool, int]]) -> None:
    frame = flagged()
    ids = frame["action_id"].to_numpy(object)[[row[0] for row in rows]]
    labels = pd.DataFrame({"action_id": ids, "is_fraud": [row[1] for row in rows]})
    labels["labelled_at"] = pd.to_datetime([START + pd.Timedelta(days=row[2]) for row in rows], utc=True)
    moment = START + pd.Timedelta(days=3)
    without = find_cases(frame, key=KEY, as_of=moment)
    found = find_cases(frame, key=KEY, as_of=moment, labels=labels)
    pd.testing.assert_frame_equal(found.links, without.links)
    assert found.ledger.members.equals(without.ledger.members)
    pd.testing.assert_frame_equal(found.members.drop(columns=["confirmed", "labelled_at"]), without.members)
    known = sorted((day, is_fraud, k) for k, (_, is_fraud, day) in enumerate(rows) if day < 3)
    last = {ids[k]: is_fraud for _, is_fraud, k in known}  # of labels at one time, fraud counts
    words = {True: "fraud", False: "legitimate"}
    members = found.members["action_id"].tolist()
    assert found.members["confirmed"].fillna("").tolist() == [
        words[last[name]] if name in last else "" for name in members
    ]
    score = pd.Series([float(last.get(name, 0.5)) for name in members]).groupby(found.members["case_id"]).sum()
    assert found.cases["expected_frauds"].tolist() == pytest.approx(score[found.cases["case_id"]].tolist())


def test_a_label_after_the_moment_changes_nothing() -> None:
    frame, moment = flagged(), START + pd.Timedelta(days=3)
    later = pd.DataFrame({"action_id": frame["action_id"], "is_fraud": True, "labelled_at": moment})
    none = later.head(0)
    pd.testing.assert_frame_equal(
        find_cases(frame, key=KEY, as_of=moment, labels=later).cases,
        find_cases(frame, key=KEY, as_of=moment, labels=none).cases,
    )
    undated = later.drop(columns="labelled_at")
    assert find_cases(frame, key=KEY, as_of=moment, labels=undated).cases["confirmed_frauds"].sum() == 0
    assert find_cases(frame, key=KEY, labels=undated).cases["confirmed_frauds"].sum() == 12


def test_the_time_of_a_label_may_be_a_number() -> None:
    seconds = int((START + pd.Timedelta(days=9)).timestamp())
    labels = pd.DataFrame({"action_id": ["a-0-0"], "is_fraud": [True], "labelled_at": [seconds]})
    for days, known in ((8, 0), (10, 1)):
        moment = START + pd.Timedelta(days=days)
        found = find_cases(flagged(), key=KEY, labels=labels, as_of=moment)
        assert found.members["confirmed"].notna().sum() == known


def test_the_last_label_known_counts() -> None:
    times = [START + pd.Timedelta(days=day) for day in (9, 1, 4)]
    labels = pd.DataFrame({"action_id": "a-0-0", "is_fraud": [True, True, False], "labelled_at": times})
    for moment, word in ((3, "fraud"), (5, "legitimate"), (10, "fraud")):
        found = find_cases(flagged(), key=KEY, as_of=START + pd.Timedelta(days=moment), labels=labels)
        assert found.members.set_index("action_id")["confirmed"].dropna().to_dict() == {"a-0-0": word}


@pytest.mark.parametrize("verdicts", [[True, False], [False, True]])
def test_fraud_counts_among_labels_of_one_time(verdicts: list[bool]) -> None:
    labels = pd.DataFrame({"action_id": "a-0-0", "is_fraud": verdicts, "labelled_at": START})
    found = find_cases(flagged(), key=KEY, as_of=START + pd.Timedelta(days=3), labels=labels)
    assert found.members["confirmed"].dropna().tolist() == ["fraud"]


def test_confirmed_members_count_as_1_and_0_also_in_money_and_rank() -> None:
    frame = planted_rings([3, 3]).assign(probability=[0.9] * 3 + [0.8] * 3, amount=10.0)
    before = find_cases(frame, key=KEY)
    labels = pd.DataFrame({"action_id": frame["action_id"], "is_fraud": frame["ring"] == 1})
    after = find_cases(frame, key=KEY, labels=labels)
    assert before.cases["amount_at_stake"].tolist() == pytest.approx([27, 24])
    columns = ["expected_frauds", "amount_at_stake", "confirmed_frauds", "confirmed_legitimate"]
    assert after.cases[columns].to_numpy().tolist() == [[3, 30, 3, 0], [0, 0, 0, 3]]
    assert after.cases["case_id"].tolist() == before.cases["case_id"].tolist()[::-1]


def test_words_and_dates_of_a_table_of_labels() -> None:
    table = pd.DataFrame({"subject_id": ["a", "b", "c"], "label": ["1", "0", "-1"], "labelled_at": "2026-01-02"})
    labels = read_case_labels(table)
    assert labels["action_id"].tolist() == ["a", "b"]
    assert labels["is_fraud"].tolist() == [True, False]
    assert labels["labelled_at"].dt.day.tolist() == [3, 3]  # known from the end of the day
    named = read_case_labels(pd.DataFrame({"subject_id": ["a", "b"], "label": ["paid", "scam"]}), "paid")
    assert named["is_fraud"].tolist() == [False, True]


def test_labels_without_their_columns_are_refused() -> None:
    with pytest.raises(SchemaError, match="is_fraud is missing"):
        find_cases(flagged(), key=KEY, labels=pd.DataFrame({"action_id": ["a"]}))


def both() -> tuple[list[Any], dict[str, Any]]:
    """Return scores and tables of messages and of events, which share ids, accounts and a telephone number."""
    times = [START + pd.Timedelta(hours=k) for k in range(3)]
    messages = pd.DataFrame({"message_id": ["1", "2", "3"], "text": ["call 138 0013 8000", "hello you", "hello me"]})
    messages = messages.assign(account_id=["ann", "bob", "cid"], sent_at=times)
    events = pd.DataFrame({"event_id": ["1", "2", "3"], "account_id": ["ann", "dee", "eve"], "kind": "transfer"})
    events = events.assign(occurred_at=times, device_id=["d1", "d1", "d9"])
    scores = [
        frame[[name]].assign(probability=[0.9, 0.8, 0.1], decision=["flag", "flag", "pass"])
        for frame, name in ((messages, "message_id"), (events, "event_id"))
    ]
    return scores, {"messages": messages, "events": events}


@pytest.mark.slow
def test_messages_and_events_form_cases_together() -> None:
    scores, tables = both()
    found = find_cases_in_tables(list(scores), key=KEY, **tables)
    case = found.members.set_index("action_id")["case_id"]
    assert set(case.index) == {"message:1", "message:2", "event:1", "event:2"}
    assert case["message:1"] == case["event:1"] == case["event:2"] != case["message:2"]
    assert found.members["record"].tolist() == [name.partition(":")[2] for name in found.members["action_id"]]
    with pytest.raises(SchemaError, match="one file of scores for events, got several"):
        find_cases_in_tables([scores[1], scores[1]], key=KEY, **tables)


@pytest.mark.slow
def test_events_without_scores_lend_the_identifiers_that_were_known() -> None:
    scores, tables = both()
    messages, events = tables["messages"], tables["events"]
    events = events.assign(account_id=["ann", "bob", "eve"], occurred_at=START - pd.Timedelta(days=1))
    found = find_cases_in_tables(scores[0], key=KEY, messages=messages, events=events)
    assert len(set(found.members["case_id"])) == 1
    assert found.links["kind"].tolist() == ["identifier"]
    assert found.links["known_at"].max() == messages["sent_at"][1]
    later = events.assign(occurred_at=START + pd.Timedelta(days=1))
    found = find_cases_in_tables(scores[0], key=KEY, messages=messages, events=later)
    assert found.members["case_id"].nunique() == 2
    others = pd.DataFrame({"event_id": [f"o{k}" for k in range(30)], "account_id": [f"o{k}" for k in range(30)]})
    others = others.assign(kind="login", device_id="d1", occurred_at=events["occurred_at"][0])
    crowded = pd.concat([events, others], ignore_index=True)
    found = find_cases_in_tables(scores[0], key=KEY, messages=messages, events=crowded)
    assert found.members["case_id"].nunique() == 2
    assert found.hubs["unflagged"].tolist() == [30]
    moment = START + pd.Timedelta(hours=2)
    crowd_later = pd.concat([events, others.assign(occurred_at=moment)], ignore_index=True)
    found = find_cases_in_tables(scores[0], key=KEY, messages=messages, events=crowd_later, as_of=moment)
    assert len(set(found.members["case_id"])) == 1


def test_the_reasons_of_a_service_are_read_too() -> None:
    scores, tables = both()
    reasons = [{"family": "wording", "cue": None}, {"family": "cues", "cue": "links", "sentence": "It has 2 links."}]
    served = scores[0].assign(reasons=pd.Series([reasons, [], None], dtype=object))
    members = find_cases_in_tables(served, key=KEY, messages=tables["messages"]).members
    assert members["reason"].fillna("").tolist() == ["cues__links", ""]
    assert members["reason_sentence"].fillna("").tolist() == ["It has 2 links.", ""]
    texts: list[Any] = ['{"reasons": [{"family": "cues", "cue": "links", "sentence": "x"}]}', None, None]
    as_text = scores[0].assign(reasons=texts)
    members = find_cases_in_tables(as_text, key=KEY, messages=tables["messages"]).members
    assert members["reason"].fillna("").tolist() == ["cues__links", ""]
    assert np.isclose(members["probability"], [0.9, 0.8]).all()


def test_two_types_of_fraud_are_both_confirmed() -> None:
    labels = pd.DataFrame({"subject_id": ["a", "b"], "label": ["phishing", "mule"]})
    assert read_case_labels(labels)["is_fraud"].tolist() == [True, True]
