"""Scale of the features of `fraudsieve.spark`: time, memory and equality with one machine, on made-up events."""

import hashlib
import json
import math
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.runner import Bar, Report, progress
from benchmarks.scale.process_memory import memory_below, seconds_below
from fraudsieve._microseconds import DAY
from fraudsieve.features import AccountFeatures
from fraudsieve.features.account_matrix import FeatureMatrix

__all__ = ["run"]

SIZES = (5_000_000, 20_000_000, 50_000_000)
MAX_EQUAL = 20_000_000
"""Above this number of events only time and memory are measured."""
SUBJECTS = 1_000_000
HUB_SHARE = 0.05
DAYS = 60
START = np.datetime64("2026-01-01", "us")
PART = 1_000_000
SAMPLE = 100_000
BUCKETS = (2, 3, 7)
NOT_FEATURES = ("row", "account_id", "as_of", "text", "sent_at", "message_id", "recipient_id")
RATIO, SLOPE, GROWTH = 3.0, 1.15, 1.5
_PROTOCOL = (
    "Made-up events of as many accounts as a fifth of them (Zipf, exponent 1) with one hub of {hub:.0%}, over {days} "
    "days, unsorted; subjects at random times; the default feature views of accounts, without the network. Both sides "
    "read Parquet and write finished columns to Parquet, each in a process of its own with two cores; the start of the "
    "session is not counted. seconds and ratio_to_one_machine are of write_feature_frame, frame.* of the frame of "
    "feature_frame that Spark writes to Parquet, without dictionaries. cpu_seconds: user and kernel time of all "
    "processes, with the start of the session; on a busy machine it says more than seconds. equal: every row has the "
    "same bits as on one machine, by digest, for both ways and the default number of buckets and, with the input in "
    "another order, for 2, 3 and 7. peak_mb: Java and all workers together, bucket_mb: the largest worker. slope: "
    "seconds from the smallest to the largest size, on a log-log scale."
)


def run(n_events: int | None, _: float = 0.0) -> Report:
    """Measure one number of events, or three of them and the slope.

    Parameters
    ----------
    n_events : int or None
        Number of events; None for 5, 20 and 50 million.

    Returns
    -------
    Report
        Seconds, megabytes and ratios.
    """
    sizes = SIZES if n_events is None else (n_events,)
    measured = {size: measure(size, write_world) for size in sizes}
    protocol = _PROTOCOL.format(hub=HUB_SHARE, days=DAYS)
    if n_events is not None:
        return Report("spark", "made up", protocol, n_events, measured[n_events], {}, bars_of(measured[n_events]))
    figures = dict(measured[MAX_EQUAL])
    figures |= {f"{size}.{name}": value for size, own in measured.items() for name, value in own.items()}
    figures["equal"] = min(own["equal"] for own in measured.values() if "equal" in own)
    first, last = measured[SIZES[0]], measured[SIZES[-1]]
    figures["slope"] = math.log(last["seconds"] / first["seconds"]) / math.log(SIZES[-1] / SIZES[0])
    figures["growth_of_bucket_mb"] = last["bucket_mb"] / first["bucket_mb"]
    return Report("spark", "made up", protocol, SIZES[-1], figures, {}, bars_of(figures))


def bars_of(figures: dict[str, float]) -> list[Bar]:
    bars = [Bar.at_least("equal", figures["equal"], 1.0)] if "equal" in figures else []
    bars.append(Bar.at_most("ratio_to_one_machine", figures["ratio_to_one_machine"], RATIO))
    bounds = {"slope": SLOPE, "growth_of_bucket_mb": GROWTH}
    return bars + [Bar.at_most(name, figures[name], bound) for name, bound in bounds.items() if name in figures]


def measure(n_events: int, write: Callable[[Path, int], None]) -> dict[str, float]:
    """Measure both sides on a world, and compare their rows."""
    with tempfile.TemporaryDirectory(prefix="fraudsieve-scale-", dir="/var/tmp") as place:
        folder = Path(place)
        write(folder, n_events)
        one = _run("one", folder, "one")
        progress(f"{n_events:,} events on one machine: {one['seconds']:.1f} s, {one['peak_mb']:.0f} MB")
        figures = {f"one_machine.{name}": one[name] for name in ("seconds", "cpu_seconds", "peak_mb")}
        for side, prefix in (("files", ""), ("frame", "frame.")):
            timed = _run(side, folder, side)
            progress(f"{n_events:,} events on Spark, {side}: {timed['seconds']:.1f} s, {timed['peak_mb']:.0f} MB")
            figures |= {f"{prefix}{name}": value for name, value in timed.items()}
            figures[f"{prefix}ratio_to_one_machine"] = timed["seconds"] / one["seconds"]
        if n_events <= MAX_EQUAL:
            figures["equal"] = _are_equal(folder)
        return figures


