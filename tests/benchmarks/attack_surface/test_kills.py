"""Kills are counted with what was acknowledged; what a restored state lacks is counted as lost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks.attack_surface import kills, score_kills
from benchmarks.attack_surface.__main__ import main

from tests.attack.score_kills import LogFaults
from tests.live.postgres import binaries


@pytest.mark.slow
def test_two_kills_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kills", "--kills", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    stores = ["sqlite"] if binaries() is None else ["sqlite", "postgresql"]
    for store in stores:
        assert report["figures"][f"kills.{store}.kills"] == 2
    assert [bar["name"] for bar in report["bars"]] == [
        f"kills.{store}.{name}" for store in stores for name in ("lost", "differing")
    ]
    assert all(bar["holds"] for bar in report["bars"])


class NoSpawner:
    """Starts nothing."""

    def __init__(self, _: Any) -> None:
        self.acknowledged = {"life0": {1, 2}}
        self.n_rewinds = 4

    def close(self) -> None: ...


@pytest.mark.parametrize(("rewinds", "name"), [(False, "kills"), (True, "rewind_kills")])
def test_faults_of_each_store_are_counted(monkeypatch: pytest.MonkeyPatch, rewinds: bool, name: str) -> None:
    addresses, faults = (
        list[str](),
        iter([None, None, None, None, "3 acknowledged records are lost", "the views differ"]),
    )

    def live_and_die(_: Any, __: Any, address: str, *rest: Any) -> str | None:
        addresses.append(address)
        return next(faults)

    @contextmanager
    def running_server() -> Iterator[Any]:
        yield SimpleNamespace(new_address=lambda: "postgresql://x")

    monkeypatch.setattr(kills, "binaries", lambda: Path())
    monkeypatch.setattr(kills, "running_server", running_server)
    monkeypatch.setattr(kills, "Spawner", NoSpawner)
    monkeypatch.setattr(kills, "message_model", lambda: None)
    monkeypatch.setattr(kills, "message_scorer", lambda: None)
    monkeypatch.setattr(kills, "live_and_die", live_and_die)
    measured = kills.count_losses(3, rewinds=rewinds)
    assert [Path(address).name for address in addresses] == ["live0.db"] * 3 + ["x"] * 3
    for store, found in (("sqlite", (0, 0)), ("postgresql", (3, 1))):
        assert tuple(measured.figures[f"{name}.{store}.{fault}"] for fault in ("lost", "differing")) == found
        assert measured.figures[f"{name}.{store}.acknowledged"] == 2
        assert measured.figures.get(f"{name}.{store}.rewinds") == (4 if rewinds else None)
    assert [bar.holds for bar in measured.bars] == [True, True, False, False]
    assert measured.rows == 6


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
