"""Evaluation: metrics of scores on labelled records, with intervals."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .bootstrap import bootstrap_ranking as bootstrap_ranking
    from .bootstrap import percentile_interval as percentile_interval
    from .evaluation_run import Evaluation as Evaluation
    from .evaluation_run import evaluate_model as evaluate_model
    from .evaluation_run import evaluate_tables as evaluate_tables
    from .ranking import Ranking as Ranking
    from .report import EvaluationReport as EvaluationReport
    from .report import evaluate as evaluate

__getattr__, __dir__, __all__ = attach(__name__, __file__)
