"""Months of a service that records, labels, retrains and swaps, in real processes: ``python -m benchmarks.loop``."""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import fields
from functools import cache
from pathlib import Path
from statistics import median
from typing import Final

import pandas as pd
from tests.live.postgres import binaries, running_server

from benchmarks.runner import Arguments, Bar, Report, progress, run_command
from fraudsieve.models.predict import Scorer

from .compared import Arrivals, arrivals_of, compare_answers, compare_scores
from .months import CHAMPION, NAME, Lived, Plan, live_through
from .payments import simulate_payments
from .service import run_command_line
from .trained import compare_training
from .versions import count_stale

__all__ = ["main"]

STORES: Final = {"sqlite": 1, "postgresql": 2}
"""The stores, with the workers of the service on them."""
MAX_GROWTH: Final = 1.5
"""Of the memory of a worker from the first half of the days to the second."""
MAX_LAG: Final = 5.0
"""Seconds until every worker has what one has acknowledged, while models are trained on the same machine."""
PROTOCOL: Final = (
    "A first model is trained on {past} days of simulated payments, and a service follows the champion for {period}. "
    "Payments are scored and recorded over HTTP by {clients} clients, some of them hours late, and some are also "
    "scored alone. Labels come 1 to {label_days} days late and out of order, while old rows leave the windows and "
    "the store. Workers and the whole service are killed while requests are in progress, or stopped; clients send "
    "again what was not acknowledged. Every {every} days, the champion is retrained while requests go on. "
    "lag_seconds: the longest time from an acknowledgement until any worker that is asked has its offset. At the "
    "end, everything is compared with the source tables: the rows of the store, the answers, each score with that of "
    "predict on what had arrived by its offset, the training tables, and models trained on both."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    plan = Plan()
    arguments: Arguments = {
        "stores": {"nargs": "*", "metavar": "STORE", "help": f"{' or '.join(STORES)}; by default both"},
        "--days": {"type": int, "default": plan.days, "help": f"days in service (default {plan.days})"},
        "--past-days": {"type": int, "default": plan.past_days, "help": f"days before (default {plan.past_days})"},
        "--label-days": {"type": int, "default": plan.label_days, "help": f"longest delay (default {plan.label_days})"},
        "--every": {"type": int, "default": plan.every, "help": f"days between retrainings (default {plan.every})"},
        "--clients": {"type": int, "default": plan.clients, "help": f"concurrent clients (default {plan.clients})"},
        "--size": {"type": int, "default": plan.size, "help": "multiple of accounts and payments (default 1)"},
        "--minutes": {"type": float, "default": 0.0, "help": "stop after these minutes, for which the days must do"},
        "--seed": {"type": int, "default": plan.seed, "help": "of the payments and the kills (default 0)"},
        "--disturb-every": {"type": int, "default": plan.disturb_every, "help": "days between kills (default 30)"},
        "--defaults": {"action": "store_true", "help": "a recipe without views, whose windows follow the span"},
        "--folder": {"type": Path, "help": "an empty folder to keep all files in; by default a temporary one"},
    }
    return run_command("loop", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
    names, figures = options.stores or list(STORES), dict[str, float]()
    plan = Plan(**{part.name: getattr(options, part.name) for part in fields(Plan)})
    payments = simulate_payments(plan.past_days + plan.days, plan.label_days, plan.seed, plan.size)
    bars: list[Bar] = []
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fraudsieve-loop-")))
        for name, address in _addresses(names, folder, stack):
            begin = time.monotonic()
            lived = live_through(folder / name, address, STORES[name], payments, plan)
            progress(f"{name}: {lived.counts['days']} days in {lived.seconds:.0f} s; comparing")
            found, faults = _compare(lived)
            found["seconds"] = time.monotonic() - begin
            figures |= {f"{name}.{key}": value for key, value in (found | faults).items()}
            bars += [Bar.at_most(f"{name}.{key}", value, 0) for key, value in faults.items()]
            expected = ("promoted", "swaps") if plan.defaults else ("dropped_rows", "promoted", "swaps")
            bars += [Bar.at_least(f"{name}.{key}", found[key], 1) for key in expected]
            if STORES[name] > 1:
                bars.append(Bar.at_least(f"{name}.worker_kills", found["worker_kills"], 1))
            if not plan.defaults:  # the window of all events grows
                bars.append(Bar.at_most(f"{name}.memory_growth", found["memory_growth"], MAX_GROWTH))
            bars.append(Bar.at_most(f"{name}.lag_seconds", found["lag_seconds"], MAX_LAG))
            bars.append(Bar.at_least(f"{name}.minutes", found["minutes"], plan.minutes))
    period = f"{plan.minutes:g} minutes" if plan.minutes else f"{plan.days} days"
    facts = {"label_days": plan.label_days, "every": plan.every, "clients": plan.clients}
    protocol = PROTOCOL.format(past=plan.past_days, period=period, **facts)
    return Report("loop", ", ".join(names), protocol, len(payments.events), figures, bars=bars)


def _addresses(names: Sequence[str], folder: Path, stack: ExitStack) -> Iterator[tuple[str, str]]:
    for name in names:
        if name == "postgresql" and binaries() is None:
            progress("PostgreSQL is not installed: it is left out")
            continue
        (folder / name).mkdir(parents=True)
        server = None if name == "sqlite" else stack.enter_context(running_server())
        yield name, str(folder / name / "live.db") if server is None else server.new_address()


def _compare(lived: Lived) -> tuple[dict[str, float], dict[str, float]]:
    """Return what happened, and what differs from the source tables, which should be nothing."""
    last = lived.payments.day(lived.plan.past_days + lived.counts["days"])
    events, labels = lived.payments.arriving(lived.payments.start, last)
    arrivals = arrivals_of(lived.rows, events, labels)
    run_command_line(lived.folder, "scores", "export", lived.address, "--repeated", "--output", "scores.parquet")
    logged = pd.read_parquet(lived.folder / "scores.parquet")
    answers = compare_answers(lived.traffic.answers, logged)
    stored = run_command_line(lived.folder, "state", "info", lived.address)
    found = _found(lived) | {"dropped_rows": len(lived.rows) - stored["rows"]}
    faults: dict[str, float] = {
        **{name: lived.traffic.counts[name] for name in ("failed", "rejected", "unknown", "behind")},
        **_faults_of_rows(arrivals),
        "answers_missing": answers.missing,
        "answers_repeated": answers.repeated,
        "answers_differing": answers.differing,
        "promoted_not_served": lived.counts["promoted"] - lived.counts["served"],
        "answers_of_another_version": count_stale(lived.traffic.answered, lived.moves),
    }
    if lived.plan.defaults:  # batches of all history would take hours
        return found, faults
    arrived = events.assign(offset=arrivals.events), labels.assign(offset=arrivals.labels)
    load = cache(lambda version: Scorer.load(f"models:/{NAME}/{version}"))
    scores = compare_scores(logged, *arrived, load)
    training = compare_training(lived.folder, lived.address, CHAMPION, events, labels)
    progress(f"the store trains since {training.trains_since}")
    found |= {
        "scores_compared": scores.number,
        "batches": scores.batches,
        "training_rows": training.rows,
        "training_columns": training.columns,
    }
    faults |= {
        "scores_differing": scores.differing,
        "training_rows_differing": training.differing,
        "models_differing": int(not training.same_models),
    }
    return found, faults


def _found(lived: Lived) -> dict[str, float]:
    return {
        **lived.counts,
        **{name: lived.traffic.counts[name] for name in ("requests", "repeated")},
        "minutes": lived.seconds / 60,
        "longest_seconds": lived.traffic.longest,
        "lag_seconds": max(lived.traffic.lags, default=0.0),
        "median_lag_seconds": median(lived.traffic.lags or [0.0]),
        "lags": len(lived.traffic.lags),
        "memory_mb": max(lived.memory),
        "memory_growth": _growth(lived.memory),
        "retrainings": len(lived.retrained),
        "answers": len(lived.traffic.answered),
    }


def _growth(memory: Sequence[float]) -> float:
    """Return how many times the memory of the second half of the days is that of the first half, at its peak.

    Examples
    --------
    >>> _growth([200.0, 210.0, 205.0, 210.0])
    1.0
    """
    half = len(memory) // 2
    return max(memory[half:]) / max(max(memory[:half], default=0.0), 1.0)


def _faults_of_rows(arrivals: Arrivals) -> dict[str, float]:
    parts = {"events": arrivals.of_events, "labels": arrivals.of_labels}
    missing: dict[str, float] = {f"{name}_missing": part.missing for name, part in parts.items()}
    return missing | {f"{name}_repeated": part.repeated for name, part in parts.items()}


if __name__ == "__main__":
    sys.exit(main())
