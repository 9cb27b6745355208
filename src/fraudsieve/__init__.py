"""fraudsieve: messages and account histories in, a fraud model out, scores back."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ._lazy import lazy_attribute

if TYPE_CHECKING:
    from .features import MessageFeatures
    from .models import FraudClassifier, Scorer
    from .training import Recipe, train

__all__ = ["FraudClassifier", "MessageFeatures", "Recipe", "Scorer", "__version__", "train"]

__version__ = version("fraudsieve")

# Imported at first use: scoring must not import scikit-learn.
_HOMES = {
    "FraudClassifier": "models",
    "MessageFeatures": "features",
    "Recipe": "training",
    "Scorer": "models",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
