"""Boosters of several seeds, and other rows that say when to stop."""

from typing import Any

import numpy as np
import pytest

from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.models.trees.booster_text import check_booster

from .test_classifier import frame_of, small


@pytest.mark.parametrize("classes", [("fraud", "legitimate"), ("ham", "scam", "spam")])
def test_several_seeds_are_one_booster_with_the_mean_of_their_log_odds(classes: tuple[str, ...]) -> None:
    frame, y = frame_of(classes=classes)
    several = small(n_seeds=3, random_state=4).fit(frame, y)
    each = [small(random_state=seed).fit(frame, y).ensemble_.log_odds(frame.to_numpy()) for seed in (4, 5, 6)]
    np.testing.assert_allclose(several.ensemble_.log_odds(frame.to_numpy()), np.mean(each, axis=0), atol=1e-12)
    assert not np.allclose(each[0], each[1])
    text = several.ensemble_.booster.model_to_string()
    assert check_booster(text.encode(), frame.shape[1], len(each[0][0])) == text
    rounds = several.ensemble_.booster.current_iteration()
    assert rounds == 3 * small().n_rounds


def test_other_rows_say_when_to_stop() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y, seen = np.where(X[:, 1] + rng.normal(size=600) > 0, "fraud", "legitimate"), list[tuple[int, float]]()

    def is_over(n_rounds: int, loss: float) -> bool:
        seen.append((n_rounds, loss))
        return n_rounds >= 40

    model = FraudClassifier(n_rounds=100, n_jobs=1)
    model.fit(X[:400], y[:400], eval_set=(X[400:], y[400:], None), on_round=is_over)
    assert [n for n, _ in seen] == [10, 20, 30, 40]
    assert model.ensemble_.booster.current_iteration() == 40
    fraud = model.predict_proba(X[400:])[:, 0]
    truth = y[400:] == "fraud"
    assert seen[-1][1] == pytest.approx(-np.log(np.where(truth, fraud, 1 - fraud)).mean())


def test_other_rows_have_known_classes_and_several_seeds_report_the_first() -> None:
    X, y = np.random.default_rng(0).normal(size=(300, 2)), np.repeat(["fraud", "legitimate"], 150)
    with pytest.raises(ValueError, match="y holds a class that fit has not seen"):
        small().fit(X, y, eval_set=(X[:2], ["fraud", "spam"], None), on_round=lambda n, loss: None)
    seen = list[int]()
    small(n_seeds=3).fit(X, y, on_round=lambda n, loss: seen.append(n))
    assert seen == [10]


def test_early_stopping_keeps_the_rounds_up_to_the_lowest_loss() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 4))
    y = np.where(X[:, 1] + 2 * rng.normal(size=900) > 0, "fraud", "legitimate")
    later, losses = (X[600:], y[600:]), dict[int, float]()
    settings: dict[str, Any] = {"n_rounds": 400, "learning_rate": 0.2, "n_jobs": 1}
    FraudClassifier(**settings).fit(X[:600], y[:600], eval_set=later, on_round=lambda n, loss: losses.update({n: loss}))
    stopped = FraudClassifier(**settings).fit(X[:600], y[:600], eval_set=[later], early_stopping_rounds=20)
    rounds = stopped.booster_.current_iteration()
    assert len(losses) == 40
    assert rounds < 60
    shorter = FraudClassifier(**settings | {"n_rounds": rounds}).fit(X[:600], y[:600])
    assert shorter.predict_proba(later[0]).tobytes() == stopped.predict_proba(later[0]).tobytes()
    truth = later[1] == "fraud"
    fraud = stopped.predict_proba(later[0])[:, 0]
    assert -np.log(np.where(truth, fraud, 1 - fraud)).mean() <= min(losses.values())
    each = FraudClassifier(**settings, n_seeds=2).fit(X[:600], y[:600], eval_set=later, early_stopping_rounds=20)
    assert rounds < each.booster_.current_iteration() < 120
    with pytest.raises(ValueError, match="early_stopping_rounds: expected an eval_set"):
        small().fit(X, y, early_stopping_rounds=5)
