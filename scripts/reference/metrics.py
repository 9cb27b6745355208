"""The metrics of the evaluation report, from the class that holds them."""

from dataclasses import fields

from fraudsieve.training.evaluation.metrics import METRIC_NAMES
from fraudsieve.training.evaluation.report import EvaluationReport

from .entries import documented, entry, inline, sentence

__all__ = ["metric_names", "metrics_page"]


def metric_names() -> list[str]:
    """Return the names of the report's fields: first the main metrics, in the order of the page."""
    names = [field.name for field in fields(EvaluationReport)]
    return sorted(names, key=lambda name: [*METRIC_NAMES].index(name) if name in METRIC_NAMES else len(METRIC_NAMES))


def metrics_page() -> str:
    """Return an entry per field of the report, with the name that the page of a report gives it."""
    texts = documented(EvaluationReport)
    parts = ["## Main metrics\n"]
    for name in metric_names():
        if name not in METRIC_NAMES and len(parts) == len(METRIC_NAMES) + 1:
            parts.append("## Other fields\n")
        shown = f"Name on the page: {inline(METRIC_NAMES[name])}." if name in METRIC_NAMES else ""
        parts.append(entry("metric", name, sentence(inline(texts[name][1])), shown))
    return "\n".join(parts)
