"""The footprint benchmark: its parts in this environment, and the whole in a fresh one."""

import json

import pytest
from benchmarks import footprint


@pytest.mark.slow
def test_the_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "_import_of", lambda module, rounds: {"import_s": 1.0})
    assert footprint.main(["--json", "--rounds", "1"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["name"] == "footprint"
    assert len(report["bars"]) == 4
    measured = report["figures"]
    assert 100 < measured["installed_mb"] < 1000
    assert measured["installed_mb.llvmlite"] > measured["installed_mb.lightgbm"] > 0
    assert measured["import_s"] + measured["load_s"] == pytest.approx(measured["import_and_load_s"])
    assert measured["import_and_load_s"] < measured["loaded_s"] < measured["cold_start_s"]
    assert measured["loaded_s"] + measured["score_s"] == pytest.approx(measured["cold_start_s"], abs=0.2)
    # The second process uses the cache of the first. Loading compiles, since it ends with scored samples.
    assert measured["cold_start_s"] < measured["compiling.cold_start_s"] / 3
    assert measured["kernels_mb"] > 0.1
    assert 20 < measured["resident_mb"] <= measured["peak_mb"] <= measured["compiling.peak_mb"] < 2000
    assert report["peers"] == {"mlflow.pyfunc": {"import_s": 1.0}}
