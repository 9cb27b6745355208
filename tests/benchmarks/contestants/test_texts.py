"""Contestants on synthetic messages: what they learn, and what they are given."""

import importlib.util

import numpy as np
import pytest
from benchmarks.contestants import ours
from benchmarks.contestants.contestant import FitTexts, Labels
from benchmarks.contestants.fasttext import FastText, FastTextSettings
from benchmarks.contestants.lightgbm import SvdTrees
from benchmarks.contestants.linear_svm import LinearSvm
from benchmarks.data.folds import Rows
from sklearn.metrics import f1_score

from tests.benchmarks.detection.test_detection import made_up
from tests.benchmarks.test_attack import made_up as fraud_and_ham


def fit_of(name: str) -> FitTexts:
    if name == "ours":
        return ours.fit_texts
    if name == "linear_svm":
        return LinearSvm().fit
    if importlib.util.find_spec("fasttext") is None:
        pytest.skip("fastText is not installed: pip install 'fraudsieve[bench]'")
    return FastText(dim=8, bucket=1000).fit


@pytest.fixture(params=["linear_svm", "fasttext"])
def peer(request: pytest.FixtureRequest) -> FitTexts:
    return fit_of(request.param)


@pytest.mark.parametrize("han", [False, True])
def test_peers_learn(peer: FitTexts, han: bool) -> None:
    table = made_up(150, han=han)
    texts, y, groups = table["text"].tolist(), table["label"].to_numpy(dtype=object), np.arange(150)
    predicted = peer(texts[:105], y[:105], groups[:105]).label(texts[105:])
    assert predicted.shape == (45,)
    assert f1_score(y[105:], predicted, average="macro") > 0.9


def test_svm_never_sees_test_texts() -> None:
    table = made_up()
    texts, y, groups = table["text"].tolist(), table["label"].to_numpy(dtype=object), np.arange(90)
    fitted = LinearSvm().fit(texts[:60], y[:60], groups[:60])
    whole, single = fitted.label(texts[60:]), [fitted.label([text])[0] for text in texts[60:63]]
    assert whole[:3].tolist() == single


@pytest.mark.skipif(importlib.util.find_spec("fasttext") is None, reason="fastText is not installed")
def test_fasttext_trains_without_ngrams() -> None:
    lines = ["sale today", "verify account"] * 40
    model = FastText().train(lines, np.arange(80) % 2, FastTextSettings(wordNgrams=1, epoch=5, lr=0.5))
    labels, _ = model.predict(["sale", ""])
    assert labels[0][0] == "__label__0"
    assert len(labels[1]) == 1


class _Features:
    """Stands in for MessageFeatures: texts pass through."""

    def __init__(self, *, legitimate: str) -> None:
        assert legitimate == "ham"

    def set_output(self, *, transform: str) -> "_Features":
        return self

    def fit_transform(self, texts: list[str], y: Labels, *, groups: Rows) -> list[str]:
        assert texts[:2] == ["1", "2"]
        assert groups.tolist()[:2] == [4, 5]
        assert set(groups[2:]) <= {5}  # the copy of a message is of its campaign
        return texts

    def transform(self, texts: list[str]) -> list[str]:
        return texts


class _Classifier:
    """Stands in for FraudClassifier: remembers the texts that it was fitted on."""

    def fit(self, X: list[str], y: Labels, **_: object) -> "_Classifier":
        self.labels = dict(zip(X, y, strict=True))
        return self

    def predict(self, X: list[str]) -> list[str]:
        return [self.labels[text] for text in X]


def test_ours_calls_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "MessageFeatures", _Features)
    monkeypatch.setattr(ours, "FraudClassifier", _Classifier)
    predicted = ours.fit_texts(["1", "2"], np.array(["ham", "spam"]), np.array([4, 5])).label(["2", "1", "2"])
    assert predicted.tolist() == ["spam", "ham", "spam"]


@pytest.fixture(params=["ours", "linear_svm", "fasttext"])
def contestant(request: pytest.FixtureRequest) -> FitTexts:
    return fit_of(request.param)


@pytest.mark.parametrize("han", [False, True])
def test_contestants_score_fraud_high(contestant: FitTexts, han: bool) -> None:
    table = fraud_and_ham(240, han=han)
    texts, is_fraud = table["text"].tolist(), (table["label"] != "ham").to_numpy()
    score = contestant(texts[:180], is_fraud[:180], np.arange(180)).score
    scores = score(texts[180:])
    assert scores.shape == (60,)
    assert scores[is_fraud[180:]].min() > scores[~is_fraud[180:]].max()
    assert np.isfinite(score(["", "?"])).all()


def test_svd_trees_score_fraud_high() -> None:
    frame = fraud_and_ham(300)
    is_fraud = (frame["label"] == "spam").to_numpy()
    score = SvdTrees(n_components=10, n_rounds=20).fit(frame["text"].tolist(), is_fraud, np.arange(300)).score
    assert score(["prize claim winner", "dinner home tonight"])[0] > score(["prize claim winner", "see you at six"])[1]
