"""What a lead holds: the minimum, unless more is asked for."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.cases import find_cases, write_cases
from fraudsieve.exceptions import LeadError
from fraudsieve.leads.case_content import CaseContent, read_case, read_reasons
from fraudsieve.leads.files import lead_schema
from fraudsieve.leads.keys import LeadKey
from fraudsieve.leads.lead_content import Disclosure, LeadTerms, amount_class, make_lead, strength_of_actions
from fraudsieve.models import Model
from tests.messages import refused

from .planted import CREATED, REASONS, TERMS, key_of, scores_of, with_support


def lead_of(case: CaseContent, **options: Any) -> dict[str, Any]:
    lead = make_lead(case, key_of(), TERMS, created=CREATED, **options)
    validator = jsonschema.Draft202012Validator(lead_schema(), format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(lead)] == []
    return lead


def test_accounts_that_are_not_flagged_are_left_out(case: CaseContent) -> None:
    assert len(case.members) == 8
    key, text = key_of(), json.dumps(lead_of(case, reasons=REASONS))
    named = {f"acc-marker-{n}": key.pseudonym("account", f"acc-marker-{n}") in text for n in range(3)}
    assert named == dict.fromkeys(named, True)
    others = ["collector-marker", *(f"victim-marker-{n}" for n in range(5))]
    assert [name for name in others if key.pseudonym("account", name) in text] == []
    collected = [link for link in lead_of(case)["links"] if link["kind"] == "same_recipient"]
    assert [(len(link["actions"]), "value" in link) for link in collected] == [(2, False)]


def test_an_account_that_links_is_named_if_it_is_asked_for(case: CaseContent) -> None:
    key, text = key_of(), json.dumps(lead_of(case, disclosure=Disclosure(shared_accounts=True)))
    assert key.pseudonym("account", "collector-marker") in text
    assert key.pseudonym("account", "victim-marker-0") not in text


def test_amounts_are_classes_and_times_are_days_unless_exact_ones_are_asked_for(case: CaseContent) -> None:
    lead = lead_of(case)
    amounts = sorted(action["amount"] for action in lead["actions"] if "amount" in action)
    assert amounts == ["1,000 to 10,000", "10 to 100", "100 to 1,000"]
    assert {action["time"] for action in lead["actions"]} == {"2026-05-01", "2026-05-02"}
    exact = lead_of(case, disclosure=Disclosure(amounts=True, times=True))
    assert sorted(action["amount"] for action in exact["actions"] if "amount" in action) == [15.0, 950.25, 1200.0]
    assert "2026-05-01T10:11:12Z" in {action["time"] for action in exact["actions"]}
    assert "10:11" not in json.dumps(lead)


@given(st.floats(0.0, 1e15))
def test_an_amount_is_in_its_class(amount: float) -> None:
    name = amount_class(amount)
    if name == "below 1":
        assert amount < 1
    else:
        low, high = (int(bound.replace(",", "")) for bound in name.split(" to "))
        assert low <= amount < high == 10 * low


def test_types_and_reasons_have_techniques_of_f3(case: CaseContent) -> None:
    lead = lead_of(case, reasons=REASONS)
    assert [(one["name"], one["actions"]) for one in lead["types"]] == [("telecom_scam", 5), ("money_mule", 3)]
    assert [one["id"] for one in lead["types"][0]["techniques"]] == ["F1032", "F1040", "F1047"]
    assert lead["reasons"][0] == {"name": "cues__telephones", "actions": 5, "techniques": ["F1032", "F1040", "F1047"]}
    assert lead["reasons"][-1] == {"name": "history__count__1h", "actions": 1, "techniques": ["F1047"]}


def test_an_action_that_is_likelier_legitimate_than_of_any_type_has_no_type(case: CaseContent, model: Model) -> None:
    members = case.members.assign(type=case.members["type"].replace("money_mule", "legitimate"))
    for lead in (lead_of(replace(case, members=members)), lead_of(replace(case, members=members), model=model)):
        assert [one["name"] for one in lead["types"]] == ["telecom_scam"]
        assert sum("type" in action for action in lead["actions"]) == 5
    renamed = case.members.assign(type=case.members["type"].replace("money_mule", "ham"))
    lead = lead_of(replace(case, members=renamed), model=replace(model, legitimate="ham"))
    assert [one["name"] for one in lead["types"]] == ["telecom_scam"]


def test_strength_is_bounded_and_rates_have_intervals(case: CaseContent, model: Model) -> None:
    lead = lead_of(case, model=model)
    # log10 of 97/3 over 1/9 is 2.46; of 9999 over 1/9 it is 4.95, beyond the bound of 3.12.
    assert sorted({action["log10_lr"] for action in lead["actions"]}) == [2.4, 3.1]
    strength = lead["strength"]
    assert strength["lowest"] == {"log10_lr": 2.4, "words": "moderately strong support for fraud"}
    assert strength["highest"] == {"log10_lr": 3.1, "words": "strong support for fraud"}
    assert strength["log10_bounds"] == [-1.87, 3.12]
    rate = lead["error_rates"]["false_positive_rate"]
    assert rate["low"] < rate["rate"] == 0.008 < rate["high"]
    assert rate["groups"] == 900
    text = json.dumps(lead).lower()
    assert "probability of guilt" not in text
    assert lead["model"]["digest"] == "ab" * 32


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_no_ratio_is_beyond_its_bounds(binary: Any, probabilities: list[float]) -> None:
    model = with_support(binary.model)
    ratios = strength_of_actions(pd.DataFrame({"probability": probabilities}), model)
    assert ratios is not None
    assert all(-1.87 <= ratio <= 3.12 for ratio in ratios)
    assert "-0.0" not in map(str, ratios)


def test_what_is_not_known_is_not_said(case: CaseContent, model: Model) -> None:
    lead = lead_of(case)
    assert (lead["strength"], lead["error_rates"], lead["model"]) == (None, None, None)
    assert all(action["reasons"] == [] and "log10_lr" not in action for action in lead["actions"])
    without = lead_of(case, model=replace(model, ratio_support=None))
    assert (without["strength"], without["error_rates"]) == (None, None)
    high = replace(model.points[0], threshold=0.98)  # flags the payments, and not the messages
    assert lead_of(case, model=replace(model, points=(high,)))["error_rates"] is None
    members = case.members.assign(probability=[np.nan, *case.members["probability"][1:]])
    assert lead_of(replace(case, members=members), model=model)["strength"] is None


def test_a_case_of_bare_actions_is_a_lead() -> None:
    members = pd.DataFrame({"case_id": "c", "action_id": ["a"]})
    links = pd.DataFrame([], columns=["case_id", "source_id", "target_id", "kind", "evidence"])
    lead = lead_of(CaseContent("c", members, links))
    assert lead["actions"] == [{"id": key_of().pseudonym("action", "a"), "reasons": []}]
    assert lead["case"]["days"] == []


@pytest.mark.parametrize("kind", ["text", "wording", "sign_up"])
def test_only_actions_that_are_alike_are_listed_together(kind: str) -> None:
    members = pd.DataFrame({"action_id": list("abcdef"), "account_id": "ann"})
    alike = pd.DataFrame([*"ab", *"cd", *"de"]).to_numpy().reshape(-1, 2)
    columns = {"source_id": alike[:, 0], "target_id": alike[:, 1], "kind": kind}
    links = pd.DataFrame(columns | {"evidence": "sign_up" if kind == "sign_up" else None})
    links = pd.concat([links, links.assign(source_id="a", target_id=list("bcd"), kind="same_sender", evidence="ann")])
    found = lead_of(CaseContent("c", members, links))["links"]
    actions = {key_of().pseudonym("action", one): one for one in "abcdef"}
    groups = sorted("".join(sorted(actions[one] for one in link["actions"])) for link in found if link["kind"] == kind)
    assert groups == ["ab", "cde"]
    assert [len(link["actions"]) for link in found if link["kind"] == "same_sender"] == [4]


def test_amounts_may_be_decimals(tmp_path: Path) -> None:
    amounts = [Decimal("10.50"), Decimal("3"), None]
    actions = pd.DataFrame({"action_id": list("abc"), "account_id": "ann", "amount": amounts})
    found = find_cases(actions, key=b"a key")
    case = read_case(write_cases(found, tmp_path / "cases"), found.cases["case_id"][0])
    exact = lead_of(case, disclosure=Disclosure(amounts=True))["actions"]
    assert sorted(action["amount"] for action in exact if "amount" in action) == [3.0, 10.5]


def test_leads_are_the_same_for_the_same_content(case: CaseContent) -> None:
    shuffled = replace(case, members=case.members.sample(frac=1, random_state=1), links=case.links[::-1])
    assert lead_of(case) == lead_of(shuffled)
    assert lead_of(case)["id"] != lead_of(case, disclosure=Disclosure(amounts=True))["id"]


def test_reasons_are_read_from_scores(case: CaseContent) -> None:
    messages = case.members[case.members["kind"] == "message"]
    found = read_reasons(scores_of({"decision": "flag"}), messages)
    assert found["M-MARKER-0"].named == (("cues", "telephones"),)
    assert found["M-MARKER-0"].techniques[0] == ("F1032", "Impersonate Official")
    assert read_reasons(scores_of({}), case.members) == found
    with pytest.raises(LeadError, match="none of the 3 actions has reasons"):
        read_reasons(scores_of({}), case.members[case.members["kind"] != "message"])
    with pytest.raises(LeadError, match="expected a column 'reasons'"):
        read_reasons(scores_of({}).drop(columns="reasons"), messages)
    with pytest.raises(LeadError, match="expected reasons as JSON") as raised:
        read_reasons(scores_of({}).assign(reasons='["marker"'), messages)
    assert "marker" not in str(raised.value)


def test_a_key_of_another_recipient_is_refused(case: CaseContent) -> None:
    for key in (key_of("Police"), LeadKey(b"k" * 32)):
        with refused(LeadError):
            make_lead(case, key, TERMS)


def test_wrong_calls_are_named(case: CaseContent, tmp_path: Path) -> None:
    with pytest.raises(LeadError, match="no case has this id"):
        read_case(tmp_path / "cases", "case-other")
    with pytest.raises(LeadError, match="cannot be read"):
        read_case(tmp_path, case.case_id)
    pd.DataFrame({"case_id": ["c"]}).to_parquet(tmp_path / "cases" / "links.parquet")
    with pytest.raises(LeadError, match="columns are missing: source_id"):
        read_case(tmp_path / "cases", case.case_id)
    for field in ("recipient", "legal_basis", "sender", "purpose"):
        with pytest.raises(LeadError, match=field):
            LeadTerms(**({"recipient": "r", "legal_basis": "l", "sender": "s", "purpose": "p"} | {field: " "}))
