"""Records that look like nothing in training: how many there are, and the metrics without them."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.unlike_training.shares import UNFAMILIAR
from fraudsieve.training.evaluation.bootstrap import Interval
from fraudsieve.training.evaluation.fraud_rows import FraudRows

N_BINS = 20
EXPECTED = round(1 - UNFAMILIAR, 6)
"""Share of unfamiliar records among those like the records of training."""


@dataclass(frozen=True, kw_only=True)
class UnlikeMetrics:
    """Records that look like nothing in training, those with an ``unlike_training`` above .99."""

    rows: int
    # The frauds among them; None if all records are of one kind.
    frauds: int | None
    # Their share, and that of records like those of training: .01.
    share: float
    expected: float
    # Of the share, over draws of accounts or campaigns; None if these are unknown.
    interval: Interval | None
    # On all other records; None if they have one kind only.
    average_precision: float | None
    # Share of the records in each twentieth of `unlike_training`. Where records are like those of training, all are
    # about .05.
    distribution: tuple[float, ...]

    @property
    def is_clearly_more(self) -> bool:
        """Whether more records than twice the expected share are unfamiliar, with the whole interval."""
        return (self.share if self.interval is None else self.interval[0]) > 2 * self.expected

    @classmethod
    def of(cls, rows: FraudRows, unlike: Array) -> Self | None:
        """Count unfamiliar records; None if no record has an ``unlike_training``."""
        known = ~np.isnan(unlike)
        if not known.any():
            return None
        rows, unlike = rows.part(known), unlike[known]
        unfamiliar = unlike > UNFAMILIAR
        others = rows.part(~unfamiliar)
        counts = np.histogram(unlike, bins=N_BINS, range=(0.0, 1.0))[0]
        return cls(
            rows=int(unfamiliar.sum()),
            frauds=int(rows.is_fraud[unfamiliar].sum()) if rows.both else None,
            share=rows.share(unfamiliar) or 0.0,
            expected=EXPECTED,
            interval=rows.share_interval(unfamiliar),
            average_precision=others.average_precision(),
            distribution=tuple(float(count) / len(unlike) for count in counts),
        )
