"""The benchmark of watched promises, on few short worlds."""

import pytest
from benchmarks.evaluation import promise as module
from benchmarks.evaluation.__main__ import SETS

from fraudsieve.live.promises import RATE, RECALL


@pytest.mark.slow
def test_alarms_are_counted_and_figures_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WEEKS", 4)
    report = module.promise(5)
    assert SETS["promise"] is module.promise
    assert [bar.name for bar in report.bars] == [
        f"{arm}.{kind}.ever" for arm in ("at", "below") for kind in (RATE, RECALL)
    ]
    assert report.figures[f"below.{RATE}.ever"] == 0
    assert report.peers["binomial"].keys() >= {f"at.{RATE}.ever", f"doubled.{RECALL}.ever"}
    assert all(0 <= value == value for value in report.figures.values())
