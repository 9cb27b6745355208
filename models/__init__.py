"""Models: the classifier, its calibration, the model folder and the scorer."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .artifact.folder import Model as Model
    from .artifact.folder import read_model as read_model
    from .artifact.folder import write_model as write_model
    from .batch.outputs import ScoringResult as ScoringResult
    from .batch.score import score_file as score_file
    from .calibration import Calibration as Calibration
    from .calibration import fit_calibration as fit_calibration
    from .classifier import FraudClassifier as FraudClassifier
    from .fields import Policy as Policy
    from .model_scores import ModelScores as ModelScores
    from .pipeline import save_pipeline as save_pipeline
    from .predict import Scorer as Scorer
    from .scoring.traffic import unusual_shares as unusual_shares
    from .verification import verify as verify

__getattr__, __dir__, __all__ = attach(__name__, __file__)
