"""Models: the classifier, its calibration, the model folder and the scorer."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .artifact.folder import Model, read_model, write_model
    from .batch.score import ScoringResult, score_file
    from .calibration import Calibration, fit_calibration
    from .classifier import FraudClassifier
    from .model_scores import ModelScores
    from .pipeline import save_pipeline
    from .policy import Policy
    from .predict import Scorer
    from .verification import verify

__all__ = [
    "Calibration",
    "FraudClassifier",
    "Model",
    "ModelScores",
    "Policy",
    "Scorer",
    "ScoringResult",
    "fit_calibration",
    "read_model",
    "save_pipeline",
    "score_file",
    "verify",
    "write_model",
]

# Imported at first use: scoring must not import scikit-learn.
_HOMES = {
    "Calibration": "calibration",
    "FraudClassifier": "classifier",
    "Model": "artifact.folder",
    "ModelScores": "model_scores",
    "Policy": "policy",
    "Scorer": "predict",
    "ScoringResult": "batch.score",
    "fit_calibration": "calibration",
    "read_model": "artifact.folder",
    "save_pipeline": "pipeline",
    "score_file": "batch.score",
    "verify": "verification",
    "write_model": "artifact.folder",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
