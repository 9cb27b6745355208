"""The ordinary call, without a recipe, beside LightGBM on the raw columns and on counts made by hand.

``python -m benchmarks.ordinary [SET ...] --seeds 3``. The shop is made: its thieves pay from devices that are new for
the account, and chargebacks come after 30 to 90 days.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from benchmarks.data.location import load_accounts
from benchmarks.decisions import Case, ordinary_scores
from benchmarks.runner import Bar, Report, progress, run_command
from fraudsieve._typing import Array

__all__ = ["main", "run"]

SETS: Final = ("shop", "customs_declarations")
WITHIN: Final = 0.03
PROTOCOL: Final = (
    "fraudsieve train without a recipe but one thread, no attack, no intervals, no tracking; test rows are later. "
    "Average precision. lightgbm: numbers and categories of the raw columns without ids, 200 rounds; by hand: counts "
    "of the earlier events of account and device, of device, and of accounts of the device. customs_declarations: its "
    "column split."
)
CUSTOMS: Final = {"Declaration ID": "event_id", "Importer ID": "account_id", "Seller ID": "counterparty_id"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    arguments: dict[str, dict[str, Any]] = {
        "sets": {"nargs": "*", "metavar": "SET", "help": f"{', '.join(SETS)}; by default all", "default": SETS},
        "--seeds": {"type": int, "default": 3, "help": "made tables, or seeds of training (default 3)"},
    }
    return run_command("ordinary", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    return run(tuple(options.sets), options.seeds)


def run(sets: Sequence[str] = SETS, seeds: int = 3) -> Report:
    """Train on each set, and compare the average precision of later rows."""
    ours: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {"lightgbm": {}, "by hand": {}}
    bars, n_tested = [], 0
    for name in sets:
        found: dict[str, list[float]] = {"ours": [], "lightgbm": [], "by hand": []}
        for seed in range(seeds):
            progress(f"{name}, seed {seed}")
            case = _shop(seed) if name == "shop" else _customs()
            is_fraud = (case.tested["label"] == "fraud").to_numpy()
            n_tested = max(n_tested, len(is_fraud))
            probability, _ = ordinary_scores(case, seed=seed)
            scores = {"ours": probability, "lightgbm": _lightgbm(case, _raw, seed)}
            scores |= {"by hand": _lightgbm(case, _by_hand, seed)} if name == "shop" else {}
            for who, values in scores.items():
                found[who].append(float(average_precision_score(is_fraud, values)))
        means = {who: float(np.mean(values)) for who, values in found.items() if values}
        ours[f"{name}.average_precision"] = means.pop("ours")
        for who, value in means.items():
            peers[who][f"{name}.average_precision"] = value
        best = max(means.values()) - (WITHIN if name == "shop" else 0)
        bars.append(Bar.at_least(f"{name}.average_precision", ours[f"{name}.average_precision"], best))
    return Report("ordinary", ", ".join(sets), PROTOCOL, n_tested, ours, peers, bars)


def _lightgbm(case: Case, columns_of: Any, seed: int) -> Array:
    known = case.learned if case.history is None else pd.concat([case.learned, case.history])
    table = columns_of(pd.concat([known, case.tested], ignore_index=True))
    learned, tested = table[: len(case.learned)], table[len(known) :]
    settings: dict[str, Any] = {"n_estimators": 200, "learning_rate": 0.05, "min_child_samples": 10, "n_jobs": 1}
    model: Any = lgb.LGBMClassifier(**settings, random_state=seed, verbosity=-1)
    return np.asarray(model.fit(learned, case.learned["label"] == "fraud").predict_proba(tested)[:, 1])


def _raw(rows: pd.DataFrame) -> pd.DataFrame:
    """Return numbers and categories."""
    left_out = [name for name in map(str, rows) if name.endswith(("_id", "_at")) or name in ("label", "ip")]
    kept: Any = rows.drop(columns=left_out)
    words = {name: "category" for name in kept if not pd.api.types.is_numeric_dtype(kept[name])}
    return pd.DataFrame(kept.astype(words))


def _by_hand(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the amount, the hour, and counts of the events before each one."""
    past = rows.sort_values("occurred_at", kind="stable")
    first = ~past.duplicated(["device_id", "account_id"])
    counts = {
        "amount": past["amount"],
        "hour": past["occurred_at"].dt.hour,
        "of_account": past.groupby("account_id").cumcount(),
        "of_account_and_device": past.groupby(["account_id", "device_id"]).cumcount(),
        "of_device": past.groupby("device_id").cumcount(),
        "accounts_of_device": first.groupby(past["device_id"]).cumsum() - first.astype(int),
        "of_account_and_ip": past.groupby(["account_id", "ip"]).cumcount(),
    }
    return pd.DataFrame(counts).loc[rows.index]


def _shop(seed: int, n: int = 25_400, days: int = 240, accounts: int = 2500) -> Case:
    """Return payments with a device, an address and a merchant; the last fifth is tested."""
    rng = np.random.default_rng(seed)
    weight, devices = rng.gamma(1.2, 1, accounts), rng.integers(1, 4, accounts)
    account = rng.choice(accounts, n, p=weight / weight.sum())
    is_fraud = rng.random(n) < 0.012
    thief = rng.integers(0, max(int(is_fraud.sum()) // 4, 1), n)
    own = np.char.add(np.char.add(account.astype(str), "-"), rng.integers(0, devices[account]).astype(str))
    new, shared = np.char.add("new", np.arange(n).astype(str)), np.char.add("thief", thief.astype(str))
    of_thief = np.where(rng.random(n) < 0.8, shared, new)
    of_others = np.where(rng.random(n) < 0.015, new, own)  # people buy telephones
    mobile = np.char.add("172.16.0.", rng.integers(0, 250, n).astype(str))
    home = np.char.add("10.1.", account.astype(str))
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D")
    table = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(n)],
            "occurred_at": times,
            "account_id": account.astype(str),
            "counterparty_id": rng.integers(0, 150, n).astype(str),
            "device_id": np.where(is_fraud, of_thief, of_others),
            "ip": np.where(rng.random(n) < np.where(is_fraud, 0.5, 0.15), mobile, home),
            "amount": np.exp(rng.normal(3.2, 0.9, n) + 0.35 * is_fraud).round(2),
            "label": np.where(is_fraud, "fraud", "legitimate"),
            "labelled_at": times + pd.to_timedelta(np.where(is_fraud, rng.uniform(30, 90, n), 60), unit="D"),
        }
    )
    start = times[int(0.8 * n)]
    known = table["occurred_at"] < start
    unknown = known & (table["labelled_at"] >= start)
    unlabelled: dict[str, Any] = {"label": None, "labelled_at": pd.NaT}
    history = table[unknown].assign(**unlabelled)
    return Case(table[known & ~unknown], table[~known].reset_index(drop=True), "events", history)


def _customs() -> Case:
    """Return declarations of goods, whose ids are named as a user would name them in the command."""
    table = load_accounts("customs_declarations")
    label = np.where(table["Fraud"].astype(int) == 1, "fraud", "legitimate")
    table = table.rename(columns={**CUSTOMS, "Date": "occurred_at"}).assign(label=label).drop(columns="Fraud")
    table["event_id"] = table["event_id"].astype(str)
    table["occurred_at"] = pd.to_datetime(table["occurred_at"], utc=True)
    split = table.pop("split")
    return Case(
        table[split == "train"].reset_index(drop=True), table[split == "valid"].reset_index(drop=True), "events"
    )


if __name__ == "__main__":
    sys.exit(main())
