"""What a score says: probabilities that are ones, the points of a model, and plain values."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fraudsieve.models.scores import described, fraud_probability, split_records


@given(hnp.arrays(float, (5, 4), elements=st.floats(-1e3, 1e3)))
def test_the_probability_of_fraud_stays_between_none_and_all(log_odds: Any) -> None:
    fraud = fraud_probability(log_odds, ("a", "b", "c", "d"), "b")
    assert ((fraud >= 0) & (fraud <= 1)).all()
    for two in (("legitimate", "spam"), ("fraud", "legitimate")):
        fraud = fraud_probability(log_odds[:, :1], two, "legitimate")
        assert ((fraud >= 0) & (fraud <= 1)).all()
        assert (np.diff(fraud[np.argsort(log_odds[:, 0])]) * (1 if two[0] == "legitimate" else -1) >= 0).all()


def test_shares_that_add_up_to_more_than_all_by_a_last_bit_are_all() -> None:
    log_odds = np.random.default_rng(0).normal(0, 5, (2000, 5)) - [0, 40, 0, 0, 0]
    assert fraud_probability(log_odds, ("a", "b", "c", "d", "e"), "b").max() == 1


def test_columns_become_records_of_plain_values(several: Any) -> None:
    odds = np.random.default_rng(0).normal(size=(3, len(several.model.classes)))
    odds[1] = np.nan
    why = np.array([None, "text: expected", None], object)
    columns = described(several.model, odds, why, np.array([True, True, False]))
    scores = split_records(several.model, columns)
    assert [score["status"] for score in scores] == ["ok", "unscorable", "no_history"]
    assert [score["why"] for score in scores] == why.tolist()
    assert scores[1]["probability"] is scores[1]["label"] is scores[1]["decision"] is None
    for row in (0, 2):
        assert type(scores[row]["probability"]) is float
        assert list(scores[row]["probabilities"]) == list(several.model.classes)
        assert scores[row]["label"] == several.model.classes[odds[row].argmax()]
        assert scores[row]["model"]["digest"] == several.model.digest
    assert f"probability__{several.model.classes[0]}" in columns  # the caller's columns are left alone
