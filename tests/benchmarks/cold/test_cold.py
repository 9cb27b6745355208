"""The benchmark of first results: its steps and figures, on kernels of the tests' own."""

import json
from pathlib import Path

import pytest
from benchmarks.cold import __main__ as cold
from benchmarks.cold.probe import STEPS, Kernels
from numba.core.event import install_listener

from fraudsieve._compiled import compile_part


def test_the_time_of_a_kernel_is_without_that_of_the_functions_that_it_calls() -> None:
    @compile_part()
    def inner(x: int) -> int:
        return max(x, 2)

    @compile_part()
    def outer(x: int) -> int:
        return inner(x) + 1

    kernels = Kernels()
    with install_listener("numba:compile", kernels):
        assert outer(1) == 3
        assert outer(2) == 3  # compiled already
    names = [name.rpartition(".")[2] for name in kernels.seconds]
    assert sorted(names) == ["inner", "outer"]  # and Numba's own functions are counted with these
    assert all(0 < seconds < 60 for seconds in kernels.seconds.values())


def test_figures_and_bars_of_every_step(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    caches: list[Path] = []

    def measure(step: str, folder: Path, kernels: Path) -> dict[str, object]:
        caches.append(kernels)
        return {"s": 13.0, "cpu_s": 12.0, "compiling_s": 11.0, "functions": 1, "kernels": {"features.one": 11.0}}

    monkeypatch.setattr(cold, "_prepare", lambda folder: None)  # a training takes half a minute
    monkeypatch.setattr(cold, "measure", measure)
    monkeypatch.setattr(cold, "warm_calls", lambda folder: {})
    monkeypatch.setattr(cold, "warm_figures", lambda calls, kernels: {"warm_help_s": 0.2, "warm_wrong_call_s": 9.0})
    assert cold.main(["--json"]) == 0
    output = capfd.readouterr()
    report = json.loads(output.out.splitlines()[-1])
    assert {f"{step}_s" for step in STEPS} < set(report["figures"])
    assert {bar["name"]: (bar["bound"], bar["holds"]) for bar in report["bars"]} == {
        "cold.first_score_s": (12.0, False),
        "cold.quickstart_s": (25.0, True),
        "cold.warm_help_s": (0.3, True),
        "cold.warm_wrong_call_s": (3.0, False),
    }
    assert len(set(caches)) == len(STEPS)  # each begins with an empty cache
    assert "11.00 s  features.one" in output.err


@pytest.mark.slow
def test_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert cold.main(["--step", "first_score", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert figures["first_score_functions"] > 20
    assert 0 < figures["first_score_compiling_s"] < figures["first_score_cpu_s"]
