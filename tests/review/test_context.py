"""What reviewers see beside a record: the last ones of its account and counterparty, and labels to choose from."""

import numpy as np
import pandas as pd
import pytest

from fraudsieve.review import ReviewPlan, draw_records, render_review_page
from tests.review.test_review_page import data_of

TIMES = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(np.arange(40), unit="h")


def payments() -> pd.DataFrame:
    """Return payments of four accounts to three merchants, each an hour later."""
    place = np.arange(40)
    return pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in place],
            "account_id": [f"a{number % 4}" for number in place],
            "counterparty_id": [f"m{number % 3}" for number in place],
            "occurred_at": TIMES,
            "kind": "payment",
            "amount": place + 0.5,
            "label": np.where(place % 9 == 0, "10.4", "legitimate"),
        }
    )


def scores(n: int = 40) -> pd.DataFrame:
    events = payments().iloc[40 - n :]
    return events[["event_id", "account_id", "occurred_at"]].assign(probability=np.linspace(0.1, 0.9, n), label="10.4")


def test_the_last_records_strictly_before_one_are_shown() -> None:
    drawn = draw_records(scores(10), ReviewPlan(10, audit=0.5), events=payments(), threshold=0.5)
    assert set(drawn.context) == set(drawn.records["subject_id"])
    with_remark = payments().assign(remark="thanks for everything")
    named = ["amount", "remark"]
    only = draw_records(scores(10), ReviewPlan(10, audit=0.5), events=with_remark, threshold=0.5, show=named)
    assert only.records["remark"].notna().all()
    assert only.context["e38"][0].columns == ("amount",)
    of_account, of_merchant = drawn.context["e38"]
    assert (of_account.entity, of_merchant.entity) == ("account_id", "counterparty_id")
    assert of_account.columns == ("kind", "amount", "counterparty_id")
    assert [row[0] for row in of_account.rows] == [TIMES[number] for number in (34, 30, 26, 22, 18)]
    assert [row[2] for row in of_merchant.rows] == [35.5, 32.5, 29.5, 26.5, 23.5]
    assert all(row[0] < TIMES[38] for before in drawn.context["e38"] for row in before.rows)


@pytest.mark.parametrize("sent_at", ["yesterday", "2020-01-01"])
def test_a_payment_happened_at_its_own_time_whatever_another_column_is_called(sent_at: str) -> None:
    drawn = draw_records(scores(10), ReviewPlan(10, audit=0.5), events=payments(), threshold=0.5)
    found = draw_records(
        scores(10), ReviewPlan(10, audit=0.5), events=payments().assign(sent_at=sent_at), threshold=0.5
    )
    assert found.records["time"].tolist() == drawn.records["time"].tolist()
    assert found.context == drawn.context


def test_equal_times_are_not_before() -> None:
    events = payments().assign(occurred_at=TIMES[0])
    drawn = draw_records(scores(), ReviewPlan(10, audit=0.5), events=events, threshold=0.5)
    assert not any(drawn.context.values())


def test_an_earlier_table_is_the_history_and_accounts_have_events() -> None:
    later = payments().iloc[30:]
    drawn = draw_records(scores(10), ReviewPlan(10, audit=0.5), events=later, history=payments(), threshold=0.5)
    assert drawn.context
    assert all(len(before.rows) == 5 for found in drawn.context.values() for before in found)
    accounts = pd.DataFrame({"account_id": ["a0", "a1"], "as_of": TIMES[20]})
    scored = accounts.assign(probability=[0.9, 0.2])
    of_accounts = draw_records(scored, ReviewPlan(2), accounts=accounts, events=payments(), threshold=0.5)
    assert [row[0] for row in of_accounts.context["a0"][0].rows] == [TIMES[number] for number in (16, 12, 8, 4, 0)]


def test_fraud_and_legitimate_are_always_among_the_labels() -> None:
    drawn = draw_records(scores(), ReviewPlan(10, audit=0.5), events=payments(), threshold=0.5)
    assert drawn.labels == ("fraud", "legitimate", "10.4")
    spam = scores().assign(label="ham", probability__ham=0.5, probability__spam=0.5)
    assert draw_records(spam, ReviewPlan(5), events=payments(), threshold=0.5).labels == ("fraud", "ham", "spam")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_has_the_context_in_words(language: str) -> None:
    drawn = draw_records(scores(10), ReviewPlan(10, audit=0.5), events=payments(), threshold=0.5)
    page = render_review_page(drawn.records, drawn.labels, context=drawn.context, language=language)  # type: ignore[arg-type]
    (record,) = [one for one in data_of(page)["records"] if one["id"] == "e38"]
    table = record["context"][1]
    title, head = {
        "en": ("Last 5 of this counterparty", ["time", "kind", "amount", "account"]),
        "zh": ("该对手方最近 5 条", ["时间", "类别", "金额", "账户"]),
    }[language]
    assert (table["title"], table["head"]) == (title, head)
    assert table["rows"][0] == ["2026-05-02 11:00", "payment", "35.5", "a3"]
    facts = dict(record["facts"])
    assert ("对手方" if language == "zh" else "counterparty") in facts


def test_a_context_is_in_no_table_and_only_for_a_page() -> None:
    drawn = draw_records(scores(), ReviewPlan(5), events=payments(), threshold=0.5)
    assert drawn.context
    assert "context" not in drawn.records
    assert not draw_records(scores(), ReviewPlan(5), events=payments(), threshold=0.5, with_context=False).context
