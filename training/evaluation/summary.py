"""The main figures of an evaluation report: in one line, and as a short table for notebooks."""

from typing import TYPE_CHECKING

from fraudsieve._html import facts_table

from .metrics import METRIC_NAMES

if TYPE_CHECKING:  # the report imports this module
    from .report import EvaluationReport

__all__ = ["headline_figure", "report_table"]

SHOWN = (
    "average_precision",
    "base_rate",
    "recall_at_capacity",
    "precision_at_capacity",
    "recall_at_1pct_fpr",
    "ece",
    "macro_f1",
)


def headline_figure(report: "EvaluationReport") -> str:
    """Return the name and the value of the metric that matters most."""
    name = "average_precision" if report.average_precision is not None else "macro_f1"
    return f"{METRIC_NAMES[name]} {getattr(report, name):.3f}"


def report_table(report: "EvaluationReport") -> str:
    """Return the main figures as a table in HTML."""
    facts = {"records": f"{report.rows:,}" + ("" if report.frauds is None else f", {report.frauds:,} of them fraud")}
    if report.decision is not None:
        decision = report.decision
        facts["found"] = f"{decision.found:,} frauds with {decision.reviews:,} reviews, at {decision.point}"
    for name in SHOWN:
        value, interval = getattr(report, name), report.intervals.get(name)
        if value is not None:
            between = "" if interval is None else f" (95 % interval: {interval[0]:.3f} to {interval[1]:.3f})"
            facts[METRIC_NAMES[name]] = f"{value:.3f}{between}"
    facts["types"] = ", ".join(report.by_type)
    return facts_table("Evaluation report", facts)
