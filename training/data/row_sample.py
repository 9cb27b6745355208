"""A sample of training rows: all fraud, and of the legitimate rows those whose id has a low hash.

Whether a row is selected depends only on its id, the rate and a seed, and not on its place, the other rows, or the
machine. A sample of a lower rate is part of one of a higher rate.
"""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, JsonObject


@dataclass(frozen=True)
class RowSample:
    """The sample of the legitimate rows of a training slice."""

    # The share of them, above 0 and at most 1.
    rate: float = 1.0
    seed: int = 0

    def class_rates(self, legitimate: str, classes: set[str]) -> dict[str, float]:
        """Return the rates for `FraudClassifier.fit`, of the classes that some rows have."""
        return {legitimate: self.rate} if self.rate < 1 and legitimate in classes else {}

    @property
    def facts(self) -> JsonObject:
        """Facts that a model keeps about the sample that it was trained on; empty if it was trained on all rows."""
        return {} if self.rate == 1 else {"sample": asdict(self)}


NO_SAMPLE: Final = RowSample()
"""All rows."""


def select_ids(ids: Array, sample: RowSample) -> Array:
    """Return which ids are selected: those whose hash is among the lowest by the rate."""
    key = f"{sample.seed % 10**16:016d}"
    hashes = pd.util.hash_array(np.asarray(ids, object), hash_key=key, categorize=False)
    return np.asarray((hashes >> np.uint64(11)) / 2**53 < sample.rate)  # 53 bits are exact in a float
