"""What the ordinary call costs on 250,000 and on a million payments, beside LightGBM and CatBoost.

The peers learn from the payments' own columns, and at the smaller size from the features that ours computed as well.
"""

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.data.location import data_folder, load_accounts
from benchmarks.runner import Bar, Report, progress

__all__ = ["fit_peer", "run", "write_payments"]

SIZES: Final = (250_000, 1_000_000)
PEERS: Final = ("lightgbm", "catboost")
CPU_SECONDS: Final = {250_000: 60.0, 1_000_000: 240.0}
MAX_MB: Final = {1_000_000: 3072.0}
LABEL_DAYS: Final = 7
PROTOCOL: Final = (
    "The oldest payments of fdh_cards, labels known after {days} days, in one Parquet file. ours: `fraudsieve train "
    "--events FILE`, as it comes, with its start, report and MLflow. Peers: the settings of benchmarks.ordinary "
    "(learning rate .05, at most 1,000 rounds, stopped early by the latest fifth), one thread, on all rows; raw: "
    "numbers, and ids as categories; features: what `fraudsieve features` writes. Each in a process of its own, one "
    "after the other: cpu_seconds (user and system) of it and what it started, seconds, and its largest memory."
)
ROOT: Final = Path(__file__).resolve().parents[2]


def run() -> Report:
    """Train on each size, then fit the peers."""
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="fraudsieve-payments-") as place:
        for n in SIZES:
            payments, features = Path(place) / f"{n}.parquet", Path(place) / f"{n}-features.parquet"
            # this process holds no table: the largest memory of a child starts with that of its parent
            _measured(["-c", f"from {__name__} import *; write_payments({n}, {str(payments)!r})"], place)
            train = ["-m", "fraudsieve", "train", "--events", str(payments), "--output", str(payments.with_suffix(""))]
            figures |= _named(n, _measured(train, place), "ours")
            columns = {"raw": payments}
            if n == min(SIZES):
                write = ["-m", "fraudsieve", "features", "--events", str(payments), "--output", str(features)]
                _measured(write, place)
                columns["features"] = features
            for who in filter(find_spec, PEERS):
                for made, table in columns.items():
                    fit = ["-c", f"from {__name__} import *; fit_peer({who!r}, {str(table)!r})"]
                    peer = f"{who} {made}"
                    peers[peer] = peers.get(peer, {}) | _named(n, _measured(fit, place), peer)
    bars = [Bar.at_most(f"{n}.cpu_seconds", figures[f"{n}.cpu_seconds"], bound) for n, bound in CPU_SECONDS.items()]
    bars += [Bar.at_most(f"{n}.peak_mb", figures[f"{n}.peak_mb"], bound) for n, bound in MAX_MB.items()]
    return Report("payments", "fdh_cards", PROTOCOL.format(days=LABEL_DAYS), max(SIZES), figures, peers, bars)


def write_payments(n: int, path: str) -> None:
    """Write the oldest payments, with the words and the times of their labels."""
    events = load_accounts("fdh_cards").sort_values(["occurred_at", "event_id"], ignore_index=True)[:n]
    known: Any = events["occurred_at"] + pd.Timedelta(days=LABEL_DAYS)
    labels = np.where(events["label"] == 1, "fraud", "legitimate")
    events.drop(columns="fraud_scenario").assign(label=labels, labelled_at=known).to_parquet(path)


def fit_peer(who: str, path: str) -> None:
    """Fit a peer on every labelled row of a table of payments or of features."""
    from benchmarks import ordinary

    rows = pd.read_parquet(path)
    X = ordinary.raw_columns(rows.drop(columns="slice", errors="ignore"))
    ordinary.PEERS[who](X, (rows["label"] == "fraud").to_numpy(), X[:1], 0)


def _measured(call: list[str], place: str) -> dict[str, float]:
    """Run Python, and return its processor time, its seconds and its largest memory."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    env = os.environ | {"PYTHONPATH": paths, "FRAUDSIEVE_DATA": str(data_folder())}
    begun = time.perf_counter()
    with open(Path(place) / "output.txt", "w+b") as output:
        process = subprocess.Popen([sys.executable, *call], cwd=place, env=env, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read().decode(errors="replace")[-2000:])
    cpu, seconds = used.ru_utime + used.ru_stime, time.perf_counter() - begun
    return {"cpu_seconds": cpu, "seconds": seconds, "peak_mb": used.ru_maxrss / 1024}


def _named(n: int, measured: dict[str, float], who: str) -> dict[str, float]:
    progress(f"{n:,} payments, {who}: {measured['cpu_seconds']:.0f} s of CPU, {measured['seconds']:.0f} s on the clock")
    return {f"{n}.{name}": value for name, value in measured.items()}
