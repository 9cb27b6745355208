"""Evaluation: metrics of scores on labelled records, with intervals."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .bootstrap import bootstrap_ranking, percentile_interval
    from .ranking import Ranking
    from .report import EvaluationReport, evaluate
    from .run import Evaluation, evaluate_model, evaluate_tables

__all__ = [
    "Evaluation",
    "EvaluationReport",
    "Ranking",
    "bootstrap_ranking",
    "evaluate",
    "evaluate_model",
    "evaluate_tables",
    "percentile_interval",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Evaluation": "run",
    "EvaluationReport": "report",
    "Ranking": "ranking",
    "bootstrap_ranking": "bootstrap",
    "evaluate": "report",
    "evaluate_model": "run",
    "evaluate_tables": "run",
    "percentile_interval": "bootstrap",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
