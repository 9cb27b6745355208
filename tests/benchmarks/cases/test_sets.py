"""The benchmark of cases, on planted rings in the place of the shared sets."""

import json
from pathlib import Path

import pytest
from benchmarks.cases.__main__ import main
from benchmarks.data.location import DATA_VARIABLE

from tests.cases.planted import planted_rings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "rings" / "hi_small"
    folder.mkdir(parents=True)
    events = planted_rings([5, 6, 7]).rename(columns={"action_id": "event_id", "ring": "ring_id"}).assign(amount=1.0)
    events.to_parquet(folder / "events.parquet")
    events[["event_id", "ring_id"]].astype("str").to_parquet(folder / "truth.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("data")
def test_planted_rings_are_found_and_compared_with_peers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hi_small", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["figures"]["b3.f"] == report["figures"]["oracle.b3.f"] == 1
    assert set(report["peers"]) == {"none", "components", "cpm_accounts", "time_cpm"}
    assert report["peers"]["none"]["b3.recall"] == pytest.approx(1 / 6)
    assert all(bar["holds"] for bar in report["bars"])
