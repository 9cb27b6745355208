"""The fitted text model."""

import dataclasses
import pickle

import numpy as np
import pytest

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.wording.model import TextModel, hash_ngrams, linear_scores, rank_table

TEXTS = ["win a prize", "see you", "", "###", "恭喜中奖", "win a prize win a prize"]


def model(n_outputs: int, scale: float = 0.5) -> TextModel:
    rng = np.random.default_rng(n_outputs)
    buckets = np.unique(hash_ngrams(pack(["win a prize", "see you", "中奖"]))[0])
    weights = np.column_stack([rng.uniform(1, 5, len(buckets)), rng.normal(size=(len(buckets), n_outputs))])
    classes = tuple(f"class {i}" for i in range(n_outputs))
    return TextModel(classes, buckets, weights.astype(np.float32), rng.normal(size=n_outputs), scale)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_log_odds_are_scaled_margins(n_outputs: int) -> None:
    wording = model(n_outputs)
    log_odds, known = wording.log_odds(pack(TEXTS))
    margins, same = linear_scores(pack(TEXTS), rank_table(wording.buckets), wording.rows, n_outputs)
    assert np.array_equal(log_odds, 0.5 * (margins + wording.intercept))
    assert np.array_equal(known, same)
    assert known[[2, 3]].tolist() == [0, 0]
    assert log_odds[2].tolist() == (0.5 * wording.intercept).tolist()


def test_the_scale_does_not_change_the_order() -> None:
    small, large = model(3, 0.1).log_odds(pack(TEXTS))[0], model(3, 7.0).log_odds(pack(TEXTS))[0]
    assert np.array_equal(np.argsort(small, axis=1), np.argsort(large, axis=1))
    assert large == pytest.approx(70 * small)


def test_the_table_is_built_once_and_the_model_is_frozen() -> None:
    wording = model(1)
    assert wording.table is wording.table
    assert np.array_equal(wording.table, rank_table(wording.buckets))
    with pytest.raises(dataclasses.FrozenInstanceError):
        wording.scale = 2.0  # type: ignore[misc]


def test_a_pickled_model_scores_the_same_before_and_after_use() -> None:
    wording = model(3)
    fresh = pickle.loads(pickle.dumps(wording))
    expected = wording.log_odds(pack(TEXTS))[0]
    used = pickle.loads(pickle.dumps(wording))
    assert np.array_equal(fresh.log_odds(pack(TEXTS))[0], expected)
    assert np.array_equal(used.log_odds(pack(TEXTS))[0], expected)


def test_evidence_has_its_full_weight_from_the_usual_share_on() -> None:
    weights = np.array([[1.0, 0.0]], np.float32)
    model = TextModel(("spam",), np.array([3], np.int32), weights, np.zeros(1), 1.0, 2.0, -1, usual_share=0.4)
    assert model.familiarity(np.array([0.1, 0.2, 0.4, 0.9])).tolist() == [0.25, 0.5, 1.0, 1.0]
    weighed = model.weigh(np.full((3, 1), 8.0), np.array([0.1, 0.4, 0.9]))
    assert weighed[:, 0].tolist() == [0.5, 8.0, 8.0]
    assert model.weigh(np.array([[-8.0]]), np.array([0.1])).tolist() == [[-8.0]]
