"""Train fraud models on labelled messages, accounts and payments, and score new records with reasons."""

import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from ._lazy import attach

if TYPE_CHECKING:
    from .features import AccountFeatures as AccountFeatures
    from .features import History as History
    from .features import HistoryState as HistoryState
    from .features import MessageFeatures as MessageFeatures
    from .features import Network as Network
    from .models import FraudClassifier as FraudClassifier
    from .models import ModelScores as ModelScores
    from .models import Policy as Policy
    from .models import Scorer as Scorer
    from .models import save_pipeline as save_pipeline
    from .models import score_file as score_file
    from .training import Recipe as Recipe
    from .training import evaluate_tables as evaluate_tables
    from .training import monitor_tables as monitor_tables
    from .training import promote as promote
    from .training import rollback as rollback
    from .training import train as train
    from .training import write_features as write_features

# Here, because this runs before every module that imports MLflow: its telemetry looks up a host of MLflow's makers.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

__version__ = version("fraudsieve")
__getattr__, __dir__, __all__ = attach(__name__, __file__, "__version__")
