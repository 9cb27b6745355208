"""The benchmark of `train`, with few rows."""

import pytest
from benchmarks.scale import train


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
