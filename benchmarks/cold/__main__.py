"""Time to a first result from an empty cache of kernels, and of a short command with a full one.

``python -m benchmarks.cold``; ``--step predict`` measures the command alone.

It needs no data: the model and the tables are of a simulated world.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cold.probe import STEPS
from benchmarks.cold.warm import warm_calls, warm_figures
from benchmarks.footprint import train_small_model
from benchmarks.runner import Bar, Report, progress, run_command

__all__ = ["main", "measure", "run"]

SLOWEST = 12
BOUNDS = {
    "first_score_s": 12.0,
    "quickstart_s": 25.0,
    "warm_predict_above_imports_s": 0.5,
    "warm_help_s": 0.3,
    "warm_wrong_call_s": 3.0,
}
PREDICT = "predict"
"""The step whose caches are full, unlike those of `STEPS`."""
ALL_STEPS = (*STEPS, PREDICT)
PROTOCOL = (
    "A process per figure, each with an empty Numba cache, from its start with the interpreter to the result. "
    "first_score: Scorer.load of a model folder of messages, whose sample records are scored and explained, and one "
    "score. first_reasons: the same with reasons. first_history: AccountFeatures with the default views and network. "
    "quickstart: simulate, train, evaluate and score. *_cpu_s: user and system time of the process and its children, "
    "which other programs on the machine disturb less; *_compiling_s: the part of it in which Numba compiles; "
    "*_functions: the compiled functions. warm_*: whole processes with byte code and kernels cached, in turn, medians: "
    "fraudsieve predict on 57 messages and a local model folder, the imports of LightGBM, pandas and PyArrow alone, "
    "predict of a missing file, and --help. On machines that differ by load only, compare the processor time."
)


def run(*, steps: Sequence[str] = ALL_STEPS) -> Report:
    """Train a model, and measure every step in a new process.

    Parameters
    ----------
    steps : sequence of str, default=ALL_STEPS
        The steps to measure.

    Returns
    -------
    Report
        Seconds. The slowest kernels go to the error stream.
    """
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress("training a model of the simulated world")
        _prepare(folder)
        for step in (one for one in steps if one != PREDICT):
            measured = measure(step, folder, folder / f"kernels-{step}")
            figures |= {f"{step}_{what}": measured[what] for what in ("s", "cpu_s", "compiling_s", "functions")}
            progress(f"{step}: {measured['s']:.1f} s, {measured['cpu_s']:.1f} s of processor time; slowest kernels:")
            for kernel, seconds in slowest(measured["kernels"]):
                progress(f"  {seconds:6.2f} s  {kernel}")
        if PREDICT in steps:
            progress("the command, with its caches full")
            figures |= warm_figures(warm_calls(folder), folder / "kernels-warm")
    bars = [Bar.at_most(f"cold.{name}", figures[name], bound) for name, bound in BOUNDS.items() if name in figures]
    return Report("cold", "simulated", PROTOCOL, len(steps), figures, bars=bars)


def measure(step: str, folder: Path, kernels: Path) -> dict[str, Any]:
    """Run one step in a new process.

    Parameters
    ----------
    step : str
        One of `STEPS`.
    folder : Path
        The folder with the model and the tables.
    kernels : Path
        Numba's cache; a missing or an empty folder.

    Returns
    -------
    dict
        ``s`` and ``cpu_s``, ``compiling_s``, ``functions``, and ``kernels``: seconds by name.

    Raises
    ------
    subprocess.CalledProcessError
        If the process failed.
    """
    kernels.mkdir(exist_ok=True)
    call = [sys.executable, "-m", "benchmarks.cold.probe", step, str(folder)]
    began = time.monotonic()  # the system's clock, so that the started process reads the same one
    environment = os.environ | {"NUMBA_CACHE_DIR": str(kernels)}
    output = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
    measured: dict[str, Any] = json.loads(output.splitlines()[-1])
    compiled: dict[str, float] = measured["kernels"]
    measured |= {"s": measured["ended"] - began, "compiling_s": sum(compiled.values()), "functions": len(compiled)}
    return measured


def slowest(kernels: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the functions that took longest to compile, the slowest first."""
    return sorted(kernels.items(), key=lambda pair: -pair[1])[:SLOWEST]


def _prepare(folder: Path) -> None:
    """Write a model of messages, and events with accounts to score."""
    import pandas as pd

    from fraudsieve.training.simulation.world import simulate

    train_small_model(folder / "model")
    events = simulate(days=10, n_accounts=100).events
    events.to_parquet(folder / "events.parquet")
    latest = events.groupby("account_id")["occurred_at"].max() + pd.Timedelta("1h")
    latest.rename("as_of").reset_index().to_parquet(folder / "subjects.parquet")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    step = {"action": "append", "choices": ALL_STEPS, "help": "measure this step alone; may be repeated"}
    return run_command("cold", _run, __doc__, argv, arguments={"--step": step})


def _run(options: argparse.Namespace) -> Report:
    return run(steps=options.step or ALL_STEPS)


if __name__ == "__main__":
    sys.exit(main())
