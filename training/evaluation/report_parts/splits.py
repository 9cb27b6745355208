"""The split behind a report, and the metrics of the same recipe when it is split by time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fraudsieve.training.splits.split import Split


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """Summary of a split into training, calibration and test; see `Split`."""

    kind: str
    keeps_apart: tuple[str, ...]
    flatters: bool
    rows: Mapping[str, int]
    dropped: Mapping[str, int]
    gap_days: float

    @classmethod
    def of(cls, split: Split) -> Self:
        """Summarise a split."""
        return cls(
            kind=split.kind,
            keeps_apart=split.keeps_apart,
            flatters=split.flatters,
            rows=split.rows,
            dropped=split.dropped,
            gap_days=split.gap_days,
        )


@dataclass(frozen=True, kw_only=True)
class TemporalMetrics:
    """Metrics of the same recipe when it is split by time, or the reason why there are none (``skipped``)."""

    average_precision: float | None = None
    roc_auc: float | None = None
    base_rate: float | None = None
    macro_f1: float | None = None
    rows: int | None = None
    split: SplitSummary | None = None
    skipped: str | None = None
