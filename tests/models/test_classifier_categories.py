"""Categories and strings of a DataFrame: their order does not matter, and an unseen one is missing."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from fraudsieve.models import FraudClassifier


def table(n: int = 1500) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    channel, city = rng.choice(["app", "web", "pos"], n), rng.choice(["Rome", "Oslo", "Lima", "Bonn"], n)
    fraud = rng.random(n) < np.where(channel == "web", 0.6, 0.1) * np.where(city == "Oslo", 1.5, 1)
    frame = pd.DataFrame({"amount": rng.normal(size=n), "channel": pd.Categorical(channel), "city": city})
    return frame.assign(code=pd.Categorical(rng.integers(0, 5, n)), is_new=rng.random(n) < 0.5), fraud.astype(int)


def test_categories_have_the_same_scores_in_any_order_and_type() -> None:
    X, y = table()
    model = FraudClassifier(n_jobs=1).fit(X, y)
    assert list(model.categories_) == ["channel", "city", "code"]
    assert model.feature_importances_[1] > 0.3
    expected = model.predict_proba(X)
    assert ((expected[:, 1] > 0.4) == (X["channel"] == "web")).mean() > 0.9
    part = X.iloc[7:8].assign(channel=X["channel"].iloc[7:8].cat.remove_unused_categories())
    for other in (
        X.assign(channel=X["channel"].cat.reorder_categories(["web", "pos", "app"])),
        X.assign(channel=X["channel"].astype(str), city=X["city"].astype("category")),
        X.assign(channel=X["channel"].astype(object), code=X["code"].cat.add_categories([9])),
        pickle.loads(pickle.dumps(X)),
    ):
        assert model.predict_proba(other).tobytes() == expected.tobytes()
    unnamed = dict(zip(X, range(5), strict=True))
    renamed = FraudClassifier(n_jobs=1).fit(X.rename(columns=unnamed), y)
    assert renamed.predict_proba(X.rename(columns=unnamed)).tobytes() == expected.tobytes()
    assert model.predict_proba(part).tobytes() == expected[7:8].tobytes()
    again: Any = pickle.loads(pickle.dumps(model))
    assert again.predict_proba(X).tobytes() == expected.tobytes()


def test_an_unseen_category_is_missing() -> None:
    X, y = table()
    known = X.index.to_numpy() % 9 > 0
    model = FraudClassifier(n_jobs=1).fit(X.assign(channel=X["channel"].where(known), city=X["city"].where(known)), y)
    unseen, missing = (model.predict_proba(X.assign(channel=value, city=value)) for value in ("atm", None))
    assert unseen.tobytes() == missing.tobytes()
    assert unseen.tobytes() != model.predict_proba(X).tobytes()


def test_categories_work_in_other_tools_and_numbers_are_needed_elsewhere() -> None:
    X, y = table()
    model = FraudClassifier(n_jobs=1)
    assert cross_val_score(model, X, y, scoring="roc_auc", cv=2).mean() > 0.7
    fitted = clone(model).fit(X, y, eval_set=(X[::-1], y[::-1]), early_stopping_rounds=5).calibrate(X, y)
    assert fitted.booster_.num_feature() == 5
    assert FraudClassifier(n_jobs=1, n_rounds=5).fit(X[["amount"]].astype(object), y).categories_ == {}
    assert FraudClassifier(n_jobs=1, n_rounds=5).fit(X[["amount"]], y).categories_ == {}
    with pytest.raises(ValueError, match="could not convert"):
        fitted.predict(X.assign(amount="much"))
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(X.drop(columns="city"))
