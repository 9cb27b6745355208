"""What a retraining says: the outcome, what to do, and the lines of the command."""

from dataclasses import replace
from typing import Any

import pytest

from fraudsieve._subjects import Subject
from fraudsieve.cli.tables import COMPARED, plan_rows, retrained_rows
from fraudsieve.retrain.retraining import Outcome, Retrained
from fraudsieve.retrain.retraining_plan import ComparedRecords, RetrainPlan
from fraudsieve.training.promotion.gates import Gate
from tests.training.promotion.test_gates import comparison, pair

PLAN = RetrainPlan(
    step="train",
    reason="The champion has learned until 2026-01-31 10:00.",
    model="first",
    subject=Subject.MESSAGE,
    name="sms",
    champion="models:/sms/1",
    recipe="0123456789abcdef",
    refresh=True,
    search="20m",
    as_of="2026-03-01T00:00:00+00:00",
    tables={"messages": "m.parquet", "labels": "l.parquet"},
    labelled=2000,
    unlabelled=10,
    rejected=0,
    span=("2026-01-01T00:00:00+00:00", "2026-02-28T12:30:00+00:00"),
    by_class={"legitimate": 1900, "spam": 100},
    by_source=None,
    train_rows=1500,
    calibration_rows=300,
    window=("2026-01-01T00:00:00+00:00", "2026-02-20T00:00:00+00:00"),
    compared=ComparedRecords(500, 40, "2026-02-10T00:00:00+00:00", ("challenger",)),
)
PASSED, FAILED = Gate("ece", 0.1, 0.2, True, "Good."), Gate("ece", 0.3, 0.2, False, "Bad.")


def retrained(outcome: Outcome, **changes: Any) -> Retrained:
    return Retrained(plan=PLAN, outcome=outcome, champion="models:/sms/1", **changes)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (retrained("promoted"), "Services that follow the alias champion switch to it"),
        (retrained("nothing new"), "when there are later records"),
        (retrained("compared", gates=(PASSED,)), "without --no-promote"),
        (retrained("compared", gates=(PASSED, FAILED)), "promote --force --reason TEXT"),
        (retrained("refused", gates=(FAILED,)), "Check the labels and the tables that are new"),
    ],
)
def test_it_says_what_to_do(result: Retrained, text: str) -> None:
    assert text in result.what_to_do
    assert result.to_dict()["what_to_do"] == result.what_to_do


def test_the_plan_is_shown_in_words() -> None:
    rows = list(plan_rows(PLAN))
    shown = dict(rows)
    assert shown["records"] == "2,000 with a label, 10 without, from 2026-01-01 00:00 to 2026-02-28 12:30"
    assert shown["labels"] == "1,900 legitimate, 100 spam"
    assert shown["search"] == "the recipe has one of 20m"
    assert shown["compared on"] == "500 messages since 2026-02-10 00:00, 40 of them fraud"
    assert ("", "by a stand-in for the challenger, trained on earlier ones") in rows
    new = dict(plan_rows(replace(PLAN, champion=None, compared=None, by_source={"review": 7}, search=None)))
    assert new["champion"] == "none yet: first is registered as the first"
    assert new["sources"] == "7 review"
    assert not {"compared on", "search"} & new.keys()


def test_the_result_is_shown_in_words() -> None:
    evaluation = {"rows": 400, "average_precision": 0.5, "roc_auc": None}
    whole = comparison()
    compared = replace(whole, figures={**dict.fromkeys(COMPARED, pair(0.1, 0.2)), **whole.figures})
    refused = retrained(
        "refused", comparison=compared, gates=(PASSED, FAILED), reasons=("Bad.", "Late."), evaluation=evaluation
    )
    rows = list(retrained_rows(replace(refused, first="models:/sms/1"), verbose=False))
    shown = dict(rows)
    assert shown["evaluated"] == "400 records of the test slice: average precision 0.500"
    assert shown["found"] == "5,000 of 10,000 frauds are found with 10,000 reviews, and 5,000 by the champion."
    assert (shown["NOT PASSED"], shown["refused"], shown["champion"]) == ("Bad.", "Late.", "models:/sms/1")
    assert "is registered as models:/sms/1" in shown["first"]
    content = refused.to_dict()
    assert content["comparison"]["text"].startswith("5,000 of 10,000 frauds are found")
    assert (content["promoted"], content["trained"], content["plan"]["step"]) == (False, False, "train")
    reasons = (PLAN.reason,)
    assert "nothing new" not in dict(retrained_rows(retrained("nothing new", reasons=reasons), verbose=True))


def test_a_comparison_is_told_in_sentences() -> None:
    assert comparison().sentences[1] == "The average precision of the challenger is 0.900, that of the champion 0.800."
    assert len(comparison(capacity=None).sentences) == 1
