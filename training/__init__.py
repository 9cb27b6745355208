"""From labelled records to a model: training, evaluation, promotion, monitoring and recalibration."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .data.labelled import LabelledData, load_labelled
    from .evaluation.run import Evaluation, evaluate_tables
    from .fit import Trained, train
    from .labels.maturity import DelayCurve, delay_curve, maturity_gap, maturity_gaps
    from .labels.trust import Trust, label_as_of, reversals
    from .leaks import find_leaks
    from .monitoring.report import MonitorReport
    from .monitoring.run import monitor_tables
    from .promotion.compare import Comparison, compare_tables
    from .promotion.decision import Decision, promote, rollback
    from .recalibration.audit import Audit
    from .recalibration.run import Recalibrated, draw_audit_sample, recalibrate
    from .recipe.recipe import Recipe
    from .simulation.world import World
    from .splits.forward import Fold, forward_folds
    from .splits.split import Split, split_by_campaign, split_by_time, split_randomly

__all__ = [
    "Audit",
    "Comparison",
    "Decision",
    "DelayCurve",
    "Evaluation",
    "Fold",
    "LabelledData",
    "MonitorReport",
    "Recalibrated",
    "Recipe",
    "Split",
    "Trained",
    "Trust",
    "World",
    "compare_tables",
    "delay_curve",
    "draw_audit_sample",
    "evaluate_tables",
    "find_leaks",
    "forward_folds",
    "label_as_of",
    "load_labelled",
    "maturity_gap",
    "maturity_gaps",
    "monitor_tables",
    "promote",
    "recalibrate",
    "reversals",
    "rollback",
    "split_by_campaign",
    "split_by_time",
    "split_randomly",
    "train",
]

# Imported at first use: MLflow alone takes seconds.
_HOMES = {
    "Audit": "recalibration.audit",
    "Comparison": "promotion.compare",
    "Decision": "promotion.decision",
    "DelayCurve": "labels.maturity",
    "Evaluation": "evaluation.run",
    "Fold": "splits.forward",
    "LabelledData": "data.labelled",
    "MonitorReport": "monitoring.report",
    "Recalibrated": "recalibration.run",
    "Recipe": "recipe.recipe",
    "Split": "splits.split",
    "Trained": "fit",
    "Trust": "labels.trust",
    "World": "simulation.world",
    "compare_tables": "promotion.compare",
    "delay_curve": "labels.maturity",
    "draw_audit_sample": "recalibration.run",
    "evaluate_tables": "evaluation.run",
    "find_leaks": "leaks",
    "forward_folds": "splits.forward",
    "label_as_of": "labels.trust",
    "load_labelled": "data.labelled",
    "maturity_gap": "labels.maturity",
    "maturity_gaps": "labels.maturity",
    "monitor_tables": "monitoring.run",
    "promote": "promotion.decision",
    "recalibrate": "recalibration.run",
    "reversals": "labels.trust",
    "rollback": "promotion.decision",
    "split_by_campaign": "splits.split",
    "split_by_time": "splits.split",
    "split_randomly": "splits.split",
    "train": "fit",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
