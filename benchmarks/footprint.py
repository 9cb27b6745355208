"""Footprint of scoring: a fresh environment, from an empty folder to the first score.

``python -m benchmarks.footprint``. It needs pip's registry and no data: the model is of a simulated world.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.runner import Bar, Report, progress, run_command

__all__ = ["installed_mb", "main", "run", "start", "train_small_model"]

ROOT = Path(__file__).resolve().parents[1]
PROBE = Path(__file__).with_name("service") / "footprint_probe.py"
LARGEST = 6
IMPORT_S, COLD_START_S, RESIDENT_MB, INSTALLED_MB = 1.0, 2.0, 250.0, 500.0
NO_PACKAGES = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
"""Packages of the environment itself, which an image does not need."""
PROTOCOL = (
    "python -m venv in a temporary folder, then pip install of this checkout without an extra. installed: the files of "
    "site-packages, with byte code, without pip and setuptools. Then {rounds} fresh processes, one after the other, "
    "files and Numba's cache warm, medians: import (of fraudsieve.models.predict), load (a model folder of messages "
    "with {classes} classes), score (the first message); import_and_load is their sum; loaded and cold_start count "
    "from the start of the process, with the interpreter, to the loaded model and the first score. cpu: user and "
    "system time of all that. compiling.*: one process with an empty Numba cache, which compiles. Resident "
    "memory after the first score (VmRSS) and at its highest (VmHWM). Peer: import of mlflow.pyfunc in the "
    "environment of the benchmark, whose [train] has it."
)


def run(*, rounds: int = 5) -> Report:
    """Create the environment and the model, and measure the footprint.

    Parameters
    ----------
    rounds : int, default=5
        Fresh processes of each kind.

    Returns
    -------
    Report
        Seconds and MB (of 2**20 bytes).
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress("training a model of the simulated world")
        classes = train_small_model(folder / "model")
        progress("creating a fresh environment and installing into it")
        python = _environment(folder / "base")
        figures = installed_mb(Path(_run_program(python, "import sysconfig; print(sysconfig.get_path('purelib'))")))
        progress("measuring the first process, which compiles")
        first = start(python, folder / "model", folder / "kernels")
        figures |= {f"compiling.{what}": first[what] for what in ("cold_start_s", "score_s", "cpu_s", "peak_mb")}
        progress(f"{rounds} processes with a warm cache")
        warm = [start(python, folder / "model", folder / "kernels") for _ in range(rounds)]
        figures |= {what: statistics.median(one[what] for one in warm) for what in warm[0]}
        figures["kernels_mb"] = _size_mb(folder / "kernels")
        peers = {"mlflow.pyfunc": _import_of("mlflow.pyfunc", rounds)} if find_spec("mlflow") else {}
    protocol = PROTOCOL.format(rounds=rounds, classes=classes)
    return Report("footprint", "simulated", protocol, rounds, figures, peers, _bars(figures))


def _bars(figures: Mapping[str, float]) -> list[Bar]:
    bounds = {
        "import_and_load_s": IMPORT_S,
        "cold_start_s": COLD_START_S,
        "resident_mb": RESIDENT_MB,
        "installed_mb": INSTALLED_MB,
    }
    return [Bar.at_most(f"footprint.{name}", figures[name], bound) for name, bound in bounds.items() if name in figures]


def start(python: Path, model: Path, kernels: Path) -> dict[str, float]:
    """Start a process that scores one message, and measure it.

    Parameters
    ----------
    python : Path
        The interpreter of the environment.
    model : Path
        The model folder.
    kernels : Path
        Numba's cache.

    Returns
    -------
    dict of str to float
        ``import_s``, ``load_s``, ``score_s``, ``import_and_load_s``, ``loaded_s``, ``cold_start_s``, ``cpu_s`` and,
        where the system reports them, ``resident_mb`` and ``peak_mb``.

    Raises
    ------
    RuntimeError
        If the message was not scored.
    subprocess.CalledProcessError
        If the process failed, or the environment has more than the base dependencies.
    """
    began = time.monotonic()  # the system's clock, so that the started process reads the same one
    measured = json.loads(_run([str(python), str(PROBE), str(model)], NUMBA_CACHE_DIR=str(kernels)))
    if measured["status"] != "ok":
        raise RuntimeError(f"Expected a score, got the status {measured['status']!r}.")
    figures = {name: measured[name] for name in ("import_s", "load_s", "score_s", "cpu_s")}
    figures["import_and_load_s"] = measured["import_s"] + measured["load_s"]
    figures |= {"loaded_s": measured["loaded_at"] - began, "cold_start_s": measured["scored_at"] - began}
    memory = {"resident_mb": "VmRSS", "peak_mb": "VmHWM"}
    return figures | {name: measured[field] for name, field in memory.items() if field in measured}


