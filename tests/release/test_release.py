"""The steps of a release: one after the other, until one fails."""

import hashlib
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from scripts.imports import ROOT
from scripts.release.__main__ import STEPS, Release, main, run_steps
from scripts.release.packages import unpack_sdist, write_checksums


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(tmp_path / "output", tmp_path / "scratch", date(2026, 12, 1))


def test_a_step_that_fails_is_the_last(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    def good(release: Release) -> None:
        """Do something."""

    def bad(release: Release) -> None:
        """Fail."""
        subprocess.run([sys.executable, "-c", "exit(3)"], check=True)

    def never(release: Release) -> None:
        """Is not run."""
        raise AssertionError

    results = run_steps(release, "1a2b", [good, bad, never])
    assert [(result["part"], result["code"]) for result in results] == [("good", 0), ("bad", 1)]
    printed = capsys.readouterr().out
    assert "== good: Do something." in printed
    assert "exit status 3" in printed


def test_every_step_is_run_and_says_what_it_does() -> None:
    methods = [name for name, thing in vars(Release).items() if callable(thing) and not name.startswith("_")]
    assert [step.__name__ for step in STEPS] == methods
    assert all(step.__doc__ for step in STEPS)


def test_checksums_are_those_of_the_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"x")
    lines = write_checksums(tmp_path)
    assert lines == f"{hashlib.sha256(b'x').hexdigest()}  a.whl\n"
    assert write_checksums(tmp_path) == lines == (tmp_path / "SHA256SUMS").read_text()


def test_a_wrong_date_is_a_wrong_call() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--date", "today"])


@pytest.mark.slow
@pytest.mark.skipif((ROOT / "PKG-INFO").exists(), reason="an sdist is of no commit")
def test_the_packages_of_this_commit_have_the_right_files(release: Release, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    results = run_steps(release, "1a2b", STEPS[:3])
    assert [result["code"] for result in results] == [0, 0, 0]
    tree = unpack_sdist(release.packages.sdist, tmp_path / "sdist")
    assert "- 2026-12-01\n" in (tree / "CHANGELOG.md").read_text("utf-8")
    assert (tree / "tests" / "release" / "test_release.py").exists()
