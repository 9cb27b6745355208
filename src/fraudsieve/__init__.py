"""fraudsieve: messages and account histories in, a fraud model out, scores back."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ._lazy import lazy_attribute

if TYPE_CHECKING:
    from .features import AccountFeatures, History, HistoryState, MessageFeatures, Network
    from .models import FraudClassifier, Scorer
    from .training import Recipe, train

__all__ = [
    "AccountFeatures",
    "FraudClassifier",
    "History",
    "HistoryState",
    "MessageFeatures",
    "Network",
    "Recipe",
    "Scorer",
    "__version__",
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
    "Network": "features",
    "Recipe": "training",
    "Scorer": "models",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
