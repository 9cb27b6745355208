"""The benchmark of promised rates, on few slices."""

import numpy as np
import pytest
from benchmarks.evaluation import guarantee as module
from benchmarks.evaluation.__main__ import SETS
from benchmarks.evaluation.guarantee import Scenario, guarantee
from scipy.special import ndtr


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


def test_true_rates_are_those_of_the_simulation() -> None:
    rng, scenario = np.random.default_rng(0), Scenario(200_000, size_effect=0.3)
    score, groups = module._legitimate(scenario, rng)
    sizes, shares = module._size_distribution(scenario.tail)
    found = np.bincount(np.bincount(groups), minlength=len(sizes) + 1)[1:] / scenario.n_groups
    assert found[:5] == pytest.approx(shares[:5], abs=0.005)
    over_campaigns = np.mean(np.bincount(groups, weights=score > 2) / np.bincount(groups))
    means = scenario.size_effect * np.log(sizes)
    assert over_campaigns == pytest.approx(shares @ ndtr(means - 2), rel=0.05)
