"""Fields of a score: valid probabilities, operating points, and plain values."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.fields import Policy
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.rules import Rule, RuleSet
from fraudsieve.models.scoring.score_fields import score_columns, to_row
from fraudsieve.models.scoring.scores import DECISIONS, Scores, decide, fraud_probability


@given(hnp.arrays(float, (5, 4), elements=st.floats(-1e3, 1e3)))
def test_the_probability_of_fraud_is_between_zero_and_one(log_odds: Any) -> None:
    fraud = fraud_probability(log_odds, ("a", "b", "c", "d"), "b")
    assert ((fraud >= 0) & (fraud <= 1)).all()
    for two in (("legitimate", "spam"), ("fraud", "legitimate")):
        fraud = fraud_probability(log_odds[:, :1], two, "legitimate")
        assert ((fraud >= 0) & (fraud <= 1)).all()
        assert (np.diff(fraud[np.argsort(log_odds[:, 0])]) * (1 if two[0] == "legitimate" else -1) >= 0).all()


def test_shares_that_add_up_to_more_than_one_are_clipped() -> None:
    log_odds = np.random.default_rng(0).normal(0, 5, (2000, 5)) - [0, 40, 0, 0, 0]
    assert fraud_probability(log_odds, ("a", "b", "c", "d", "e"), "b").max() == 1


def test_records_equal_the_columns_in_plain_values(several: Any) -> None:
    model, rng = several.model, np.random.default_rng(0)
    n, classes = 300, several.model.classes
    points = tuple(OperatingPoint(f"{t}", t, (1 - t) / 9, 1 - t, 0.5) for t in (0.6, 0.2, 0.9))
    odds, unlike = rng.normal(0, 2, (n, len(classes))), rng.random(n)
    why = np.array(["text: expected" if one < 0.2 else None for one in rng.random(n)], object)
    odds[why != None] = np.nan  # noqa: E711 - compares every element
    rules = RuleSet([Rule("mules", "account_id", ["ann"], "flag", "x"), Rule("ok", "account_id", ["bob"], "pass", "y")])
    matched = rng.integers(-1, 2, n)
    for legitimate, model_points in ((model.legitimate, points), (model.legitimate, ()), (None, ())):
        for has_history in (None, rng.random(n) < 0.5):
            for of_rules in ((), (rules, matched)):
                changed = replace(model, points=model_points, legitimate=legitimate)
                features = FeatureRows(np.zeros((n, len(model.matrix.columns))), why, has_history)
                found = Scores(
                    changed, Policy(unlike_training="flag", unlike_training_limit=0.9), features, odds, unlike
                )
                columns, scores = found.to_columns(*of_rules), found.to_records(*of_rules)
                assert list(score_columns(classes, rules=bool(of_rules))) == list(columns)
                plain = [[None if v != v else v for v in of.tolist()] for of in columns.values()]
                assert [to_row(score) for score in scores] == [
                    dict(zip(columns, row, strict=True)) for row in zip(*plain, strict=True)
                ]
    assert {score["status"] for score in scores} == {"ok", "no_history", "unscorable"}
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert list(scores[0]["probabilities"]) == list(classes)
    assert scores[0]["model"] == {"name": model.name, "digest": model.digest}


def test_a_record_is_flagged_by_its_threshold_by_the_policy_and_by_its_rule(several: Any) -> None:
    point = OperatingPoint("p", 0.5, 0.01, 0.9, 0.1)
    model, policy = replace(several.model, points=(point,)), Policy(unlike_training="flag", unlike_training_limit=0.9)
    why = np.array([None, None, None, None, "text: expected"], object)
    features = FeatureRows(np.zeros((5, len(model.matrix.columns))), why)
    probability = np.array([0.5, np.nextafter(0.5, 0), 0.2, 0.9, np.nan])
    unlike = np.array([np.nan, 0.89, 0.9, 0.1, np.nan])
    rules = RuleSet([Rule("ok", "account_id", ["bob"], "pass", "y"), Rule("bad", "account_id", ["ann"], "flag", "x")])
    found = decide(model, policy, features, probability, unlike, rules, np.array([-1, -1, -1, 0, 1]))
    assert [DECISIONS[code] for code in found.by_model] == ["flag", "pass", "flag", "flag", None]
    assert [DECISIONS[code] for code in found.decision] == ["flag", "pass", "flag", "pass", "flag"]
    np.testing.assert_array_equal(found.rate, [0.01, np.nan, np.nan, 0.01, np.nan])
