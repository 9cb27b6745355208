"""The feature matrix of messages: from raw text to numbers, in NumPy alone.

Training and scoring both call `MessageMatrix.compute`, so what was trained is what is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.cues.matrix import CUES, SHAPES, cues_and_shape
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import OBFUSCATIONS, fold_codes, obfuscation_shares
from fraudsieve.features.text.pinyin import to_pinyin
from fraudsieve.features.wording.model import TextModel, as_known
from fraudsieve.features.wording.surprisal import SURPRISALS, CharacterModel

from .history_declaration import HistoryDeclaration
from .live_state import HistoryState

__all__ = ["MessageMatrix"]


@dataclass(frozen=True)
class MessageMatrix:
    """The features of a message, and the order of their columns.

    Parameters
    ----------
    wording : TextModel or None
        The text model; None for no wording columns.
    sender : tuple of History, default=()
        The feature views of the sender's events, as of the time of the message.
    pinyin : TextModel, default=None
        A text model of the pinyin of the folded text.
    characters : tuple of CharacterModel, default=()
        Character models of legitimate text, raw and folded.
    campaigns : CampaignHistory, default=None
        The features of earlier near-duplicates; None for no such columns.
    brands : tuple of str, default=()
        Brands whose look-alikes are counted, as `check_brands` returns them.

    Examples
    --------
    >>> matrix = MessageMatrix(None)
    >>> matrix.columns[:3], matrix.compute(["call 13800000000 now"]).shape
    (('cues__links', 'cues__dotted', 'cues__mobiles'), (1, 76))
    """

    wording: TextModel | None
    sender: tuple[History, ...] = ()
    pinyin: TextModel | None = None
    characters: tuple[CharacterModel, ...] = ()
    campaigns: CampaignHistory | None = None
    brands: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``."""
        plain = [f"cues__{name}" for name in CUES] + [f"shape__{name}" for name in (*SHAPES, "upper")]
        plain += [f"obfuscation__{name}" for name in OBFUSCATIONS]
        plain += [f"sender__{name.split('__', 1)[1]}" for name in history_columns(self.sender)]
        plain += self._campaign_columns
        learnt: list[str] = []
        if self.wording is not None:
            learnt += [*(f"wording__{name}" for name in self.wording.classes), "surprisal__unknown"]
        if self.pinyin is not None:
            learnt += [*(f"pinyin__{name}" for name in self.pinyin.classes), "surprisal__unknown_pinyin"]
        for form, _ in zip(("raw", "folded"), self.characters, strict=False):
            learnt += [f"surprisal__{form}_{name}" for name in SURPRISALS]
        return (*learnt, *plain)

    @property
    def _campaign_columns(self) -> tuple[str, ...]:
        return self.campaigns.columns if self.campaigns else ()

    @property
    def history_declaration(self) -> HistoryDeclaration:
        """The feature views of senders and of campaigns; there is no network."""
        return HistoryDeclaration((*self.sender, *(self.campaigns.views if self.campaigns else ())))

    def new_state(self, *, lateness: str = "1d") -> HistoryState:
        """Return an empty live state for the history of senders and of campaigns.

        Parameters
        ----------
        lateness : str, default="1d"
            As for `HistoryState`.

        Returns
        -------
        HistoryState
        """
        return HistoryState(self.history_declaration.histories, lateness=lateness)

    def compute(self, texts: Sequence[str], sender: Array | None = None, campaign: Array | None = None) -> Array:
        """Compute every column.

        Parameters
        ----------
        texts : sequence of str, length n_messages
            Raw texts.
        sender : ndarray of float64, shape (n_messages, n_sender), default=None
            The history of the senders; None for unknown.
        campaign : ndarray of float64, shape (n_messages, n_campaign), default=None
            The features of earlier near-duplicates; None for unknown.

        Returns
        -------
        ndarray of float64, shape (n_messages, n_columns)
        """
        raw = pack(texts)
        folded, plain = self.plain(raw, self.brands)
        parts = []
        for model, form in ((self.wording, folded), (self.pinyin, to_pinyin(folded) if self.pinyin else folded)):
            if model is not None:
                log_odds, known = model.log_odds(form)
                parts += [as_known(log_odds, known, model.trust), (1 - known)[:, None]]
        parts += [model.surprisal(form) for model, form in zip(self.characters, (raw, folded), strict=False)]
        parts.append(plain)
        for declared, block in ((history_columns(self.sender), sender), (self._campaign_columns, campaign)):
            if declared:
                parts.append(np.full((len(texts), len(declared)), np.nan) if block is None else block)
        return np.concatenate(parts, axis=1)

    @staticmethod
    def plain(raw: CodePoints, brands: Sequence[str] = ()) -> tuple[CodePoints, Array]:
        """Fold texts and compute the columns that need no labels.

        Parameters
        ----------
        raw : CodePoints
            Raw texts.
        brands : sequence of str, default=()
            As `check_brands` returns them.

        Returns
        -------
        folded : CodePoints
            The input of the text model.
        plain : ndarray of float64, shape (n_messages, n_plain)
            Cues, shape and obfuscation; upper case and obfuscation as shares of the folded length.
        """
        folded, counts = fold_codes(raw)
        return folded, np.concatenate([cues_and_shape(folded, raw, brands), obfuscation_shares(folded, counts)], axis=1)
