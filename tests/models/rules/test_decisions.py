"""Decisions of rules in scores: the probability stays, the decision changes, and the model's is kept beside it."""

from typing import Any

import numpy as np
import pytest

from fraudsieve.models import Scorer
from fraudsieve.models.rules import Rule, RuleSet

RULES = RuleSet(
    [
        Rule("mules", "account_id", ["ann"], "flag", "case 17"),
        Rule("partners", "account_id", ["bob"], "pass", "contract"),
    ]
)


@pytest.fixture
def records(binary: Any) -> list[dict[str, Any]]:
    accounts = ["ann", "bob", "cid"]
    records = [{"text": text, "account_id": accounts[n % 3]} for n, text in enumerate(binary.texts[:60])]
    return [*records, {"text": " ", "account_id": "ann"}, {"text": None, "account_id": "cid"}]


def test_rules_change_the_decision_and_nothing_else(scorer: Scorer, records: list[dict[str, Any]]) -> None:
    plain, ruled = scorer.score(records), Scorer(scorer.model, rules=RULES).score(records, reasons=True)
    forced = {"ann": ("flag", "mules", "case 17"), "bob": ("pass", "partners", "contract")}
    for record, before, after in zip(records, plain, ruled, strict=True):
        assert after["model_decision"] == before["decision"]
        assert {**after, **before, "decision": None} == {**after, "decision": None}
        if record["account_id"] == "cid":
            assert (after["decision"], after["rule"]) == (before["decision"], None)
        else:
            action, name, reason = forced[record["account_id"]]
            assert after["rule"] == {"id": name, "action": action, "reason": reason}
            assert after["decision"] == action
    assert {score["decision"] for score in plain} == {"flag", "pass", None}
    assert ruled[60]["status"] == "unscorable"  # the rule decides all the same


def test_columns_equal_records(scorer: Scorer, records: list[dict[str, Any]]) -> None:
    ruled = Scorer(scorer.model, rules=RULES)
    columns = {name: [record[name] for record in records] for name in ("text", "account_id")}
    scores, expected = ruled.score_columns(columns), ruled.score(records)
    assert scores["decision"].tolist() == [score["decision"] for score in expected]
    assert scores["model_decision"].tolist() == [score["model_decision"] for score in expected]
    assert scores["rule"].tolist() == [score["rule"] and score["rule"]["id"] for score in expected]
    assert scores["rule_reason"].tolist() == [score["rule"] and score["rule"]["reason"] for score in expected]
    np.testing.assert_array_equal(scores["probability"], scorer.score_columns(columns)["probability"])
    without = ruled.score_columns({"text": columns["text"]})
    assert without["rule"].tolist() == [None] * len(records)


def test_without_rules_scores_have_no_fields_of_rules(scorer: Scorer) -> None:
    assert {"rule", "model_decision"}.isdisjoint(scorer.score({"text": "hi"}))
    assert {"rule", "model_decision"}.isdisjoint(scorer.score_columns({"text": ["hi"]}))
