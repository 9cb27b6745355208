"""The long run of the generators: counts by outcome, and a process that ends is counted and replaced."""

import json

import pytest
from benchmarks.attack_surface.__main__ import main


@pytest.mark.slow
@pytest.mark.parametrize("limits", [("--minutes", "1", "--tries", "40"), ("--minutes", "0", "--at-least", "40")])
def test_counts_by_outcome(capsys: pytest.CaptureFixture[str], limits: tuple[str, ...]) -> None:
    assert main(["recipes", *limits, "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["rows"] == 40
    assert sum(report["figures"].values()) == 40
    assert report["figures"]["recipes.anything_else"] == 0
    assert {bar["name"]: bar["holds"] for bar in report["bars"]} == {
        "recipes.anything_else": True,
        "recipes.inputs": True,
    }
