"""The figures of a sheet, for people."""

from typing import Any

__all__ = ["sheet_rows"]


def sheet_rows(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    names = {
        "average_precision": "average precision",
        "base_rate": "base rate",
        "recall_at_1pct_fpr": "recall at 1 % false positives",
        "recall_at_capacity": "recall at the review capacity",
        "precision_at_capacity": "precision at the review capacity",
        "cost_per_1000": "cost for 1,000, in reviews",
        "roc_auc": "ROC AUC",
        "ece": "calibration error",
        "macro_f1": "macro-F1 over types",
    }
    found = {name: text for name, text in names.items() if sheet.get(name) is not None}
    return [(text, f"{sheet[name]:.3f}{_between(sheet['intervals'].get(name))}") for name, text in found.items()]


def _between(interval: list[float] | None) -> str:
    return "" if interval is None else f"  ({interval[0]:.3f} to {interval[1]:.3f})"
