"""The benchmark of groups that a column joins, in few worlds."""

import pytest
from benchmarks.evaluation import joined_groups as module
from benchmarks.evaluation.__main__ import SETS
from benchmarks.evaluation.joined_groups import SCENARIOS, joined_groups

pytestmark = pytest.mark.slow


def test_promises_count_groups_and_chains_leave_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SETS["groups"] is joined_groups
    monkeypatch.setattr(module, "SCENARIOS", {name: SCENARIOS[name] for name in ("videos", "branches", "merchants")})
    report = joined_groups(40)
    for name in ("videos", "branches", "merchants"):
        assert report.figures[f"{name}.exceeded"] <= 0.1
        assert report.figures[f"{name}.holds"] > report.peers["units"][f"{name}.holds"]
        assert report.figures[f"{name}.promised"] == 1.0, "150 values are enough for a promise of 5 %"
        assert report.peers["components"][f"{name}.groups"] < 50, "chains join nearly all values"
    assert report.peers["units"]["videos.exceeded"] > 0.1
