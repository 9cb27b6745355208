"""What pseudonyms stand for, computed again over the tables of the house."""

import csv
import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve.exceptions import LeadError
from fraudsieve.leads.case_content import CaseContent
from fraudsieve.leads.files import read_lead
from fraudsieve.leads.keys import Secret
from fraudsieve.leads.lead_content import Disclosure, make_lead
from fraudsieve.leads.withdrawal import resolve_lead, write_resolution
from fraudsieve.leads.words import describe_texts
from fraudsieve.tables.cells import STRING

from .planted import SECRET, TERMS, actions, key_of, messages


def events() -> pd.DataFrame:
    payments = actions().query("kind == 'payment'").rename(columns={"action_id": "event_id"})
    return payments[["event_id", "account_id", "counterparty_id", "occurred_at", "kind", "amount"]]


def lead_of(case: CaseContent, **options: Any) -> dict[str, Any]:
    key = key_of(case=case.case_id if options.pop("per_case", False) else None)
    texts = describe_texts(messages(), case.members, "digests", key)
    return make_lead(case, key, TERMS, texts=texts, disclosure=Disclosure(shared_accounts=True), **options)


@pytest.mark.parametrize("per_case", [False, True])
def test_every_pseudonym_is_resolved_with_all_tables(case: CaseContent, tmp_path: Path, *, per_case: bool) -> None:
    lead = lead_of(case, per_case=per_case)
    tables: dict[str, Any] = {"events": events(), "messages": messages(), "cases": tmp_path / "cases"}
    found = resolve_lead(lead, [Secret(b"new" * 11), SECRET], **tables)
    assert found["value"].notna().all()
    by_type = {kind: set(group["value"]) for kind, group in found.groupby("type")}
    assert by_type["account"] == {"acc-marker-0", "acc-marker-1", "acc-marker-2", "collector-marker"}
    assert by_type["action"] == set(case.members["action_id"])
    assert by_type["case"] == {case.case_id}
    assert by_type["text"] == {messages()["text"][0]}
    assert {value.split(":")[0] for value in by_type["identifier"]} == {"device"}
    key = key_of(salt=lead["key"]["salt"])
    for row in found.itertuples():
        assert row.pseudonym == key.pseudonym(str(row.type), str(row.value))


def test_a_table_of_accounts_alone_resolves_accounts(case: CaseContent) -> None:
    accounts = pd.DataFrame({"account_id": [f"acc-{n}" for n in range(2000)] + ["acc-marker-1"]})
    found = resolve_lead(lead_of(case), [SECRET], accounts=accounts)
    assert found["value"].dropna().tolist() == ["acc-marker-1"]
    assert len(found) > 10


def test_another_secret_resolves_nothing(case: CaseContent) -> None:
    with pytest.raises(LeadError, match="derived from none of the 1 secrets"):
        resolve_lead(lead_of(case), [Secret(b"x" * 32)], events=events())


def test_the_written_table_is_private(case: CaseContent, tmp_path: Path) -> None:
    found = resolve_lead(lead_of(case), [SECRET], events=events())
    write_resolution(found, tmp_path / "resolved.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "resolved.csv", dtype=STRING), found)
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "resolved.csv").stat().st_mode) == 0o600


def test_any_text_is_written_as_one_row(tmp_path: Path) -> None:
    texts = ["one\rtwo", "one\r\ntwo", "one\ntwo", 'with "quotes", and commas', "plain"]
    table = pd.DataFrame({"pseudonym": list("abcde"), "type": "text", "value": texts}).astype(STRING)
    write_resolution(table, tmp_path / "resolved.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "resolved.csv", dtype=STRING), table)
    with (tmp_path / "resolved.csv").open(newline="") as file:
        assert [row[2] for row in csv.reader(file)] == ["value", *texts]


@pytest.mark.parametrize(
    "change",
    [{"recipient": 5}, {"id": None}, {"key": {}}, {"key": {"id": "x", "salt": [1]}}, {"key": 5}, {"claim": math.nan}],
)
def test_a_forged_lead_is_refused(case: CaseContent, tmp_path: Path, change: dict[str, Any]) -> None:
    (tmp_path / "lead").write_text(json.dumps(lead_of(case) | change))
    with pytest.raises(LeadError, match="expected a lead of the schema"):
        read_lead(tmp_path / "lead")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"type": "bundle", "objects": []}', '{"schema": "urn:other"}', "[[["]
)
def test_a_file_that_is_not_a_lead_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "lead").write_text(content)
    with pytest.raises(LeadError, match="expected a lead of the schema"):
        read_lead(tmp_path / "lead")
    with pytest.raises(LeadError, match="cannot be read"):
        read_lead(tmp_path / "none")
    with pytest.raises(LeadError, match="cannot be read"):
        resolve_lead({"recipient": TERMS.recipient, "key": {"id": key_of().id, "salt": None}}, [SECRET], cases=tmp_path)
