"""Features, samples and scores on Spark, equal to those of one machine to the last bit. Needs the extra ``spark``.

The interpreter that runs Spark's workers (``PYSPARK_PYTHON``) needs fraudsieve too, with the extras ``train`` and
``spark``. No other package imports this one.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .feature_files import write_account_features
    from .feature_frames import account_features
    from .sample_frames import training_sample
    from .score_frames import score

__all__ = ["account_features", "score", "training_sample", "write_account_features"]

# Imported at first use: without PySpark the error says what to install.
_HOMES = {
    "account_features": "feature_frames",
    "score": "score_frames",
    "training_sample": "sample_frames",
    "write_account_features": "feature_files",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES and find_spec("pyspark") is None:
        raise ImportError("fraudsieve.spark needs PySpark: pip install 'fraudsieve[spark]'")
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
