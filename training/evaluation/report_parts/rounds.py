"""The number of boosting rounds of a model, and the rows that it was chosen on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RoundMetrics:
    """Metrics of the later rows after some rounds.

    Parameters
    ----------
    rounds : int
    log_loss : float
    average_precision : float
    """

    rounds: int
    log_loss: float
    average_precision: float


@dataclass(frozen=True)
class RoundChoice:
    """A number of boosting rounds, and how it was chosen.

    Parameters
    ----------
    rounds : int
        The rounds of the model: `lowest`, in proportion to the rows that it learns from.
    lowest : int
        The rounds with the lowest log loss on the later rows, of trees of the earlier ones.
    rows, frauds : int
        The later rows, and the frauds among them.
    later : bool
        Whether these rows are the latest; otherwise they are some campaigns or accounts.
    curve : tuple of RoundMetrics
        Metrics of these rows by number of rounds.
    """

    rounds: int
    lowest: int
    rows: int
    frauds: int
    later: bool
    curve: tuple[RoundMetrics, ...]
