"""Training on a sample: what it costs in average precision and calibration, and what it saves in time and memory."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.runner import Bar, Report, progress
from benchmarks.sets.fdh_cards import DELAY, load_payments

__all__ = ["run"]

RATES = (1.0, 0.1, 0.02)
BARRED = 0.1
"""The rate whose metrics must lie in the intervals of the full training; those of lower rates are printed."""
WARM_UP = 60_000
METRICS = ("average_precision", "ece", "observed_over_expected")
_PROTOCOL = (
    "fraudsieve train on the card payments of fdh_cards as events (its defaults, labels after 7 days, split by time, "
    "one thread, no tracking), and the same with --sample-rate 0.1 and 0.02: all fraud of the training slice and that "
    "share of its legitimate payments, by a hash of their ids. Features look at the whole history; calibration and "
    "test are never sampled, and the same rows for all. Each in a process of its own, one after the other, after one "
    "that compiles the kernels. seconds: the whole run; fit_s: growing the trees; peak_mb: its largest resident "
    "memory. low and high: the 95 % interval, over accounts. The bars are the interval of the full training."
)


def run(n_events: int | None = None, _: float = 0.0) -> Report:
    """Train on all payments and on samples of the legitimate ones.

    Parameters
    ----------
    n_events : int, default=None
        About how many payments, those of some of the accounts; None for all.

    Returns
    -------
    Report
        Metrics on the test slice, seconds and megabytes by rate, such as ``rate_0.1.seconds``.
    """
    with tempfile.TemporaryDirectory(prefix="fraudsieve-sampling-") as place:
        _write_payments(Path(place), WARM_UP)
        _measure(Path(place), min(RATES))
        rows = _write_payments(Path(place), n_events)
        measured = {rate: _measure(Path(place), rate) for rate in RATES}
    full = measured[1.0]
    figures: dict[str, float] = {}
    for rate, own in measured.items():
        figures |= {f"rate_{rate:g}.{name}": value for name, value in own.items()}
        if rate < 1:
            figures |= {f"rate_{rate:g}.{name}_saved": 1 - own[name] / full[name] for name in ("seconds", "fit_s")}
            figures[f"rate_{rate:g}.peak_mb_saved"] = 1 - own["peak_mb"] / full["peak_mb"]
    return Report("sampling", "fdh_cards", _PROTOCOL, rows, figures, {}, _bars(full, measured[BARRED]))


def _bars(full: Mapping[str, float], sampled: Mapping[str, float]) -> list[Bar]:
    """Return whether the metrics of a sample are not worse than the intervals of the full training."""
    name = f"rate_{BARRED:g}"
    bars = [Bar.at_least(f"{name}.average_precision", sampled["average_precision"], full["average_precision.low"])]
    bars.append(Bar.at_most(f"{name}.ece", sampled["ece"], full["ece.high"]))
    low, high = (full[f"observed_over_expected.{end}"] for end in ("low", "high"))
    bars.append(Bar.at_least(f"{name}.observed_over_expected", sampled["observed_over_expected"], low))
    return [*bars, Bar.at_most(f"{name}.observed_over_expected", sampled["observed_over_expected"], high)]


def _write_payments(folder: Path, n_events: int | None) -> int:
    payments = load_payments()
    if n_events is not None:
        upto = payments["account_id"].value_counts(sort=False).cumsum()
        payments = payments[payments["account_id"].isin(upto.index[upto <= n_events])].reset_index(drop=True)
    payments["event_id"], payments["kind"] = payments.index.astype(str), "card_tx"
    payments["labelled_at"] = payments["occurred_at"] + DELAY
    payments["label"] = np.where(payments["label"] == 1, "fraud", "legitimate")
    payments.to_parquet(folder / "payments.parquet")
    return len(payments)


def _measure(folder: Path, rate: float) -> dict[str, float]:
    """Train in a process of its own, and return its figures."""
    call = [sys.executable, "-m", "benchmarks.scale.sampling_side", str(folder), str(rate)]
    done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True, env=os.environ)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    summary = ", ".join(f"{name} {figures[name]:.4g}" for name in (*METRICS, "seconds", "fit_s", "peak_mb"))
    progress(f"rate {rate:g}: {figures['train_rows']:,.0f} rows, {summary}")
    return figures
