"""The check of the shares of scored records against those that a model expects."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models import Model, Scorer, unusual_shares
from fraudsieve.models.scoring.traffic import add_counts, count_shares, share_rows, traffic_advice
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, UNLIKE, ExpectedShare, ShareCount
from fraudsieve.models.unlike_training.shares import UNFAMILIAR

ALIEN = "".join(map(chr, range(0x10A0, 0x10C0)))


@pytest.fixture(scope="module")
def model(scorer: Scorer) -> Model:
    shares = (ExpectedShare(UNLIKE, 0.01, 0.001), ExpectedShare(FLAGGED, 0.3, 0.001))
    return replace(scorer.model, expected_shares=shares)


def test_records_count_above_the_limits_and_without_a_value_not_at_all(model: Model) -> None:
    threshold = model.points[0].threshold
    scores = {
        "unlike_training": np.array([UNFAMILIAR, np.nextafter(UNFAMILIAR, 1), 1.0, np.nan]),
        "probability": np.array([threshold, np.nextafter(threshold, 0), np.nan, np.nan]),
    }
    assert count_shares(model, scores) == {UNLIKE: (2, 3), FLAGGED: (1, 2)}
    assert count_shares(model, pd.DataFrame(scores)) == {UNLIKE: (2, 3), FLAGGED: (1, 2)}
    both = [
        count_shares(model, {name: values[part] for name, values in scores.items()}) for part in (slice(2), slice(2, 4))
    ]
    assert add_counts(both) == count_shares(model, scores)


def test_unfamiliar_texts_are_other_traffic_and_those_of_the_training_are_not(
    model: Model, labelled: pd.DataFrame
) -> None:
    texts = labelled["text"].tolist()[:400]
    usual = Scorer(model).score_columns({"text": texts})
    share = float((usual["probability"] >= model.points[0].threshold).mean())
    model = replace(model, expected_shares=(model.expected_shares[0], ExpectedShare(FLAGGED, share, 0.001)))
    assert unusual_shares(model, usual) == ()
    other = Scorer(model).score_columns({"text": [f"{ALIEN} {text}" for text in texts]})
    assert UNLIKE in {found.name for found in unusual_shares(model, other)}
    assert unusual_shares(model, {name: values[:199] for name, values in other.items()}) == ()


def test_a_model_that_expects_nothing_gives_no_warning(scorer: Scorer, types: Any) -> None:
    scores = {"unlike_training": np.ones(1000), "probability": np.ones(1000)}
    assert unusual_shares(replace(scorer.model, expected_shares=()), scores) == ()
    assert [share.name for share in share_rows(types.model, scores)] == [UNLIKE]
    assert [share.name for share in share_rows(replace(scorer.model, unlike=None), scores)] == [FLAGGED]


def test_only_a_model_with_thresholds_can_be_recalibrated(scorer: Scorer, types: Any) -> None:
    assert "fraudsieve recalibrate" in traffic_advice(scorer.model)
    assert "fraudsieve recalibrate" not in traffic_advice(types.model)


def test_counts_of_nothing_are_nothing() -> None:
    assert add_counts([]) == {}
    assert add_counts([{UNLIKE: ShareCount(1, 2)}, {}]) == {UNLIKE: (1, 2)}
