"""The quickstart: the first report that a newcomer sees has types that were learnt."""

from pathlib import Path

import pytest

from fraudsieve.training.first_run import quickstart


@pytest.mark.slow
def test_every_type_is_learnt_and_the_report_says_what_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = quickstart(tmp_path / "first").trained.report
    assert report.decision is not None
    assert (report.decision.recall or 0) > 0.7
    assert len(report.by_type) == 9
    weak = {name: metrics.f1 for name, metrics in report.by_type.items() if metrics.f1 < 0.35}
    assert weak == {}
    assert {name: metrics.rows for name, metrics in report.by_type.items() if metrics.rows < 15} == {}
    assert {part.by for part in report.slices or ()} == {"channel", "language", "length"}
