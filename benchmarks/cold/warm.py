"""A short command from start to end, with byte code and kernels cached: ``fraudsieve predict`` on 57 messages."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["N_MESSAGES", "ROUNDS", "warm_calls", "warm_figures"]

N_MESSAGES, ROUNDS = 57, 7


def warm_calls(folder: Path) -> dict[str, list[str]]:
    """Write the messages, and return the calls: those of the command, and the imports that it cannot do without."""
    import pandas as pd

    texts = [f"Your parcel {n} is held, pay the fee at http://parcel.example/{n}" for n in range(N_MESSAGES)]
    pd.DataFrame({"message_id": range(N_MESSAGES), "text": texts}).to_csv(folder / "messages.csv", index=False)
    command = [sys.executable, "-c", "from fraudsieve.cli.app import main; main()"]  # as the installed script
    predict = [*command, "predict", "--model", str(folder / "model"), "--output", str(folder / "scores.parquet")]
    return {
        "imports": [sys.executable, "-c", "import lightgbm, pandas, pyarrow"],
        "predict": [*predict, "--messages", str(folder / "messages.csv")],
        "wrong_call": [*predict, "--messages", str(folder / "missing.csv")],
        "help": [*command, "--help"],
    }


def warm_figures(calls: Mapping[str, Sequence[str]], kernels: Path, rounds: int = ROUNDS) -> dict[str, float]:
    """Run calls in turn, each once before they are measured.

    Parameters
    ----------
    calls : mapping of str to sequence of str
        From `warm_calls`.
    kernels : Path
        Numba's cache.
    rounds : int, default=ROUNDS
        Measured runs of each call.

    Returns
    -------
    dict of str to float
        Medians: ``warm_NAME_s`` and ``warm_NAME_cpu_s`` of a call, and ``warm_predict_above_imports_s`` and ``_cpu_s``.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["NUMBA_CACHE_DIR"] = str(kernels)
    measured = [{name: _run(call, environment) for name, call in calls.items()} for _ in range(rounds + 1)][1:]
    figures = {}
    for at, unit in enumerate(("s", "cpu_s")):
        for name in calls:
            figures[f"warm_{name}_{unit}"] = statistics.median(one[name][at] for one in measured)
        above = (one["predict"][at] - one["imports"][at] for one in measured)
        figures[f"warm_predict_above_imports_{unit}"] = statistics.median(above)
    return figures


def _run(call: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return the seconds of a process, and those of processor time."""
    began, before = time.monotonic(), _children()
    subprocess.run(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False)
    return time.monotonic() - began, _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
