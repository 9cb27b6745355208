"""Reports on models of events on real data: against independent metrics, and a random split next to one by time."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data.location import load_accounts
from benchmarks.measures.report import plain_figures
from benchmarks.runner import Bar, Report, progress
from benchmarks.sets.fdh_cards import DELAY, TEST_WEEK, load_payments

__all__ = ["fdh_cards", "fraudsieve", "s_ffsd"]

FROM = TEST_WEEK - pd.Timedelta(weeks=10)
SAME = 1e-9
LEGITIMATE = "legitimate"
_FDH = (
    "Payments of the ten weeks before 8 August 2018 train a model of events (fraudsieve train, its defaults; labels "
    "arrive after 7 days; split by time). fraudsieve evaluate --json makes the report on the payments from 8 August, "
    "fraudsieve predict their scores. gap.NAME: the figure of the report minus that of scikit-learn on the scores of "
    "predict."
)
_FFSD = (
    "fraudsieve train --split random on the labelled payments of s_ffsd (its times are an order). The report is "
    "marked as flattering, and shows the figures of a split by time next to it."
)


def fdh_cards() -> Report:
    """Compare the report of the command line with independently computed metrics."""
    payments = load_payments()
    payments = payments[payments["occurred_at"] >= FROM].reset_index(drop=True)
    payments["event_id"], payments["kind"] = payments.index.astype(str), "card_tx"
    payments["labelled_at"] = payments["occurred_at"] + DELAY
    payments["label"] = np.where(payments["label"] == 1, "fraud", LEGITIMATE)
    later = payments["occurred_at"] >= TEST_WEEK
    with tempfile.TemporaryDirectory() as folder:
        payments[~later].to_parquet(Path(folder) / "before.parquet")
        payments.to_parquet(Path(folder) / "all.parquet")
        fraudsieve(folder, "train", "--events", "before.parquet", "--subject", "event")
        model = ("--model", "fraudsieve-model")
        answer = fraudsieve(folder, "evaluate", *model, "--events", "all.parquet", "--since", f"{TEST_WEEK:%Y-%m-%d}")
        fraudsieve(folder, "predict", *model, "--events", "all.parquet")
        scores = pd.read_parquet(Path(folder) / "scores.parquet")
    report, independent = answer["report"], _independent_metrics(payments[later], scores)
    gaps = {name: report[name] - value for name, value in independent.items()}
    figures = {f"gap.{name}": gap for name, gap in gaps.items()} | {name: report[name] for name in independent}
    bars = [Bar.at_most(f"gap.{name}", abs(gap), SAME) for name, gap in gaps.items()]
    bars += [Bar.at_most("ece", report["ece"], 0.01)]
    return Report("evaluation", "fdh_cards", _FDH, len(payments), figures, bars=bars)


def _independent_metrics(rows: pd.DataFrame, scores: pd.DataFrame) -> dict[str, float]:
    probability = scores.set_index("event_id")["probability"].reindex(rows["event_id"]).to_numpy()
    return plain_figures((rows["label"] != LEGITIMATE).to_numpy(), probability)


def s_ffsd() -> Report:
    """Train with a random split, and check what the report says about it."""
    payments = load_accounts("s_ffsd")
    payments["label"] = payments["label"].map({0: LEGITIMATE, 1: "fraud"})
    with tempfile.TemporaryDirectory() as folder:
        payments.astype({"event_id": str}).to_parquet(Path(folder) / "payments.parquet")
        call = ("train", "--events", "payments.parquet", "--subject", "event", "--split", "random")
        report = fraudsieve(folder, *call)["report"]
    names = ("average_precision", "roc_auc")
    figures = {f"random.{name}": report[name] for name in names} | {
        f"time.{name}": report["temporal"][name] for name in names
    }
    figures["marked"] = float(report["split"]["flatters"])
    bars = [Bar.at_least("marked", figures["marked"], 1)]
    bars += [
        Bar.at_most("time.average_precision", figures["time.average_precision"], figures["random.average_precision"])
    ]
    return Report("evaluation", "s_ffsd", _FFSD, len(payments), figures, bars=bars)


def fraudsieve(folder: str, *call: str) -> dict[str, Any]:
    """Run a command in the folder of its files and its MLflow store, and return its JSON; an exit code is an error."""
    progress(f"fraudsieve {' '.join(call)}")
    command = [sys.executable, "-m", "fraudsieve", *call, "--json"]
    completed = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    content: dict[str, Any] = json.loads(completed.stdout)
    return content
