"""Features, samples and scores on Spark, equal to those of one machine to the last bit. Needs the extra ``spark``.

The interpreter that runs Spark's workers (``PYSPARK_PYTHON``) needs fraudsieve too, with the extras ``train`` and
``spark``. No other package imports this one.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .feature_frames import feature_frame as feature_frame
    from .feature_frames import write_feature_frame as write_feature_frame
    from .sample_frames import training_sample as training_sample
    from .score_frames import score as score

_attribute, __dir__, __all__ = attach(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name in __all__ and find_spec("pyspark") is None:
        raise ImportError("fraudsieve.spark needs PySpark: pip install 'fraudsieve[spark]'")
    return _attribute(name)
