"""The speed benchmark of the wording scores on a few synthetic messages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.speed import wording as speed_wording


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
