"""Kills are counted with what was acknowledged; what a restored state lacks is counted as lost."""

import json
from typing import Any

import pytest
from benchmarks.attack_surface import kills, score_kills
from benchmarks.attack_surface.__main__ import main

from tests.attack.score_kills import LogFaults


@pytest.mark.slow
def test_two_kills_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kills", "--kills", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["figures"]["kills.kills"] == 2
    assert report["figures"]["kills.lost"] == report["figures"]["kills.differing"] == 0
    assert all(bar["holds"] for bar in report["bars"])


class NoSpawner:
    """Starts nothing."""

    def __init__(self, _: Any) -> None:
        self.acknowledged = {"life0": {1, 2}}
        self.n_rewinds = 4

    def close(self) -> None: ...


@pytest.mark.parametrize(("rewinds", "name"), [(False, "kills"), (True, "rewind_kills")])
def test_faults_are_counted(monkeypatch: pytest.MonkeyPatch, rewinds: bool, name: str) -> None:
    faults = iter([None, "3 acknowledged records are lost", "the restored views differ"])
    monkeypatch.setattr(kills, "Spawner", NoSpawner)
    monkeypatch.setattr(kills, "message_model", lambda: None)
    monkeypatch.setattr(kills, "message_scorer", lambda: None)
    monkeypatch.setattr(kills, "live_and_die", lambda *_: next(faults))
    measured = kills.count_losses(3, rewinds=rewinds)
    assert (measured.figures[f"{name}.lost"], measured.figures[f"{name}.differing"]) == (3, 1)
    assert measured.figures[f"{name}.acknowledged"] == 2
    assert measured.figures.get(f"{name}.rewinds") == (4 if rewinds else None)
    assert [bar.holds for bar in measured.bars] == [False, False]


def test_faults_of_a_score_log_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([LogFaults(9, 9), LogFaults(5, 6, missing=1, repeated=2, differing=3, absent=4)])
    monkeypatch.setattr(score_kills, "binaries", lambda: None)
    monkeypatch.setattr(score_kills, "message_model", lambda: None)
    monkeypatch.setattr(score_kills, "kill_while_scores_are_logged", lambda *_: next(found))
    measured = score_kills.count_faults(4)
    assert {name.partition(".")[2]: value for name, value in measured.figures.items()} == {
        "kills": 4,
        "answered": 14,
        "logged": 15,
        "missing": 1,
        "repeated": 2,
        "differing": 3,
        "absent": 4,
    }
    assert [bar.holds for bar in measured.bars] == [False] * 4
