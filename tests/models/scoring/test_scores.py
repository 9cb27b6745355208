"""Fields of a score: valid probabilities, operating points, and plain values."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.scoring.scores import fraud_probability, to_columns, to_records


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
    odds = rng.normal(0, 2, (n, len(classes)))
    why = np.array(["text: expected" if one < 0.2 else None for one in rng.random(n)], object)
    odds[why != None] = np.nan  # noqa: E711 - compares every element
    for legitimate, model_points in ((model.legitimate, points), (model.legitimate, ()), (None, ())):
        for has_history in (None, rng.random(n) < 0.5):
            changed = replace(model, points=model_points, legitimate=legitimate)
            columns, scores = to_columns(changed, odds, why, has_history), to_records(changed, odds, why, has_history)
            flat = [
                score | {f"probability__{name}": p for name, p in score["probabilities"].items()} for score in scores
            ]
            for name, values in columns.items():
                assert [score[name] for score in flat] == [None if v != v else v for v in values.tolist()], name
            assert {score["status"] for score in scores} >= {
                "ok" if has_history is None else "no_history",
                "unscorable",
            }
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert list(scores[0]["probabilities"]) == list(classes)
    assert scores[0]["model"] == {"name": model.name, "digest": model.digest}
