"""The figures of a sheet, for people."""

from collections.abc import Iterator
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
    figures = [(text, f"{sheet[name]:.3f}{_between(sheet['intervals'].get(name))}") for name, text in found.items()]
    return [*figures, *_point_rows(sheet["operating_points"]), *_label_rows(sheet["labels"])]


def _between(interval: list[float] | None) -> str:
    return "" if interval is None else f"  ({interval[0]:.3f} to {interval[1]:.3f})"


def _point_rows(points: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Lay out the operating points: a row a point, what it does here before what it did on the calibration slice."""
    names = ("false positives", "recall", "precision", "flagged", "alerts a day")
    if points:
        yield "operating points", "".join(f"{name:>20}" for name in names) + "  (in brackets: when calibrated)"
    for point in points:
        pairs = zip(_shown(point["here"]), _shown(point["calibration"]), strict=True)
        yield f"  {point['name']}", "".join(f"{f'{here} ({then})':>20}" for here, then in pairs)


def _shown(figures: dict[str, float | None]) -> list[str]:
    forms = {
        "false_positive_rate": ".2%",
        "recall": ".3f",
        "precision": ".3f",
        "flagged": ".2%",
        "alerts_a_day": ",.1f",
    }
    return ["-" if figures[name] is None else format(figures[name], form) for name, form in forms.items()]


def _label_rows(labels: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from fraudsieve.training.pages.labels import label_facts

    for place, (name, text) in enumerate(label_facts(labels)):
        yield ("" if place else "labels"), f"{name}: {text}"
