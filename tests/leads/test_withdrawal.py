"""A reversed label withdraws every lead that it contradicts: one notice for each, whenever the process was killed."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._io import write_file
from fraudsieve.evidence import verify_log
from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.evidence.log import EvidenceLog
from fraudsieve.exceptions import LeadError
from fraudsieve.leads.case_content import CaseContent
from fraudsieve.leads.files import lead_digest, withdrawal_schema
from fraudsieve.leads.keys import Secret, derive_key
from fraudsieve.leads.lead_content import LeadTerms, make_lead
from fraudsieve.leads.log import LeadLog, read_register
from fraudsieve.leads.withdrawal import is_reversed, withdraw_lead, withdraw_reversed
from tests.messages import refused
from tests.profiles import examples

from .planted import CREATED, SECRET, TERMS, key_of

pytestmark = pytest.mark.slow

RECIPIENTS = ("Financial Intelligence Unit", "Police", "Bank of the victim")
REVERSAL = pd.DataFrame({"subject_id": ["M-MARKER-3"], "label": ["legitimate"]})


def give(case: CaseContent, log: Path, recipients: tuple[str, ...] = RECIPIENTS, **options: Any) -> list[str]:
    """Record a lead of a case for each recipient, and return their ids."""
    leads = []
    with LeadLog(log, user="ann") as opened:
        for recipient in recipients:
            terms = LeadTerms(recipient, TERMS.legal_basis, TERMS.sender)
            lead = make_lead(case, derive_key(SECRET, recipient, **options), terms)
            opened.record_lead(lead, case.case_id, "stix" if recipient == "Police" else "json")
            leads.append(lead["id"])
    return leads


def notices_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_lead_is_logged_with_who_when_what_and_why(case: CaseContent, tmp_path: Path) -> None:
    log = tmp_path / "leads.jsonl"
    lead = make_lead(case, key_of(), TERMS)
    with LeadLog(log, user="ann") as opened:
        opened.record_lead(lead, case.case_id, "json")
    (entry,) = read_register(log).leads
    assert (entry.user, entry.recipient, entry.case) == ("ann", TERMS.recipient, case.case_id)
    assert (entry.legal_basis, entry.purpose) == (TERMS.legal_basis, TERMS.purpose)
    assert (entry.lead, entry.digest) == (lead["id"], lead_digest(lead))
    assert len(entry.members) == 8 + 3
    assert "MARKER" not in log.read_text().upper().replace("MARKERMANN", "")
    assert verify_log(log).problems == ()


def test_each_recipient_gets_one_notice_and_no_second(case: CaseContent, tmp_path: Path) -> None:
    log, folder = tmp_path / "leads.jsonl", tmp_path / "notices"
    leads = give(case, log)
    paths = withdraw_reversed(log, REVERSAL, [SECRET], folder)
    assert sorted(path.name for path in paths) == sorted(f"withdrawal-{lead}.json" for lead in leads)
    told = [json.loads(path.read_text()) for path in paths]
    assert [one["type"] for one in told if "type" in one] == ["bundle"]
    notice = next(one for one in told if one.get("recipient") == RECIPIENTS[0])
    assert notice["reversed"] == [key_of().pseudonym("action", "M-MARKER-3")]
    validator = jsonschema.Draft202012Validator(withdrawal_schema(), format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(notice)] == []
    assert not validator.is_valid(notice | {"reversed": ["M-MARKER-3"]})
    assert notice["lead_digest"] == read_register(log).find(notice["lead"]).digest
    before = [path.read_bytes() for path in paths]
    assert withdraw_reversed(log, REVERSAL, [SECRET], folder) == ()
    assert withdraw_lead(log, leads[0], "again", folder) == ()
    assert [path.read_bytes() for path in paths] == before
    counted = Counter(one.lead for one in read_register(log).withdrawals.values())
    assert counted == Counter(leads)


def test_labels_that_confirm_withdraw_nothing(case: CaseContent, tmp_path: Path) -> None:
    log = tmp_path / "leads.jsonl"
    give(case, log)
    confirming = pd.DataFrame(
        {
            # The account that paid and the victim are legitimate, and a record that is in no lead.
            "subject_id": ["M-MARKER-1", "acc-marker-0", "victim-marker-1", "M-9"],
            "label": ["telecom_scam", "legitimate", "legitimate", "legitimate"],
        }
    )
    assert withdraw_reversed(log, confirming, [SECRET], tmp_path / "notices") == ()


def test_a_later_lead_of_the_same_case_is_withdrawn_by_a_later_run(case: CaseContent, tmp_path: Path) -> None:
    log, folder = tmp_path / "leads.jsonl", tmp_path / "notices"
    give(case, log, RECIPIENTS[:1])
    assert len(withdraw_reversed(log, REVERSAL, [SECRET], folder)) == 1
    give(case, log, RECIPIENTS[1:2], salt="5a" * 16)
    assert len(withdraw_reversed(log, REVERSAL, [SECRET], folder)) == 1
    assert len(notices_in(folder)) == 2


DAYS = {"before": "2026-01-01T00:00:00Z", "then": "2026-01-02T00:00:00Z", "after": "2026-12-31T00:00:00Z"}


@pytest.mark.parametrize(
    ("kind", "labels", "expected"),
    [
        ("action", [("before", "scam"), ("after", "legitimate")], True),
        ("action", [("after", "legitimate")], True),
        ("action", [("before", "scam"), ("after", "loan")], True),
        ("action", [("before", "scam")], False),
        ("action", [("before", "loan"), ("then", "scam")], False),  # changed before the lead
        ("action", [("after", "scam")], False),
        ("action", [("after", "scam"), ("after", "legitimate")], True),
        ("account", [("before", "mule"), ("after", "legitimate")], True),
        ("account", [("after", "mule"), ("after", "legitimate")], True),
        ("account", [("before", "legitimate")], False),
        ("account", [("before", "legitimate"), ("after", "mule")], False),
    ],
)
def test_what_counts_as_a_reversal(kind: str, labels: list[tuple[str, str]], *, expected: bool) -> None:
    created = pd.Timestamp("2026-06-01", tz="UTC")
    times = [pd.Timestamp(DAYS[when]) for when, _ in labels]
    names = [label for _, label in labels]
    assert is_reversed(kind, names, times, created=created, legitimate="legitimate") is expected


def test_an_account_whose_label_changed_withdraws_its_leads(case: CaseContent, tmp_path: Path) -> None:
    log = tmp_path / "leads.jsonl"
    give(case, log, RECIPIENTS[:1])
    columns = {"subject_id": ["acc-marker-2"] * 2, "label": ["mule", "ham"]}
    labels = pd.DataFrame(columns | {"labelled_at": ["2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]})
    (path,) = withdraw_reversed(log, labels, [SECRET], tmp_path / "notices")
    assert json.loads(path.read_text())["reversed"] == [key_of().pseudonym("account", "acc-marker-2")]


@pytest.mark.parametrize("times", [["2026-05-10", "2026-05-20"], ["2026-05-10T12:00:00Z", "2026-05-20T15:00:00Z"]])
def test_a_label_of_the_day_of_the_lead_withdraws_it(case: CaseContent, tmp_path: Path, times: list[str]) -> None:
    for name in ("leads", "other"):
        with LeadLog(tmp_path / f"{name}.jsonl") as opened:
            opened.record_lead(make_lead(case, key_of(), TERMS, created=CREATED), case.case_id, "json")
    columns = {"subject_id": ["acc-marker-2"] * 2, "label": ["mule", "legitimate"], "labelled_at": times}
    assert len(withdraw_reversed(tmp_path / "leads.jsonl", pd.DataFrame(columns), [SECRET], tmp_path / "notices")) == 1
    before = pd.DataFrame(columns | {"labelled_at": ["2026-05-10", "2026-05-19"]})
    assert withdraw_reversed(tmp_path / "other.jsonl", before, [SECRET], tmp_path / "none") == ()


def test_leads_of_an_older_secret_need_it(case: CaseContent, tmp_path: Path) -> None:
    log = tmp_path / "leads.jsonl"
    give(case, log, RECIPIENTS[:1])
    with refused(LeadError):
        withdraw_reversed(log, REVERSAL, [Secret(b"new" * 11)], tmp_path / "notices")
    assert len(withdraw_reversed(log, REVERSAL, [Secret(b"new" * 11), SECRET], tmp_path / "notices")) == 1


class Killed(BaseException):
    """The end of the process."""


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """Kill the process before or after the n-th thing that it makes durable: even steps before, odd ones after."""
    count = 0

    def guarded(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            if count == step:
                raise Killed
            count += 1
            done = work(*arguments, **options)
            if count == step:
                raise Killed
            count += 1
            return done

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fraudsieve.leads.withdrawal.write_file", guarded(write_file))
        patch.setattr(LeadLog, "_append", guarded(LeadLog._append))
        yield


@examples(20)
@given(st.lists(st.integers(0, 16), max_size=4))
def test_each_notice_is_given_once_however_often_the_process_is_killed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    log, notices = folder / "leads.jsonl", folder / "notices"
    members = pd.DataFrame({"case_id": "c", "action_id": ["M-MARKER-3"]})
    links = pd.DataFrame([], columns=["case_id", "source_id", "target_id", "kind", "evidence"])
    leads = give(CaseContent("c", members, links), log)
    seen: dict[str, bytes] = {}
    for step in [*steps, 1000]:
        try:
            with killed_at(step):
                withdraw_reversed(log, REVERSAL, [SECRET], notices)
        except Killed:
            pass
        written = {path.name: path.read_bytes() for path in notices.iterdir()} if notices.exists() else {}
        assert seen.items() <= written.items()  # what was written stays as it was
        seen = written
    assert sorted(seen) == sorted(f"withdrawal-{lead}.json" for lead in leads)
    kinds = Counter(body["kind"] for body in bodies_of(log))
    assert (kinds["lead"], kinds["withdrawal"], kinds["notice"]) == (3, 3, 3)
    assert withdraw_reversed(log, REVERSAL, [SECRET], notices) == ()


def bodies_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line)["record"]["body"] for line in log.read_text().splitlines()]


def test_a_changed_log_is_not_believed(case: CaseContent, tmp_path: Path) -> None:
    log = tmp_path / "leads.jsonl"
    leads = give(case, log)
    log.write_bytes(log.read_bytes().replace(b"Police", b"Nobody", 1))
    with pytest.raises(LeadError, match="changed"):
        read_register(log)
    with pytest.raises(ValueError, match="was changed"):
        withdraw_lead(log, leads[0], "wrong", tmp_path / "notices")
    assert notices_in(tmp_path / "notices") == []


OUTSIDE = "../../outside"
FORGED: list[tuple[str, dict[str, Any]]] = [
    ("lead", {"lead": OUTSIDE}),
    ("lead", {"lead": 5}),
    ("lead", {"digest": "short"}),
    ("lead", {"created": "9999-12-31T23:59:59Z"}),
    ("lead", {"recipient": ["Police"]}),
    ("lead", {"export": ["stix"]}),
    ("lead", {"key": {"id": 1}}),
    ("lead", {"key": None}),
    ("lead", {"members": [OUTSIDE]}),
    ("lead", {"members": 5}),
    ("withdrawal", {"lead": OUTSIDE}),
    ("withdrawal", {"notice": None}),
    ("withdrawal", {"notice": {"lead": OUTSIDE}}),
    ("withdrawal", {"lead": OUTSIDE, "notice": {"lead": OUTSIDE}}),
    ("withdrawal", {"notice": {"reason": 5}}),
    ("withdrawal", {"notice": {"recipient": "Nobody"}}),
    ("withdrawal", {"notice": {"id": "00000000-0000-0000-0000-000000000000"}}),
    ("withdrawal", {"notice": {"lead_created": "yesterday"}}),
    ("withdrawal", {"notice": {"more": 1}}),
    ("other", {}),
]


@pytest.mark.parametrize(("kind", "change"), FORGED)
def test_a_forged_record_writes_nothing(case: CaseContent, tmp_path: Path, kind: str, change: dict[str, Any]) -> None:
    log, other, folder = tmp_path / "leads.jsonl", tmp_path / "other.jsonl", tmp_path / "a" / "notices"
    leads = give(case, log)
    withdraw_lead(log, leads[0], "given in error", tmp_path / "first")
    bodies = bodies_of(log)[1:]
    body: dict[str, Any] = {"kind": "other"}
    body = next((one for one in bodies if one["kind"] == kind), body)
    notice = change.get("notice")
    whole = {"notice": {**body["notice"], **notice}} if isinstance(notice, dict) else {}
    body |= {**change, **whole}
    with EvidenceLog(other) as opened:  # without the record that the notice was written
        opened.append([encode_canonical(one) for one in [*bodies, body] if one["kind"] != "notice"])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LeadError, match=r"record \d+: .*expected") as raised:
        withdraw_lead(other, leads[1], "wrong", folder)
    assert OUTSIDE not in str(raised.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_wrong_calls_are_named(case: CaseContent, tmp_path: Path) -> None:
    log, folder = tmp_path / "leads.jsonl", tmp_path / "notices"
    with pytest.raises(LeadError, match="there is no file"):
        withdraw_lead(log, "none", "wrong", folder)
    (lead,) = give(case, log, RECIPIENTS[:1])
    with pytest.raises(LeadError, match="no lead has this id"):
        withdraw_lead(log, "none", "wrong", folder)
    with pytest.raises(LeadError, match="expected printable text"):
        withdraw_lead(log, lead, " ", folder)
    only_fraud = pd.DataFrame({"subject_id": ["M-MARKER-3", "another"], "label": ["scam", "mule"]})
    with pytest.raises(LeadError, match="none of the labels is a word for legitimate"):
        withdraw_reversed(log, only_fraud, [SECRET], folder)
    assert withdraw_reversed(log, only_fraud, [SECRET], folder, legitimate="good") == ()
    (path,) = withdraw_lead(log, lead, "given in error", folder)
    assert json.loads(path.read_text())["reason"] == "given in error"
