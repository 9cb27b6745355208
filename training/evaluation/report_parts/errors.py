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
    """Records that the model is most wrong about.

    Parameters
    ----------
    missed : tuple of ScoredRecord
        Frauds that are not flagged, those with the lowest probabilities.
    false_alarms : tuple of ScoredRecord
        Legitimate records that are flagged, those with the highest probabilities.
    """

    missed: tuple[ScoredRecord, ...]
    false_alarms: tuple[ScoredRecord, ...]

    @classmethod
    def of(cls, ids: Array, labels: Array, probability: Array, is_fraud: Array, flagged: Array) -> Self:
        """Find the largest errors, at most ten of each kind.

        Parameters
        ----------
        ids, labels : ndarray of objects, each of shape (n_rows,)
            Identifiers and the truth.
        probability : ndarray of float64, shape (n_rows,)
            Probability of fraud.
        is_fraud : ndarray of bool, shape (n_rows,)
            Whether the truth is fraud.
        flagged : ndarray of bool, shape (n_rows,)
            Whether the model flags the record.

        Returns
        -------
        LargestErrors

        Examples
        --------
        >>> ids, labels = np.array(["a", "b", "c", "d"], object), np.array(["scam", "scam", "ham", "ham"], object)
        >>> p = np.array([0.9, 0.2, 0.6, 0.1])
        >>> errors = LargestErrors.of(ids, labels, p, labels == "scam", p >= 0.5)
        >>> [record.record_id for record in errors.missed], errors.false_alarms[0].probability
        (['b'], 0.6)
        """
        rising = np.argsort(probability, kind="stable")

        def records(wrong: Array, order: Array) -> Iterator[ScoredRecord]:
            for i in order[wrong[order]][:MAX_RECORDS]:
                yield ScoredRecord(str(ids[i]), str(labels[i]), float(probability[i]))

        return cls(tuple(records(is_fraud & ~flagged, rising)), tuple(records(~is_fraud & flagged, rising[::-1])))
