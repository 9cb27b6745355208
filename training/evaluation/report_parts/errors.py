"""The largest errors of a model, by the identifiers of the records: never by their texts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array

MAX_RECORDS = 10


@dataclass(frozen=True)
class ScoredRecord:
    """A record by its identifier, with its label and its probability of fraud."""

    record_id: str
    label: str
    probability: float


@dataclass(frozen=True)
class LargestErrors:
    """Records that the model is most wrong about."""

    # Frauds that are not flagged, those with the lowest probabilities.
    missed: tuple[ScoredRecord, ...]
    # Legitimate records that are flagged, those with the highest probabilities.
    false_alarms: tuple[ScoredRecord, ...]

    @classmethod
    def of(cls, ids: Array, labels: Array, probability: Array, is_fraud: Array, flagged: Array) -> Self:
        """Find the largest errors, at most ten of each kind."""
        rising = np.argsort(probability, kind="stable")

        def records(wrong: Array, order: Array) -> Iterator[ScoredRecord]:
            for i in order[wrong[order]][:MAX_RECORDS]:
                yield ScoredRecord(str(ids[i]), str(labels[i]), float(probability[i]))

        return cls(tuple(records(is_fraud & ~flagged, rising)), tuple(records(~is_fraud & flagged, rising[::-1])))
