"""Gain by family, from a booster that really grew."""

import lightgbm as lgb
import numpy as np
import pytest

from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.evaluation.importance import gain_by_family


class Stub:
    """What is asked of a model: the names of its columns, and its booster."""

    def __init__(self, names: list[str], labels: np.ndarray, X: np.ndarray) -> None:
        settings = {"objective": "binary", "verbosity": -1, "num_leaves": 4, "min_data_in_leaf": 5}
        self.matrix, self.ensemble = self, self
        self.columns = tuple(names)
        self.booster = lgb.train(settings, lgb.Dataset(X, labels), 5)


def model(names: list[str], labels: np.ndarray, X: np.ndarray) -> Model:
    return Stub(names, labels, X)  # type: ignore[return-value]


def test_shares_sum_to_one_and_the_useful_family_comes_first() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    labels = (X[:, 1] + 0.3 * X[:, 2] + 0.3 * X[:, 0] > 0).astype(int)
    gains = gain_by_family(model(["cues__a", "volume__b", "volume__c"], labels, X))
    assert gains is not None
    assert list(gains) == ["volume", "cues"]
    assert sum(gains.values()) == pytest.approx(1.0)
    booster = model(["cues__a", "volume__b", "volume__c"], labels, X).ensemble.booster
    raw = booster.feature_importance("gain")
    assert gains["volume"] == pytest.approx(raw[1:].sum() / raw.sum())


def test_a_model_without_a_split() -> None:
    X = np.zeros((50, 1))
    assert gain_by_family(model(["cues__a"], np.arange(50) % 2, X)) is None
