"""The speed of the message builder on synthetic texts: timed calls, and the report."""

import pandas as pd
import pytest
from benchmarks.speed import messages as speed_messages


@pytest.mark.slow
def test_figures_and_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"text": ["晚上回家吃饭好吗", "请加微信领取红包"] * 60, "label": ["ham", "spam"] * 60})
    monkeypatch.setattr(speed_messages, "load_messages", lambda name: table)
    report = speed_messages.run(messages=20, rounds=1)
    assert report.rows == 20
    parts = {"packing", "folding", "cues", "wording", "pinyin", "surprisal"}
    assert {f"us_per_message.{part}" for part in parts} <= set(report.figures)
    assert report.figures["messages_per_second"] > 0
    assert set(report.peers) == {"sklearn"}
    assert [(bar.name, bar.bound) for bar in report.bars] == [
        ("messages_per_second", 100_000.0),
        ("folding_per_second", 500_000.0),
    ]
