"""Names and formats of metrics, shared by the command line, the pages, the gates and notebooks."""

from typing import TYPE_CHECKING, Final

from fraudsieve._html import facts_table
from fraudsieve._translation import tr
from fraudsieve.pages.words import format_number

if TYPE_CHECKING:  # the report imports this module
    from .report import EvaluationReport

METRIC_NAMES: Final = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "recall_at_1pct_fpr": "recall at 1 % false positives",
    "recall_at_capacity": "recall at the review capacity",
    "precision_at_capacity": "precision at the review capacity",
    "cost_per_1000": "cost per 1,000 records, in reviews",
    "base_rate": "base rate",
    "ece": "calibration error (ECE)",
    "brier": "Brier score",
    "log_loss": "log loss",
    "observed_over_expected": "observed over expected fraud",
    "macro_f1": "macro-F1 over types",
    "accuracy": "accuracy over types",
}
"""The main metrics of an `EvaluationReport`, in the order of its page."""

RATE_NAMES: Final = {
    "false_positive_rate": "false positives",
    "recall": "recall",
    "precision": "precision",
    "flagged": "flagged",
    "alerts_a_day": "alerts per day",
}
"""The rates of an operating point."""

SHOWN = (
    "average_precision",
    "base_rate",
    "recall_at_capacity",
    "precision_at_capacity",
    "recall_at_1pct_fpr",
    "ece",
    "macro_f1",
)
"""The metrics of the short table of a report."""


def describe_capacity(*, alerts: float, alerts_a_day: float | None, flagged: float, why: str) -> str:
    """Describe the review capacity: the alerts, per day where days are known, their share, and the reason."""
    number = (
        tr("{n} alerts", n=format_number(alerts))
        if alerts_a_day is None
        else tr("{n} alerts per day", n=format_number(alerts_a_day))
    )
    return tr("{number} ({share:.3g} % of the records), {why}", number=number, share=100 * flagged, why=tr(why))


def format_days(days: float) -> str:
    """Format a number of days with up to three significant digits."""
    return format_number(float(f"{days:.3g}"))


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
