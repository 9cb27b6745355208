"""Cases of messages and of events whose ids are the same: nothing of one is said about the other."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve.cases import CaseSettings, find_cases_in_tables, write_cases
from fraudsieve.exceptions import LeadError, SchemaError
from fraudsieve.leads.case_content import CaseContent, read_case, read_reasons
from fraudsieve.leads.lead_content import error_rates, make_lead, strength_of_actions
from fraudsieve.leads.log import LeadLog
from fraudsieve.leads.withdrawal import resolve_lead, withdraw_reversed
from fraudsieve.leads.words import describe_texts
from fraudsieve.models import Model
from tests.messages import refused

from .planted import SECRET, TERMS, key_of

DAY = pd.Timestamp("2026-05-01", tz="UTC")
REASON = {"family": "cues", "cue": "hosts", "direction": 1}


def tables() -> dict[str, Any]:
    """Return two messages and two events with the ids 1 and 2; message 1 is innocent."""
    times = [DAY, DAY + pd.Timedelta("1h")]
    messages = pd.DataFrame({"message_id": ["1", "2"], "account_id": ["anna", "mule"], "sent_at": times})
    events = pd.DataFrame({"event_id": [1, 2], "account_id": ["mule", "shop"], "occurred_at": times, "kind": "payment"})
    return {"messages": messages.assign(text=["see you at the clinic", "pay the fee now"]), "events": events}


def scores(name: str, *, first_is_flagged: bool) -> pd.DataFrame:
    content = json.dumps({"reasons": [REASON], "explained": {"techniques": []}})
    decisions = ["flag" if first_is_flagged else "pass", "pass" if name == "event_id" else "flag"]
    frame = pd.DataFrame({name: ["1", "2"], "probability": [0.97, 0.97], "decision": decisions})
    return frame.assign(reasons=content)


def find(first_is_flagged: bool = False, **options: Any) -> Any:
    given: list[Any] = [
        scores("message_id", first_is_flagged=first_is_flagged),
        scores("event_id", first_is_flagged=True),
    ]
    settings = CaseSettings(same_sender=1.0, across_kinds=1.0)
    return find_cases_in_tables(given, key=b"a key", settings=settings, **tables(), **options)


@pytest.fixture
def case(tmp_path: Path) -> CaseContent:
    found = find()
    write_cases(found, tmp_path / "cases")
    return read_case(tmp_path / "cases", str(found.cases["case_id"].iloc[0]))


def test_reasons_and_texts_are_those_of_the_subject(case: CaseContent) -> None:
    assert set(case.members["action_id"]) == {"message:2", "event:1"}
    of_messages = read_reasons(scores("message_id", first_is_flagged=False), case.members)
    assert set(of_messages) == {"message:2"}
    texts = describe_texts(tables()["messages"], case.members, "digests", key_of())
    assert texts == {"message:2": {"digest": key_of().pseudonym("text", "pay the fee now")}}
    lead = make_lead(case, key_of(), TERMS, reasons=of_messages, texts=texts)
    action = next(one for one in lead["actions"] if one["id"] == key_of().pseudonym("action", "event:1"))
    assert action["reasons"] == []
    assert "text" not in action


def test_a_model_says_nothing_about_records_of_another_subject(case: CaseContent, model: Model) -> None:
    assert model.subject == "message"
    own = case.members[case.members["subject"] == "message"]
    assert strength_of_actions(own, model) is not None
    assert strength_of_actions(case.members, model) is None
    assert error_rates(case.members.assign(probability=1.0), model) is None


@pytest.mark.parametrize("first_is_flagged", [False, True])
def test_a_label_names_the_subject_if_two_have_its_id(first_is_flagged: bool) -> None:
    label = pd.DataFrame({"subject_id": ["1"], "label": ["legitimate"]})
    with pytest.raises(SchemaError, match="1 labels fit records of several subjects"):
        find(first_is_flagged, labels=label)
    members = find(first_is_flagged, labels=label.assign(subject_id="event:1")).members
    assert members.loc[members["confirmed"].notna(), "action_id"].tolist() == ["event:1"]


def test_a_label_that_may_be_of_another_subject_withdraws_nothing_in_silence(case: CaseContent, tmp_path: Path) -> None:
    log, label = tmp_path / "leads.jsonl", pd.DataFrame({"subject_id": ["1"], "label": ["legitimate"]})
    with LeadLog(log) as opened:
        opened.record_lead(make_lead(case, key_of(), TERMS), case.case_id, "json")
    with refused(LeadError):
        withdraw_reversed(log, label, [SECRET], tmp_path / "notices")
    of_message = label.assign(subject_id="message:1")  # it is in no lead
    assert withdraw_reversed(log, of_message, [SECRET], tmp_path / "notices") == ()
    assert len(withdraw_reversed(log, label.assign(subject_id="event:1"), [SECRET], tmp_path / "notices")) == 1


def test_actions_resolve_with_their_subject(case: CaseContent) -> None:
    lead = make_lead(case, key_of(), TERMS)
    found = resolve_lead(lead, [SECRET], **tables())
    assert set(found.loc[found["type"] == "action", "value"]) == {"message:2", "event:1"}
