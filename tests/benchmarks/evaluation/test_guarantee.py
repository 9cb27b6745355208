"""The benchmark of promised rates, on few slices."""

import numpy as np
import pytest
from benchmarks.evaluation import guarantee as module
from benchmarks.evaluation.__main__ import SETS
from benchmarks.evaluation.guarantee import Scenario, guarantee


def test_promises_are_kept_and_thresholds_on_rows_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCENARIOS", {"single": Scenario(400, np.inf), "campaigns": Scenario(400)})
    report = guarantee(150)
    assert SETS["guarantee"] is guarantee
    assert [bar.name for bar in report.bars] == ["single.exceeded.low", "campaigns.exceeded.low"]
    assert all(bar.holds for bar in report.bars)
    assert report.peers["rows"]["campaigns.exceeded"] > 0.4
    # Of messages that are independent, the bound over campaigns is the one over messages.
    assert report.peers["binomial_rows"]["single.exceeded"] == report.figures["single.exceeded"]
    assert report.peers["binomial_rows"]["campaigns.exceeded"] > 0.2
    assert report.figures["campaigns.false_positives"] < 0.01
