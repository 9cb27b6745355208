"""The benchmark of training on a sample, on made-up payments."""

import pytest
from benchmarks.scale import sampling

from tests.training.data.precomputed_files import payments


@pytest.mark.slow
def test_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    made = payments(4000).drop(columns=["event_id", "kind", "labelled_at"])
    made = made.assign(label=(made["label"] == "fraud").astype(int))
    monkeypatch.setattr(sampling, "load_payments", lambda: made)
    monkeypatch.setattr(sampling, "RATES", (1.0, 0.1))
    report = sampling.run()
    figures = report.figures
    assert report.rows == 4000
    assert figures["rate_0.1.train_rows"] < 0.4 * figures["rate_1.train_rows"]
    assert figures["rate_0.1.peak_mb_saved"] == 1 - figures["rate_0.1.peak_mb"] / figures["rate_1.peak_mb"]
    low, high = (figures[f"rate_1.average_precision.{end}"] for end in ("low", "high"))
    assert 0 < low <= figures["rate_1.average_precision"] <= high < 1
    assert len(report.bars) == 4
    assert {bar.name for bar in report.bars} == {f"rate_0.1.{name}" for name in sampling.METRICS}
