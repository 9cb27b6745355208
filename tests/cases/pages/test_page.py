"""The page of cases: what it shows, what it hides, and how large it becomes."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from fraudsieve._translation import Language
from fraudsieve.cases import Cases, CaseSettings, find_cases
from fraudsieve.cases.pages import page as module
from fraudsieve.cases.pages.case_section import CaseNames, case_content, joined_through, rows_of_cases
from fraudsieve.cases.pages.page import render_cases_page
from fraudsieve.pages.origin import PageOrigin
from tests.page_words import english_words

from .worlds import START, campaign, cases_of, ring, three_cases

pytestmark = pytest.mark.slow

ORIGIN = PageOrigin(made_at=START.to_pydatetime())
SECRETS = ("small-", "large-", "parcel-", "138 0013", "payer", "collector")


@pytest.fixture(scope="module")
def cases() -> Cases:
    return three_cases()


def body(cases: Cases, *, show_identifiers: bool = False, language: Language = "en") -> str:
    page = render_cases_page(cases, origin=ORIGIN, show_identifiers=show_identifiers, language=language)
    return page.partition("</style>")[2]


def test_every_case_is_listed_and_can_be_opened(cases: Cases) -> None:
    html = body(cases)
    ids = cases.cases["case_id"].tolist()
    assert re.findall(r'<a href="#(case-\w+)">', html) == ids
    assert re.findall(r'<div class="case-body" id="(case-\w+)">', html) == ids
    assert html.count("<details") == html.count("<summary") == len(ids) > 2


def test_identifiers_are_shown_only_if_asked_for(cases: Cases) -> None:
    hidden, shown = body(cases), body(cases, show_identifiers=True)
    assert [secret for secret in SECRETS if secret in hidden] == []
    assert "small-payer-0" in shown
    assert "small-0" in shown
    assert "138 0013" not in shown
    assert "--show-identifiers" in hidden
    assert "--show-identifiers" not in shown


def test_a_chinese_page_has_no_english_words(cases: Cases) -> None:
    of_data = {"investment", "scam", "The", "text", "has", "payments", "in", "days", "history", "sent", "count"}
    html = render_cases_page(cases, origin=ORIGIN, as_of=START, language="zh")
    assert english_words(html) <= of_data | {"links"}
    assert '<html lang="zh-CN">' in html
    figures = [re.findall(r"<td>([\d.,:-]+)</td>", page) for page in (body(cases), html)]
    assert figures[0] == figures[1] != []


def test_texts_of_the_data_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    frame = ring("small", 4).assign(type=evil, reason_sentence=evil, kind=evil)
    frame["account_id"] = evil + frame["account_id"]
    html = body(cases_of([frame]), show_identifiers=True)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_page_does_not_depend_on_the_order_of_the_input() -> None:
    parts = [ring("small", 7), campaign("parcel", 5)]
    shuffled = pd.concat(parts).sample(frac=1, random_state=3)
    assert body(cases_of(parts)) == body(find_cases(shuffled, key=b"a key"))


def test_a_large_page_stays_usable(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    assert body(cases).count('aria-label="What the case consists of') == 3
    monkeypatch.setattr(module, "MAX_FIGURE_BYTES", 1)
    monkeypatch.setattr(module, "MAX_ROWS", 1)
    limited = body(cases)
    assert limited.count('aria-label="What the case consists of') == 1
    assert "2 more are in members.parquet" in limited  # of the 12 actions of the second case
    monkeypatch.setattr(module, "MAX_CASES", 2)
    assert "1 cases of lower rank are in cases.parquet only" in body(cases)


def test_a_case_says_what_its_members_have_in_common() -> None:
    frame = ring("small", 5).assign(reason="cues__links", reason_sentence="The text has 2 links")
    found = cases_of([frame], confirmed=3)
    rows = next(rows_of_cases(found))
    content = case_content(rows, CaseNames(), found.ledger.history, [], max_members=9, max_links=9)
    assert content.reasons == [
        "Strongest reason of 5 of 5 actions: cues: links, for example: The text has 2 links.",
    ]
    assert content.facts["confirmed"] == "2 fraud, 1 legitimate"
    assert content.facts["expected frauds"] == f"{2 + frame['probability'].tail(2).sum():.1f} of 5"
    assert content.changes.rows == [["–", "opened with 5 actions"]]
    assert [row[0] for row in content.members.rows] == list("12345")
    assert [row[content.members.columns.index("confirmed")] for row in content.members.rows] == [
        "fraud", "legitimate", "fraud", "", "",
    ]  # fmt: skip


def test_what_joins_each_member_leads_to_the_centre(cases: Cases) -> None:
    for rows in rows_of_cases(cases):
        content = case_content(rows, CaseNames(), cases.ledger.history.head(0), [], max_members=999, max_links=5)
        joined = [row[-1] for row in content.members.rows]
        before = {k: re.match(r"action (\d+): \w+", text) for k, text in enumerate(joined)}
        centre = [k for k, match in before.items() if match is None]
        assert [joined[k] for k in centre] == ["the centre"]
        for member in before:
            seen = set()
            while member != centre[0]:
                assert member not in seen
                seen.add(member)
                match = before[member]
                assert match is not None
                member = int(match[1]) - 1


def test_the_chain_to_the_centre_is_the_strongest_path() -> None:
    found = cases_of([ring("small", 9), campaign("parcel", 6)])
    for rows in rows_of_cases(found):
        ids = rows.members["action_id"].tolist()
        joined = joined_through(rows, CaseNames())
        centre = joined.index("the centre")
        for member in range(len(ids)):
            chain = [member]
            while chain[-1] != centre:
                chain.append(int(joined[chain[-1]].partition(":")[0].removeprefix("action ")) - 1)
            path = found.why_together(ids[member], ids[centre])
            steps = dict.fromkeys(frozenset(pair) for pair in zip(path["source_id"], path["target_id"], strict=True))
            assert list(steps) == [frozenset((ids[a], ids[b])) for a, b in pairwise(chain)]


def test_a_chain_of_heavy_links_counts_for_more_than_a_light_one() -> None:
    frame = pd.DataFrame({"action_id": list("abcd"), "account_id": ["x", "p", "x", "q"]})
    frame = frame.assign(device_id=["1", "1", "2", "2"], card_id=["0", "1", "1", "9"], occurred_at=START)
    joined = joined_through(next(rows_of_cases(find_cases(frame, key=b"a key"))), CaseNames())
    assert joined == ["action 2: same device 1", "action 3: same card 1", "the centre", "action 3: same device 2"]


def test_hubs_are_named_but_not_by_their_ids() -> None:
    frame = ring("small", 5).assign(device_id="kiosk")
    unflagged = pd.DataFrame({"action_id": [f"u{k}" for k in range(30)], "device_id": "kiosk"})
    html = body(find_cases(frame, key=b"a key", unflagged=unflagged))
    assert "Hubs are shared by too many records, and create no links" in html
    assert "device 1" in html
    assert "kiosk" not in html


def test_an_account_that_is_written_like_an_identifier_is_not_shown() -> None:
    frame = pd.DataFrame({"action_id": [f"a{k}" for k in range(6)], "account_id": "ann.smith:" + 16 * "1f"})
    found = find_cases(frame, key=b"a key", settings=CaseSettings(max_sharing=3))
    assert found.hubs["value"].tolist() == ["ann.smith:" + 16 * "1f"]
    assert "smith" not in body(found)
    assert ">account 1</th>" in body(found)


def test_an_account_has_one_number_in_all_cases() -> None:
    frame = pd.concat([ring("one", 4), ring("two", 4, seed=2)], ignore_index=True)
    frame.loc[frame["action_id"].isin(["one-0", "two-0"]), "account_id"] = "both"
    frame["occurred_at"] += pd.to_timedelta(np.where(frame["action_id"].str.startswith("two"), 90, 0), unit="D")
    found = cases_of([frame.drop(columns="device_id")])
    names = CaseNames()
    firsts = [
        case_content(rows, names, found.ledger.history, [], max_members=9, max_links=9) for rows in rows_of_cases(found)
    ]
    senders = [content.members.rows[0][content.members.columns.index("from")] for content in firsts]
    assert len(senders) == 2
    assert senders[0] == senders[1]
