"""Names and formats of metrics, shared by the command line, the pages, the gates and notebooks."""

from typing import Final

from fraudsieve.pages.words import format_number

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


def format_days(days: float) -> str:
    """Format a number of days with up to three significant digits."""
    return format_number(float(f"{days:.3g}"))
