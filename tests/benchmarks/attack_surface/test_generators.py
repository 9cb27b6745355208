"""The long run of the generators: counts by outcome, and a process that ends is counted and replaced."""

import json
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from benchmarks.attack_surface.__main__ import main
from benchmarks.attack_surface.generators import Limits, attack

from tests.attack import generators
from tests.attack.outcomes import ACCEPTED, OTHER

GENERATOR = """
import atexit
import os
from pathlib import Path
from tests.attack.outcomes import Outcome, judge

def prepare(folder):
    atexit.register(Path(STOPPED).touch)
    def attempt(rng):
        number = int(rng.integers(1 << 30))
        if number in ENDS:
            os._exit(7)
        return judge(lambda: number not in DIFFERS)
    return attempt
"""


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


@pytest.mark.slow
def test_a_process_that_ends_is_a_failure_and_the_run_goes_on_and_stops_what_it_started(tmp_path: Path) -> None:
    numbers = [int(np.random.default_rng(seed).integers(1 << 30)) for seed in range(6)]
    file = Path(generators.__path__[0], "ends_for_a_test.py")
    stopped = tmp_path / "stopped"
    names = {"ENDS": [numbers[2]], "DIFFERS": [numbers[4]], "STOPPED": str(stopped)}
    file.write_text(reduce(lambda text, name: text.replace(name, repr(names[name])), names, GENERATOR), "utf-8")
    try:
        counts = attack("ends_for_a_test", Limits(60, tries=6))
    finally:
        file.unlink()
    assert stopped.exists()
    assert counts.kinds == {ACCEPTED: 4, OTHER: 2}
    assert counts.failures == [
        (2, "the process ended with exit code 7"),
        (4, "accepted, and the results differ"),
    ]
