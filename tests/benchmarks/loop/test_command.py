"""The command of the loop fails if anything differs."""

import argparse

import pytest
from benchmarks.loop import __main__ as loop
from benchmarks.runner import Bar, Report


@pytest.mark.parametrize("differing", [0, 1])
def test_a_release_fails_if_anything_differs(differing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(options: argparse.Namespace) -> Report:
        return Report("loop", "sqlite", "", 0, bars=[Bar.at_most("sqlite.scores_differing", differing, 0)])

    monkeypatch.setattr(loop, "_run", run)
    assert loop.main(["sqlite", "--days", "20"]) == differing
