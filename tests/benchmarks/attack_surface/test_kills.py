"""Kills are counted with what was acknowledged; what a restored state lacks is counted as lost."""

import json
from typing import Any

import pytest
from benchmarks.attack_surface import kills
from benchmarks.attack_surface.__main__ import main


@pytest.mark.slow
def test_two_kills_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kills", "--kills", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["figures"]["kills.kills"] == 2
    assert report["figures"]["kills.lost"] == report["figures"]["kills.differing"] == 0
    assert all(bar["holds"] for bar in report["bars"])


class NoSpawner:
    """Starts nothing."""

    def __init__(self, _: Any) -> None: ...

    def close(self) -> None: ...


def test_faults_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([None, "3 acknowledged records are lost", "the restored views differ"])
    monkeypatch.setattr(kills, "Spawner", NoSpawner)
    monkeypatch.setattr(kills, "message_model", lambda: None)
    monkeypatch.setattr(kills, "message_scorer", lambda: None)
    monkeypatch.setattr(kills, "live_and_die", lambda *_: next(faults))
    measured = kills.count_losses(3)
    assert (measured.figures["kills.lost"], measured.figures["kills.differing"]) == (3, 1)
    assert [bar.holds for bar in measured.bars] == [False, False]
