"""The number of boosting rounds of a model, and the rows that it was chosen on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RoundMetrics:
    """Metrics of the later rows after some rounds."""

    rounds: int
    log_loss: float
    average_precision: float


@dataclass(frozen=True)
class RoundChoice:
    """A number of boosting rounds, and how it was chosen."""

    # The rounds of the model: `lowest`, in proportion to the rows that it learns from.
    rounds: int
    # The rounds with the lowest log loss on the later rows, of trees of the earlier ones.
    lowest: int
    rows: int
    frauds: int
    # Whether these rows are the latest; otherwise they are some campaigns or accounts.
    later: bool
    # Metrics of these rows by number of rounds.
    curve: tuple[RoundMetrics, ...]
