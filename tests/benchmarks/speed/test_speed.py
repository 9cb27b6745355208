"""The speed benchmark of the wording scores on a few synthetic messages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.speed import wording as speed_wording
from benchmarks.speed.timing import medians_in_turn


@pytest.fixture(autouse=True)
def few_messages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "messages").mkdir()
    table = pd.DataFrame({"text": [f"{row} 质量很好 加微信" for row in range(120)], "label": ["ham", "spam"] * 60})
    table.to_parquet(tmp_path / "messages" / "stoneskipping.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    makers = {name: make for name, make in speed_wording._makers().items() if name != "fasttext"}
    monkeypatch.setattr(speed_wording, "_makers", lambda: makers)


@pytest.mark.slow
def test_figures_of_two_and_of_fourteen_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_wording, "wording_scorer", lambda texts, y: lambda batch: np.zeros(len(batch)))
    report = speed_wording.run(messages=100, rounds=3)
    names = {"us_per_message", "us_per_message.2", "us_per_message.14", "seconds_to_ready.2", "seconds_to_ready.14"}
    assert report.rows == 100
    assert set(report.peers["sklearn"]) == names
    assert set(report.figures) == names | {"ratio_to_sklearn.2", "ratio_to_sklearn.14"}
    assert report.figures["us_per_message"] == report.figures["us_per_message.2"]
    expected = report.figures["us_per_message.14"] / report.peers["sklearn"]["us_per_message.14"]
    assert report.figures["ratio_to_sklearn.14"] == pytest.approx(expected)


@pytest.mark.slow
def test_ours_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwired(texts: list[str], y: object) -> None:
        raise NotImplementedError("not wired")

    monkeypatch.setattr(speed_wording, "wording_scorer", unwired)
    report = speed_wording.run(messages=60, rounds=1)
    assert report.figures == {}
    assert list(report.bars) == []
    assert set(report.peers) == {"sklearn"}


@pytest.mark.parametrize(("ratio", "holds"), [(0.1, [True, True]), (0.3, [False, True]), (0.5, [False, False])])
def test_bars(ratio: float, holds: list[bool]) -> None:
    bars = speed_wording._bars({"ratio_to_fasttext.2": ratio, "ratio_to_fasttext.14": ratio})
    assert [bar.holds for bar in bars] == holds
    assert [(bar.name[-2:], bar.bound) for bar in bars] == [(".2", 0.2), ("14", 0.4)]


def test_in_turn_after_one_warm_up() -> None:
    seen: list[str] = []
    medians = medians_in_turn({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, rounds=2)
    assert seen == ["a", "b"] * 3
    assert set(medians) == {"a", "b"}
