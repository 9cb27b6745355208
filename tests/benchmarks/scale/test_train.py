"""The benchmark of `train`, with few rows."""

from pathlib import Path

import pandas as pd
import pytest
from benchmarks.scale import train
from benchmarks.scale.process_memory import memory_below
from benchmarks.scale.train_tables import write_events, write_messages


@pytest.mark.slow
def test_messages_are_resampled_with_changes(tmp_path: Path) -> None:
    write_messages(tmp_path / "messages", 3_000)
    messages = pd.read_parquet(tmp_path / "messages")
    assert len(messages) == 3_000
    assert messages["text"].is_unique
    assert messages["message_id"].is_unique
    assert set(messages["label"]) == {"fraud", "legitimate"}
    assert messages["sent_at"].notna().all()


def test_the_same_seed_gives_the_same_events(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_events(tmp_path / name, 2_000)
    one, two = (pd.read_parquet(tmp_path / name) for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
    assert 0 < (one["label"] == "fraud").mean() < 0.2


def test_memory_of_processes_that_are_gone_is_not_counted() -> None:
    assert memory_below(2**30) == {}


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["messages", "events"])
def test_figures(subject: str) -> None:
    rows = {"messages": 10_000, "events": 60_000}
    report = train.run(**{f"n_{name}": rows[name] if name == subject else 0 for name in rows})
    steps = [name for name in report.figures if name.startswith(f"{subject}.seconds.")]
    assert sum(report.figures[name] for name in steps) == pytest.approx(report.figures[f"{subject}.seconds"], rel=0.01)
    assert report.figures[f"{subject}.peak_mb"] > 100
    assert f"{subject}.{rows[subject] // 10}.seconds" in report.figures
    assert next(bar.name for bar in report.bars) == f"{subject}.slope"
