"""The page of a draw, without a browser: what it shows before an answer, its policy, and its language."""

import base64
import hashlib
import json
import re
from html import unescape
from typing import Any

import pandas as pd

from fraudsieve.review import render_review_page
from tests.page_words import english_words
from tests.review.drawn import EVIL, drawn

LABELS = ["fraud", "legitimate"]


def data_of(page: str) -> dict[str, Any]:
    """Return what the script of a page reads."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


def test_the_policy_allows_one_script_and_no_requests() -> None:
    page = render_review_page(drawn(4), LABELS)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    policy = (
        f"default-src 'none'; script-src 'sha256-{digests[0]}'; style-src 'sha256-{digests[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert f'content="{policy}"' in unescape(page)
    assert not re.search(r"https?:|fetch|XMLHttp|innerHTML|eval|localStorage", script)


def test_only_text_columns_sender_and_time_are_shown_before_an_answer() -> None:
    (record,) = data_of(render_review_page(drawn(1), LABELS))["records"]
    assert (record["id"], record["text"]) == ("m0", "text 0\nof a message")
    assert record["facts"] == [["time", "2026-05-01 09:00:00 UTC"], ["from", "ann"], ["channel", "sms"]]
    assert dict(record["opinion"])["probability of fraud"] == "0.975"
    assert record["reasons"] == ["It has a link."]
    assert (record["why"], record["weight"], record["case"]) == ("alert", "1.0", "c1")


def test_the_order_says_nothing_about_why_a_record_was_drawn() -> None:
    records = drawn(200)
    page = data_of(render_review_page(records, LABELS))
    whys = [record["why"] for record in page["records"]]
    assert whys != records["why_drawn"].tolist()
    halves = [whys[:100].count("audit"), whys[100:].count("audit")]
    assert min(halves) > 35
    other = records.assign(why_drawn="audit", probability=0.1, case_id=None)
    again = data_of(render_review_page(other.iloc[::-1], LABELS))
    assert [record["id"] for record in again["records"]] == [record["id"] for record in page["records"]]


def test_missing_cells_are_left_out_and_columns_of_other_records_shown() -> None:
    event = {"subject_id": "7", "subject": "event", "why_drawn": "audit", "inclusion_probability": 0.1 + 0.2}
    record = pd.DataFrame([event | {"amount": 12.5, "text": "rent", "memo": None, "time": pd.NaT, "case_id": None}])
    (found,) = data_of(render_review_page(record, LABELS))["records"]
    assert (found["text"], found["facts"]) == ("", [["amount", "12.5"], ["text", "rent"]])
    assert (found["weight"], found["case"], found["opinion"]) == ("0.30000000000000004", "", [])


def test_texts_are_no_markup() -> None:
    records = (
        drawn(2).assign(text=EVIL, subject_id=[EVIL, "b"], reason_1_sentence=EVIL).rename(columns={"channel": EVIL})
    )
    page = render_review_page(records, [EVIL, "</script>"])
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    assert {record["text"] for record in data_of(page)["records"]} == {EVIL}


def test_a_draw_may_come_from_a_csv_file() -> None:
    records = drawn(2).assign(recall_can_be_estimated=False, unlike_training=None).astype(str).replace("None", "")
    page = render_review_page(records, LABELS)
    assert "Without an audit" in page
    assert dict(data_of(page)["records"][0]["opinion"]).keys() >= {"probability of fraud", "decision"}


def test_without_an_audit_the_page_says_so() -> None:
    page = render_review_page(drawn(3).assign(recall_can_be_estimated=False), LABELS)
    assert "Without an audit, recall cannot be estimated" in page
    assert "Without an audit" not in render_review_page(drawn(3), LABELS)


def test_a_chinese_page_has_no_english_words() -> None:
    page = render_review_page(drawn(3), ["legitimate", "telecom_scam"], language="zh")
    assert english_words(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)) <= {"JavaScript"}
    data = data_of(page)
    assert english_words(" ".join(["<body>", *data["texts"].values()])) <= {
        "file",
        "label",
        "all",
        "skipped",
        "unsaved",
        "others",
        "CSV",
    }
    assert [label["words"] for label in data["labels"]] == ["正常", "电信诈骗"]
    assert [label["value"] for label in data["labels"]] == ["legitimate", "telecom_scam"]
