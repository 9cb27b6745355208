"""The footprint benchmark: its parts in this environment, and the whole in a fresh one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import footprint


@pytest.mark.slow
def test_an_environment_with_more_than_the_base_is_rejected(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        footprint.start(Path(sys.executable), tmp_path / "model", tmp_path / "kernels")
    assert "this environment has mlflow, pandas" in capfd.readouterr().err


def test_sizes_by_package(tmp_path: Path) -> None:
    sizes = {"numpy/core.py": 3, "numpy.libs/blas.so": 2, "numpy-2.1.dist-info/RECORD": 1, "one.py": 1, "pip/a.py": 9}
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size * 2**20)
    measured = footprint.installed_mb(tmp_path)
    assert measured == {"installed_mb": 7, "installed_mb.numpy": 6, "installed_mb.one.py": 1}


def test_bars() -> None:
    values = {"import_and_load_s": 0.6, "cold_start_s": 2.1, "resident_mb": 203.0, "installed_mb": 426.0}
    bars = footprint._bars(values)
    assert {bar.name: (bar.bound, bar.holds) for bar in bars} == {
        "footprint.import_and_load_s": (1, True),
        "footprint.cold_start_s": (2, False),
        "footprint.resident_mb": (250, True),
        "footprint.installed_mb": (500, True),
    }
    del values["resident_mb"]  # no /proc
    assert len(footprint._bars(values)) == 3


def test_a_peer_is_imported_in_new_processes() -> None:
    measured = footprint._import_of("json", 1)
    assert 0 < measured["import_s"] < 5
    assert measured["resident_mb"] > 5


def test_a_program_that_fails_ends_the_benchmark() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        footprint._run_program(Path(sys.executable), "raise SystemExit(3)")


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