def installed_mb(folder: Path) -> dict[str, float]:
    """Measure the size of the installed packages.

    Parameters
    ----------
    folder : Path
        The folder site-packages.

    Returns
    -------
    dict of str to float
        ``installed_mb`` and, for the largest packages, ``installed_mb.NAME``; a folder NAME.libs with libraries
        of a wheel is counted with it.
    """
    sizes: dict[str, float] = {}
    for path in folder.iterdir():
        name = path.name.partition("-")[0].removesuffix(".libs")
        if name not in NO_PACKAGES:
            sizes[name] = sizes.get(name, 0.0) + _size_mb(path)
    largest = sorted(sizes, key=lambda name: -sizes[name])[:LARGEST]
    return {"installed_mb": sum(sizes.values()), **{f"installed_mb.{name}": sizes[name] for name in largest}}


def _size_mb(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.lstat().st_size for file in files) / 2**20


def _environment(folder: Path) -> Path:
    """Create a virtual environment with this checkout in it, and return its interpreter."""
    _run([sys.executable, "-m", "venv", str(folder)])
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(ROOT)])
    return python


def train_small_model(folder: Path) -> int:
    """Train a model of messages by type, with the sizes of a real one.

    Parameters
    ----------
    folder : Path
        The model folder to write.

    Returns
    -------
    int
        The number of its classes.
    """
    from fraudsieve.features import MessageFeatures
    from fraudsieve.models import FraudClassifier, Model, write_model
    from fraudsieve.training.simulation.world import simulate

    world = simulate(days=30, n_accounts=150)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    messages = world.messages.assign(label=world.messages["message_id"].map(labels)).dropna(subset=["label"])
    y = messages["label"].to_numpy(object)
    features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    classifier = FraudClassifier().fit(features.fit_transform(messages["text"].tolist(), y), y)
    classes = tuple(map(str, classifier.classes_))
    parts = features.matrix_, classifier.ensemble_, classifier.calibration_
    write_model(Model("footprint", classes, "legitimate", *parts), folder)
    return len(classes)


def _import_of(module: str, rounds: int) -> dict[str, float]:
    """Import a module in fresh processes of this environment."""
    program = (
        "import json, runpy, sys, time; start = time.perf_counter(); "
        f"import {module}; taken = time.perf_counter() - start; "
        f"memory = runpy.run_path({str(PROBE)!r})['memory'](); "
        "print(json.dumps({'import_s': taken, **memory}))"
    )
    runs: list[dict[str, Any]] = [json.loads(_run_program(Path(sys.executable), program)) for _ in range(rounds + 1)]
    figures = {"import_s": statistics.median(run["import_s"] for run in runs[1:])}
    return figures | ({"resident_mb": runs[-1]["VmRSS"]} if "VmRSS" in runs[-1] else {})


def _run_program(python: Path, program: str) -> str:
    return _run([str(python), "-c", program]).splitlines()[-1]


def _run(call: list[str], **variables: str) -> str:
    """Run a program without the paths of this process, and return its output; errors go to the error stream."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    folder = tempfile.gettempdir()  # not the checkout, so that the installed package is imported
    return subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True, env=environment, cwd=folder).stdout


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    rounds = {"type": int, "default": 5, "help": "processes of each kind (default 5)"}
    return run_command(
        "footprint", lambda options: run(rounds=options.rounds), __doc__, argv, arguments={"--rounds": rounds}
    )


if __name__ == "__main__":
    sys.exit(main())