def _are_equal(folder: Path) -> float:
    """Return 1 if the rows of Spark have the bits of one machine, in any number of buckets; otherwise 0."""
    expected = _digests(folder / "one")
    equal = [bool((_digests(folder / side) == expected).all()) for side in ("files", "frame")]
    for n_buckets in BUCKETS:
        _run("files", folder, f"buckets_{n_buckets}", n_buckets)
        equal.append(bool((_digests(folder / f"buckets_{n_buckets}") == expected).all()))
        progress(f"{n_buckets} buckets: {'equal' if equal[-1] else 'NOT equal'}")
    return float(all(equal))


def write_world(folder: Path, n_events: int, *, seed: int = 0) -> None:
    """Write events, subjects and the declaration of the features.

    Parameters
    ----------
    folder : Path
        Gets ``events``, ``subjects`` and ``matrix``.
    n_events : int
        Number of events.
    seed : int, default=0
        Seed of the generator.
    """
    rng = np.random.default_rng(seed)
    n_accounts = max(n_events // 5, 10)
    weights = np.cumsum(1.0 / np.arange(1, n_accounts + 1))
    (folder / "events").mkdir()
    for number, first in enumerate(range(0, n_events, PART)):
        events = _events(rng, min(PART, n_events - first), weights)
        pq.write_table(events, folder / "events" / f"{number:04d}.parquet")
        if not first:
            sample = events.slice(0, SAMPLE).to_pandas()
    n_subjects = min(SUBJECTS, n_events)
    accounts = account_names(rng.integers(0, n_accounts, n_subjects), rng)
    cutoffs = START + rng.integers(0, DAYS * DAY, n_subjects).astype("m8[us]")
    times = pa.array(cutoffs, pa.timestamp("us", "UTC"))
    subjects = pa.table({"row": pa.array(np.arange(n_subjects)), "account_id": accounts, "as_of": times})
    pq.write_table(subjects, folder / "subjects.parquet")
    features = AccountFeatures(sample, network=False, exclude=("row",))
    write_matrix(folder, features.fit(subjects.slice(0, SAMPLE).to_pandas()).matrix_)


def write_matrix(folder: Path, matrix: FeatureMatrix) -> None:
    """Write the declaration of features, as both sides read it."""
    (folder / "matrix").write_bytes(pickle.dumps(matrix))


def _events(rng: np.random.Generator, n: int, weights: np.ndarray) -> pa.Table:
    senders, recipients = (np.searchsorted(weights, rng.random(n) * weights[-1]) for _ in range(2))
    times = START + rng.integers(0, DAYS * DAY, n).astype("m8[us]")
    return pa.table(
        {
            "account_id": account_names(senders, rng),
            "counterparty_id": account_names(recipients, rng),
            "occurred_at": pa.array(times, pa.timestamp("us", "UTC")),
            "kind": pa.array(rng.choice(["pay", "withdraw"], n, p=[0.8, 0.2])),
            "amount": rng.lognormal(3, 1, n).round(2),
        }
    )


def account_names(numbers: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """Return ids of accounts, a share of which is the hub."""
    hub = rng.random(len(numbers)) < HUB_SHARE
    return pa.array(np.where(hub, "hub", np.char.add("account", numbers.astype(str))))


def _digests(folder: Path) -> np.ndarray:
    """Return a digest of the bits of each row of features, in the order of the subjects."""
    files = sorted(folder.glob("*.parquet"))
    digests: dict[int, bytes] = {}
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(50_000):
            names = [name for name in batch.schema.names if name not in NOT_FEATURES]
            rows = np.ascontiguousarray(np.column_stack([batch[name].to_numpy(zero_copy_only=False) for name in names]))
            for row, cells in zip(batch["row"].to_pylist(), rows, strict=True):
                digests[row] = hashlib.blake2b(cells.tobytes(), digest_size=16).digest()
    return np.array([digests[row] for row in range(len(digests))], "S16")


def _run(side: str, folder: Path, output: str, n_buckets: int = 0) -> dict[str, float]:
    """Run a side in a process of its own, and return its seconds, those of the processor, and its peak memory."""
    call = [sys.executable, "-m", "benchmarks.scale.spark_sides", side, str(folder), output, str(n_buckets)]
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYSPARK_PYTHON": sys.executable}
    )
    peaks, cores, stop = {"peak_mb": 0.0, "bucket_mb": 0.0}, dict[int, float](), threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peaks, cores, stop))
    watcher.start()
    out, _ = process.communicate()
    stop.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"the process of {side!r} ended with {process.returncode}")
    measured: dict[str, float] = json.loads(out.splitlines()[-1])
    return measured | {"cpu_seconds": sum(cores.values())} | peaks


def _watch(pid: int, peaks: dict[str, float], cores: dict[int, float], stop: threading.Event) -> None:
    """Note the seconds and the peak memory of a process and its descendants, and of the largest that runs Python."""
    while not stop.is_set():
        cores.update(seconds_below(pid))
        sizes = memory_below(pid)
        peaks["peak_mb"] = max(peaks["peak_mb"], sum(size for _, size in sizes.values()))
        workers = [size for other, (name, size) in sizes.items() if other != pid and "python" in name]
        peaks["bucket_mb"] = max(peaks["bucket_mb"], *workers, 0.0)
        time.sleep(0.5)
