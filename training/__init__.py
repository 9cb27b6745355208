"""From labelled records to a model: training, evaluation, promotion, monitoring and recalibration."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .data.labelled import LabelledData as LabelledData
    from .data.labelled import Labelling as Labelling
    from .data.labelled import load_labelled as load_labelled
    from .evaluation.evaluation_run import Evaluation as Evaluation
    from .evaluation.evaluation_run import evaluate_tables as evaluate_tables
    from .feature_table import FeatureTable as FeatureTable
    from .feature_table import write_features as write_features
    from .fit import Trained as Trained
    from .fit import train as train
    from .labels import DelayCurve as DelayCurve
    from .labels import delay_curve as delay_curve
    from .labels import maturity_gap as maturity_gap
    from .labels import maturity_gaps as maturity_gaps
    from .labels import reversals as reversals
    from .leaks import find_leaks as find_leaks
    from .monitoring.monitoring_run import monitor_tables as monitor_tables
    from .monitoring.report import MonitorReport as MonitorReport
    from .promotion.decision import Decision as Decision
    from .promotion.decision import promote as promote
    from .promotion.decision import rollback as rollback
    from .recalibration.recalibration_run import Recalibrated as Recalibrated
    from .recalibration.recalibration_run import recalibrate as recalibrate
    from .recipe.recipe import Recipe as Recipe
    from .simulation.world import World as World
    from .splits.forward import Fold as Fold
    from .splits.forward import forward_folds as forward_folds
    from .splits.split import Split as Split
    from .splits.split import split_by_campaign as split_by_campaign
    from .splits.split import split_by_time as split_by_time
    from .splits.split import split_randomly as split_randomly

__getattr__, __dir__, __all__ = attach(__name__, __file__)
