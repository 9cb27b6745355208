"""The benchmark of mixtures on simulated messages, with contestants that know the answer or only one source."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.contestants.contestant import Fitted, FitTexts, Labels
from benchmarks.data.folds import Rows
from benchmarks.transfer import mixture
from benchmarks.transfer.mixture import compare_mixture


class SimulatedSet:
    """Messages of which those with a mark are spam."""

    def __init__(self, mark: str, *, has_split: bool = False) -> None:
        rng = np.random.default_rng(len(mark))
        is_spam = rng.random(120) < 0.5
        words = ["".join(rng.choice(list("abcdefghijklmnop"), 20)) for _ in range(120)]
        texts = [f"{word} {mark if spam else 'no'}" for word, spam in zip(words, is_spam, strict=True)]
        self.table = pd.DataFrame({"text": texts, "label": np.where(is_spam, "spam", "ham")})
        if has_split:
            self.table["split"] = np.where(np.arange(120) < 80, "train", "test")

    def load(self) -> pd.DataFrame:
        return self.table


def knows(*marks: str) -> FitTexts:
    def fit(texts: list[str], y: Labels, groups: Rows) -> Fitted:
        assert len(texts) == len(y) == len(groups)
        return Fitted(np.array, lambda batch: np.array([any(mark in text for mark in marks) for text in batch], float))

    return fit


def test_each_source_is_judged_in_the_mixture_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = {"one": SimulatedSet("win"), "two": SimulatedSet("prize", has_split=True)}
    monkeypatch.setattr(mixture, "MESSAGE_SETS", sets)
    report = compare_mixture(["one", "two"], {"ours": knows("win", "prize"), "peer": knows("win")}, draws=2, rows=80)
    assert report.rows == 160
    assert set(report.figures) == {"mixture.one", "mixture.two", "own.one", "own.two"}
    assert all(value == pytest.approx(1) for value in report.figures.values())
    assert report.peers["peer"]["mixture.one"] == pytest.approx(1)
    assert report.peers["peer"]["mixture.two"] < 0.7
    assert [(bar.name, bar.holds) for bar in report.bars] == [("mixture.one", True), ("mixture.two", True)]
