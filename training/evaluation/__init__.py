"""Evaluation: metrics of scores on labelled records, with intervals."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .bootstrap import bootstrap_ranking, percentile_interval
    from .ranking import Ranking
    from .report import EvaluationReport, ReportDetails, evaluate
    from .run import evaluate_model

__all__ = [
    "EvaluationReport",
    "Ranking",
    "ReportDetails",
    "bootstrap_ranking",
    "evaluate",
    "evaluate_model",
    "percentile_interval",
]

# Imported at first use, as in the package above.
_HOMES = {
    "EvaluationReport": "report",
    "Ranking": "ranking",
    "ReportDetails": "report",
    "bootstrap_ranking": "bootstrap",
    "evaluate": "report",
    "evaluate_model": "run",
    "percentile_interval": "bootstrap",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
