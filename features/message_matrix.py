"""The feature matrix of messages: from raw text to numbers, in NumPy alone.

Training and scoring both call `MessageMatrix.compute`, so what was trained is what is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .cues import CUES, SHAPES, cues_and_shape
from .fold import DISGUISES, KINDS, fold_codes
from .history import History, history_columns
from .history_live import HistoryState
from .text import CodePoints, pack
from .wording import Wording

__all__ = ["MessageMatrix"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class MessageMatrix:
    """What is computed for a message, and in which order.

    Parameters
    ----------
    wording : Wording or None
        The wording model; without one there are no wording columns.
    sender : tuple of History, default=()
        The views of the sender's events, as of the time that a message was sent.

    Examples
    --------
    >>> matrix = MessageMatrix(None)
    >>> matrix.columns[:3], matrix.compute(["call 13800000000 now"]).shape
    (('cues__links', 'cues__dotted', 'cues__mobiles'), (1, 28))
    """

    wording: Wording | None
    sender: tuple[History, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``."""
        plain = [f"cues__{name}" for name in CUES] + [f"shape__{name}" for name in (*SHAPES, "upper")]
        plain += [f"disguise__{name}" for name in DISGUISES]
        plain += [f"sender__{name.split('__', 1)[1]}" for name in history_columns(self.sender)]
        if self.wording is None:
            return tuple(plain)
        return (*(f"wording__{name}" for name in self.wording.classes), "surprise__unknown", *plain)

    def new_state(self, *, lateness: str = "1d") -> HistoryState:
        """Return an empty live state for the sender's history.

        Parameters
        ----------
        lateness : str, default="1d"
            As for `HistoryState`.

        Returns
        -------
        HistoryState
        """
        return HistoryState(self.sender, lateness=lateness)

    def compute(self, texts: Sequence[str], sender: Array | None = None) -> Array:
        """Compute every column.

        Parameters
        ----------
        texts : sequence of str, length n_messages
            Texts as they came.
        sender : ndarray of float64, shape (n_messages, n_sender), default=None
            The history of the senders; None for unknown.

        Returns
        -------
        ndarray of float64, shape (n_messages, n_columns)
        """
        folded, plain = self.plain(texts)
        if self.sender:
            unknown = np.full((len(texts), len(history_columns(self.sender))), np.nan)
            plain = np.hstack([plain, unknown if sender is None else sender])
        if self.wording is None:
            return plain
        return self.join(*self.wording.log_odds(folded), plain)

    @staticmethod
    def join(log_odds: Array, known: Array, plain: Array) -> Array:
        """Put wording scores before the other columns.

        Parameters
        ----------
        log_odds : ndarray, shape (n_messages, n_outputs)
            From the wording model.
        known : ndarray, shape (n_messages,)
            The share of n-grams that it knows.
        plain : ndarray, shape (n_messages, n_plain)
            From `plain`.

        Returns
        -------
        ndarray of float64, shape (n_messages, n_columns)
        """
        return np.column_stack([log_odds, 1 - known, plain])

    @staticmethod
    def plain(texts: Sequence[str]) -> tuple[CodePoints, Array]:
        """Fold texts and compute the columns that need no labels.

        Parameters
        ----------
        texts : sequence of str, length n_messages
            Texts as they came.

        Returns
        -------
        folded : CodePoints
            What the wording model reads.
        plain : ndarray of float64, shape (n_messages, n_plain)
            Cues, shape and disguise; upper case and disguise as shares of the folded length.
        """
        folded, undone = fold_codes(pack(texts))
        shares = undone / np.maximum(np.diff(folded.offsets), 1)[:, None]
        upper = shares[:, KINDS.index("case")]
        return folded, np.column_stack([cues_and_shape(folded), upper, shares[:, : len(DISGUISES)]])
