"""The exact files of a lead, read by people once, and judged by the field's own validators."""

import json
import socket
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from stix2validator import ValidationOptions, validate_instance

from fraudsieve.leads.case_content import CaseContent
from fraudsieve.leads.files import encode_lead, lead_schema, read_lead, to_stix, to_stix_revocation
from fraudsieve.leads.lead_content import make_lead
from fraudsieve.leads.words import describe_texts
from fraudsieve.models import Model

from .planted import CREATED, REASONS, TERMS, key_of, messages

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def lead(case: CaseContent, model: Model, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The lead of the planted case, with everything that it can say."""
    monkeypatch.setattr("fraudsieve.leads.lead_content.software", lambda: {"fraudsieve": "0.1.0"})
    texts = describe_texts(messages(), case.members, "excerpts", key_of())
    return make_lead(case, key_of(), TERMS, model=model, reasons=REASONS, texts=texts, created=CREATED)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing go to the network."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("expected no connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def stix_problems(bundle: dict[str, Any]) -> list[str]:
    """Return what the validator of OASIS finds, warnings too."""
    # Ids of version 5 are the same for the same lead; STIX recommends version 4 for all but observables.
    options = ValidationOptions(
        version="2.1", strict=True, strict_properties=True, enforce_refs=True, silent=True, disabled="uuid-check"
    )
    result = validate_instance(bundle, options)
    return [str(one) for one in [*result.errors, *result.warnings]]


@pytest.mark.parametrize("name", ["lead.json", "lead.stix.json"])
def test_the_files_are_as_they_were_read(lead: dict[str, Any], name: str) -> None:
    written = encode_lead(to_stix(lead) if "stix" in name else lead)
    assert written.decode() == (GOLDEN / name).read_text("utf-8")
    assert read_lead(GOLDEN / name) == lead


def test_the_schema_is_a_schema_and_refuses_what_is_not_a_lead(lead: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(lead_schema())
    validator = jsonschema.Draft202012Validator(lead_schema(), format_checker=jsonschema.FormatChecker())
    assert validator.is_valid(lead)
    for name in lead:
        assert not validator.is_valid({key: value for key, value in lead.items() if key != name}), name
    assert not validator.is_valid(lead | {"note": "more"})
    action = lead["actions"][0]
    for change in ({"account": "acc-marker-0"}, {"text": {"digest": "Dear Mr"}}, {"recipient_id": "victim"}):
        assert not validator.is_valid(lead | {"actions": [action | change]}), change
    assert not validator.is_valid(lead | {"key": lead["key"] | {"id": "secret"}})


@pytest.mark.usefixtures("offline")
def test_bundles_are_valid_stix(lead: dict[str, Any], case: CaseContent) -> None:
    assert stix_problems(to_stix(lead)) == []
    assert stix_problems(to_stix(make_lead(case, key_of(), TERMS))) == []
    for change in ({"object_refs": ["observed-data--1"]}, {"name": 5}, {"created": "yesterday"}):
        broken = to_stix(lead)
        broken["objects"][-1] |= change
        assert stix_problems(broken) != [], change


@pytest.mark.usefixtures("offline")
def test_a_withdrawal_is_a_later_revoked_version_of_the_grouping(lead: dict[str, Any]) -> None:
    notice = {
        "id": str(uuid.uuid4()),
        "lead": lead["id"],
        "lead_created": lead["created"],
        "created": "2026-06-01T00:00:00Z",
        "sender": lead["sender"],
        "reason": "the label of an action was reversed",
    }
    bundle = to_stix_revocation(notice)
    assert stix_problems(bundle) == []
    grouping, revoked = to_stix(lead)["objects"][-1], bundle["objects"][-1]
    assert (revoked["id"], revoked["created"], revoked["revoked"]) == (grouping["id"], grouping["created"], True)
    assert revoked["modified"] > grouping["modified"]
    assert revoked["object_refs"] == [grouping["created_by_ref"]]
    for created in (lead["created"], "2026-05-20T08:29:59Z"):  # in the same second, or after the clock was set back
        revoked = to_stix_revocation(notice | {"created": created})["objects"][-1]
        assert (revoked["modified"], grouping["modified"]) == ("2026-05-20T08:30:01.000Z", "2026-05-20T08:30:00.000Z")


def test_ids_depend_on_the_lead_alone(lead: dict[str, Any], case: CaseContent) -> None:
    assert to_stix(lead) == to_stix(json.loads(encode_lead(lead)))
    other = make_lead(case, key_of("Police"), replace(TERMS, recipient="Police"), created=CREATED)
    ids = [{one["id"] for one in to_stix(each)["objects"]} for each in (lead, other)]
    both = {name.split("--")[0] for name in ids[0] & ids[1]}
    assert both == {"identity", "extension-definition"}  # of the sender and of the extension
