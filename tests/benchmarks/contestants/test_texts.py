"""Contestants on synthetic messages: what they learn, and what they are given."""

import importlib.util

import numpy as np
import pytest
from benchmarks.contestants import ours
from benchmarks.contestants.contestant import FitTexts
from benchmarks.contestants.fasttext import FastText
from benchmarks.contestants.linear_svm import LinearSvm

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


def test_svm_never_sees_test_texts() -> None:
    table = made_up()
    texts, y, groups = table["text"].tolist(), table["label"].to_numpy(dtype=object), np.arange(90)
    fitted = LinearSvm().fit(texts[:60], y[:60], groups[:60])
    whole, single = fitted.label(texts[60:]), [fitted.label([text])[0] for text in texts[60:63]]
    assert whole[:3].tolist() == single


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
