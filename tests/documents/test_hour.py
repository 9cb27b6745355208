"""The first hour of a stranger, `scripts/first_hour`, runs in this environment, and each of its steps succeeds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quickstart import run_quickstart

from .blocks import ROOT

SCRIPT = ROOT / "scripts" / "first_hour"
PROGRAMS = ("bash", "curl", "awk")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}")


def run(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "FRAUDSIEVE_"))}
    paths = {"PATH": ":".join([*([path] if path else []), str(Path(sys.executable).parent), os.environ["PATH"]])}
    return subprocess.run([SCRIPT, *arguments], env=clean | paths, capture_output=True, text=True, check=False)


def codes(output: str) -> dict[str, int]:
    """Return the exit code of each step, from the table at the end."""
    table = output.rpartition(" seconds  code  step\n")[2]
    return {name: int(code) for code, name in re.findall(r"^ *[\d.]+ +(\d+)  (.+)$", table, re.MULTILINE)}


@pytest.mark.slow
def test_every_step_succeeds(tmp_path: Path) -> None:
    done = run("--here", "--keep", str(tmp_path), path=str(_with_the_quickstart(tmp_path / "programs")))
    steps = codes(done.stdout)
    assert len(steps) >= 18, done.stdout + done.stderr
    assert {name for name, code in steps.items() if code} == set(), done.stdout + done.stderr
    assert done.returncode == 0
    assert {"report.html", "monitor.html", "reasons.csv"} <= {path.name for path in tmp_path.iterdir()}


def _with_the_quickstart(folder: Path) -> Path:
    """Write a `fraudsieve` that has the quickstart of this test run, and runs every other command."""
    empty, _ = run_quickstart()
    folder.mkdir()
    (folder / "fraudsieve").write_text(
        f'#!/bin/sh\n[ "$1" != quickstart ] || exec cp -r "{empty}/fraudsieve-quickstart" .\n'
        f'exec "{Path(sys.executable).parent}/fraudsieve" "$@"\n'
    )
    (folder / "fraudsieve").chmod(0o755)
    return folder


def test_a_step_that_fails_is_in_the_table_and_stops_nothing(tmp_path: Path) -> None:
    for program in ("fraudsieve", "python"):
        (tmp_path / program).write_text("#!/bin/sh\nexit 3\n")
        (tmp_path / program).chmod(0o755)
    done = run("--here", path=str(tmp_path))
    assert done.returncode == 1
    steps = codes(done.stdout)
    assert (steps["quickstart"], steps["promote"]) == (3, 3)
    assert steps["stop the service"] != 0


def test_an_unknown_option_is_an_error() -> None:
    done = run("--there")
    assert (done.returncode, done.stderr) == (2, "first_hour: expected --here or --keep FOLDER, got --there\n")
