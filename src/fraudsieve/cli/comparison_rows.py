"""A comparison of two models, for people."""

from collections.abc import Iterable
from typing import Any

__all__ = ["comparison_rows", "gate_rows"]

NAMES = {
    "average_precision": "average precision",
    "recall_at_capacity": "recall at the review capacity",
    "precision_at_capacity": "precision at the review capacity",
    "recall_at_1pct_fpr": "recall at 1 % false positives",
    "roc_auc": "ROC AUC",
    "cost_per_1000": "cost for 1,000, in reviews",
    "ece": "calibration error",
    "brier": "Brier score",
    "observed_over_expected": "observed over expected fraud",
}


def comparison_rows(comparison: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("later records", _records(comparison)), ("", "champion  challenger  difference")]
    rows += [(text, _pair(comparison["figures"][name])) for name, text in NAMES.items()]
    attack, latency = comparison["attack"], comparison["latency"]
    if attack is not None:
        rows.append((f"recall kept, {attack['strength']} attack", _two(attack["champion"], attack["challenger"], 3)))
    times = [None if latency[role] is None else latency[role]["p99_ms"] for role in ("champion", "challenger")]
    rows.append(("one record, p99 in ms", _two(times[0], times[1], 2)))
    left_out = ", ".join(f"{n:,} {reason}" for reason, n in comparison["left_out"].items() if n)
    return rows + ([("left out", left_out)] if left_out else [])


def gate_rows(gates: Iterable[Any]) -> list[tuple[str, str]]:
    return [("passed" if gate.passed else "NOT PASSED", gate.reason) for gate in gates]


def _records(comparison: dict[str, Any]) -> str:
    said = f"{comparison['rows']:,} {comparison['subject']}s, {comparison['frauds']:,} of them fraud"
    capacity = comparison["capacity"]
    a_day = capacity and capacity["alerts_a_day"]
    return said + (f"; {a_day:.1f} alerts a day over {capacity['days']:,} days" if a_day else "")


def _pair(pair: dict[str, Any]) -> str:
    between = pair["interval"]
    said = _two(pair["champion"], pair["challenger"], 3)
    if pair["difference"] is None:
        return said
    return said + (f"  ({between[0]:+.3f} to {between[1]:+.3f})" if between else "")


def _two(old: float | None, new: float | None, digits: int) -> str:
    numbers = [old, new, None if old is None or new is None else new - old]
    signs = ("", "", "+")
    shown = ["-" if n is None else f"{n:{sign}.{digits}f}" for n, sign in zip(numbers, signs, strict=True)]
    return f"{shown[0]:>8}  {shown[1]:>10}  {shown[2]:>10}"
