"""Train fraud models on labelled messages, accounts and payments, and score new records with reasons."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ._lazy import lazy_attribute

if TYPE_CHECKING:
    from .features import AccountFeatures, History, HistoryState, MessageFeatures, Network
    from .models import FraudClassifier, ModelScores, Policy, Scorer, save_pipeline, score_file
    from .training import Recipe, compare_tables, evaluate_tables, monitor_tables, promote, rollback, train

__all__ = [
    "AccountFeatures",
    "FraudClassifier",
    "History",
    "HistoryState",
    "MessageFeatures",
    "ModelScores",
    "Network",
    "Policy",
    "Recipe",
    "Scorer",
    "__version__",
    "compare_tables",
    "evaluate_tables",
    "monitor_tables",
    "promote",
    "rollback",
    "save_pipeline",
    "score_file",
    "train",
]

__version__ = version("fraudsieve")

# Imported at first use: scoring must not import scikit-learn.
_HOMES = {
    "AccountFeatures": "features",
    "FraudClassifier": "models",
    "History": "features",
    "HistoryState": "features",
    "MessageFeatures": "features",
    "ModelScores": "models",
    "Network": "features",
    "Policy": "models",
    "Recipe": "training",
    "Scorer": "models",
    "compare_tables": "training",
    "evaluate_tables": "training",
    "monitor_tables": "training",
    "promote": "training",
    "rollback": "training",
    "save_pipeline": "models",
    "score_file": "models",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
