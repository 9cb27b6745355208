"""Scale of `train` on one machine: seconds and memory by step, on made-up messages and events."""

import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.runner import Bar, Report, progress
from benchmarks.scale.process_memory import memory_below
from benchmarks.scale.train_tables import write_events, write_messages

__all__ = ["run"]

MESSAGES, EVENTS = 1_000_000, 10_000_000
SAMPLE_RATES = {"messages": 1.0, "events": 0.1}
"""Share of the legitimate rows that are trained on. All columns of ten million events take 38 GB."""
SHARE = 10
"""The slope is measured from a tenth of each size."""
MAX_MB, SLOPE = 6000.0, 1.15
INTERVAL = 0.2
_PROTOCOL = (
    "`train` with the default recipe and without tracking, in a process of its own, on the cores that are idle. "
    "Messages are those of a simulated world, resampled with other digits, names and times; events are those of "
    "accounts of a Zipf distribution, each labelled, and {rate:.0%} of the legitimate ones are trained on "
    "(model.sample_rate). SUBJECT.N.STEP: seconds of a step, as `train` reports it. "
    "peak_mb: the process and all that it started together, shared pages counted once, every {interval} s. slope: of "
    "the seconds from a tenth of the rows to all, on a log-log scale."
)


def run(n_events: int | None, _: float = 0.0, n_messages: int | None = None) -> Report:
    """Measure messages and events, and a tenth of each.

    Parameters
    ----------
    n_events, n_messages : int or None
        Number of rows; None for 10 million events and a million messages, and 0 to leave them out.

    Returns
    -------
    Report
        Seconds, megabytes and slopes.
    """
    sizes = {
        "messages": MESSAGES if n_messages is None else n_messages,
        "events": EVENTS if n_events is None else n_events,
    }
    figures: dict[str, float] = {}
    for subject, rows in sizes.items():
        if rows:
            figures |= _figures(subject, rows)
    bars = [Bar.at_most(name, value, SLOPE) for name, value in figures.items() if name.endswith("slope")]
    if "messages.peak_mb" in figures:
        bars.append(Bar.at_most("messages.peak_mb", figures["messages.peak_mb"], MAX_MB))
    protocol = _PROTOCOL.format(interval=INTERVAL, rate=SAMPLE_RATES["events"])
    return Report("train", "made up", protocol, sum(sizes.values()), figures, {}, bars)


def _figures(subject: str, rows: int) -> dict[str, float]:
    small, large = (measure(subject, size) for size in (rows // SHARE, rows))
    figures = {f"{subject}.{rows // SHARE}.{name}": value for name, value in small.items()}
    figures |= {f"{subject}.{name}": value for name, value in large.items()}
    return figures | {f"{subject}.slope": math.log(large["seconds"] / small["seconds"]) / math.log(SHARE)}


def measure(subject: str, rows: int) -> dict[str, float]:
    """Train on made-up rows, and return the seconds by step and the peak of the memory.

    Parameters
    ----------
    subject : {"messages", "events"}
        What is scored.
    rows : int
        Number of rows.

    Returns
    -------
    dict of str to float
    """
    with tempfile.TemporaryDirectory(prefix="fraudsieve-scale-") as place:
        source = Path(place) / subject
        {"messages": write_messages, "events": write_events}[subject](source, rows)
        found = train_on(subject, source, rows)
        return {name: value for name, value in found.items() if name != "booster"}


def train_on(
    subject: str, source: Path, rows: int, overrides: Mapping[str, Any] | None = None, max_bytes: int | None = None
) -> dict[str, Any]:
    """Train on a table in a process of its own, and return what `measure` does, and the digest of the trees."""
    settings = json.dumps({"model.sample_rate": SAMPLE_RATES[subject]} if overrides is None else {**overrides})
    call = [sys.executable, "-m", "benchmarks.scale.train_side", subject, str(source), settings, json.dumps(max_bytes)]
    lines: list[dict[str, Any]] = []
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        watcher = _Watcher(process.pid)
        watcher.start()
        for text in process.stdout or ():
            lines.append(json.loads(text))
            if "step" in lines[-1]:
                watcher.step = lines[-1]["step"] = lines[-1]["step"].partition(":")[0]
                progress(f"{rows:,} {subject}: {lines[-1]['at']:7.1f} s, {watcher.now:6.0f} MB, {watcher.step}")
        watcher.stop.set()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"training on {rows:,} {subject} ended with {process.returncode}")
    begun = [line for line in lines if "step" in line]
    measured = _seconds(begun) | {"seconds": begun[-1]["at"], "peak_mb": watcher.peak}
    return measured | _peaks(watcher.peaks) | lines[-1]


def _seconds(begun: list[dict[str, Any]]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for line, after in pairwise(begun):
        name = f"seconds.{line['step']}"
        seconds[name] = seconds.get(name, 0.0) + after["at"] - line["at"]
    return seconds


def _peaks(peaks: Mapping[str, float]) -> dict[str, float]:
    return {f"mb.{step}": peak for step, peak in peaks.items() if step}


class _Watcher(threading.Thread):
    """Notes the peak memory of a process and its descendants, by step."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.stop, self.step = pid, threading.Event(), ""
        self.now = self.peak = 0.0
        self.peaks: dict[str, float] = {}

    def run(self) -> None:
        while not self.stop.is_set():
            self.now = sum(size for _, size in memory_below(self.pid).values())
            self.peak = max(self.peak, self.now)
            self.peaks[self.step] = max(self.peaks.get(self.step, 0.0), self.now)
            time.sleep(INTERVAL)
