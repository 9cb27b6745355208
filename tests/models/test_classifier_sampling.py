"""Training on a sample of a class: the model gives the log-odds of all rows."""

from typing import Any

import numpy as np
import pytest

from fraudsieve._typing import Array
from fraudsieve.models import FraudClassifier

pytestmark = pytest.mark.slow


def population(classes: tuple[str, ...], n: int = 60_000) -> tuple[Array, Array]:
    """Return rows of one informative column, most of them of the class ``ok``."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    slopes = [0.0 if name == "ok" else 1.5 + place for place, name in enumerate(classes)]
    odds = np.outer(slopes, X[:, 0]) + 4.0 * (np.array(classes) == "ok")[:, None]
    shares = (np.exp(odds) / np.exp(odds).sum(axis=0)).cumsum(axis=0)
    return X, np.array(classes, object)[(rng.random(n) > shares).sum(axis=0)]


def fitted(X: Array, y: Array, **options: Any) -> FraudClassifier:
    return FraudClassifier(n_rounds=200, n_jobs=1, row_fraction=1.0, feature_fraction=1.0).fit(X, y, **options)


# Of two classes log-odds are those of the second, so the sign of what is added depends on the order.
@pytest.mark.parametrize("classes", [("fraud", "ok"), ("ok", "scam"), ("fraud", "ok", "scam")])
def test_the_model_gives_the_probabilities_of_all_rows(classes: tuple[str, ...]) -> None:
    X, y = population(classes)
    drawn = (y != "ok") | (np.random.default_rng(1).random(len(y)) < 0.1)
    full, sampled = fitted(X, y), fitted(X[drawn], y[drawn], class_rates={"ok": 0.1})
    uncorrected = fitted(X[drawn], y[drawn])
    expected = full.predict_proba(X)
    found, wrong = sampled.predict_proba(X), uncorrected.predict_proba(X)
    assert found.mean(axis=0) == pytest.approx([(y == name).mean() for name in classes], abs=0.006)
    assert np.abs(found - expected).mean() < 0.012
    assert np.abs(wrong - expected).mean() > 0.05


@pytest.mark.parametrize("classes", [("fraud", "ok"), ("ok", "scam"), ("a", "ok", "z")])
def test_without_a_split_the_probabilities_are_the_frequencies_of_all_rows(classes: tuple[str, ...]) -> None:
    counts = {name: 50 if name == "ok" else 10 * (place + 1) for place, name in enumerate(classes)}
    y = np.repeat(np.array(classes, object), [counts[name] for name in classes])
    model = fitted(np.zeros((len(y), 1)), y, class_rates={"ok": 0.25})
    all_rows = np.array([counts[name] * (4 if name == "ok" else 1) for name in classes])
    assert model.predict_proba(np.zeros((1, 1)))[0] == pytest.approx(all_rows / all_rows.sum(), rel=1e-6)


def test_rates_of_one_change_nothing() -> None:
    X, y = population(("fraud", "ok"), 500)
    one, other = fitted(X, y), fitted(X, y, class_rates={"ok": 1.0})
    assert one.ensemble_.booster.model_to_string() == other.ensemble_.booster.model_to_string()
    assert one.ensemble_.base.tolist() == other.ensemble_.base.tolist()


@pytest.mark.parametrize("rates", [{"ok": 0.0}, {"ok": 1.5}, {"ok": float("nan")}, {"secret": 0.5}])
def test_errors(rates: dict[str, float]) -> None:
    X, y = population(("fraud", "ok"), 500)
    with pytest.raises(ValueError, match="class_rates: expected") as error:
        fitted(X, y, class_rates=rates)
    assert "secret" not in str(error.value)
