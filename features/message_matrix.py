"""The feature matrix of messages, computed from raw text.

Training and scoring both call `MessageMatrix.compute`, so their columns are the same. Needs only NumPy and Numba.

Messages as records: why a message is unscorable, and the history of its sender and its campaign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any, ClassVar

import numpy as np

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, JsonObject, Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.campaign.over_time import N_BANDS, CampaignHistory, campaign_subjects
from fraudsieve.features.cues.matrix import CUES, NO_LISTS, SHAPES, cues_and_shape
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.records import record_time
from fraudsieve.features.network.declaration import HistoryDeclaration
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import OBFUSCATIONS, fold_codes, fold_text, obfuscation_shares
from fraudsieve.features.text.pinyin import to_pinyin
from fraudsieve.features.wording.model import BITS, TextModel
from fraudsieve.features.wording.surprisal import SURPRISALS, CharacterModel
from fraudsieve.tables.values.moments import read_time
from fraudsieve.tables.values.reading import read_id, read_plain_text

from .cues.custom_lists import CustomLists
from .live_state import HistoryState
from .profile.custom_columns import NO_COLUMNS, CustomColumns
from .profile.dates import UNKNOWN
from .record_fields import FeatureRows, HistoryPart, RecordField


def message_history(
    records: Sequence[Record], state: HistoryState, sender: Sequence[History], campaigns: CampaignHistory | None
) -> tuple[Array, Array, list[str | None]]:
    """Compute the history of senders and of campaigns, at the time each message was sent."""
    n = len(records)
    sender_rows = np.full((n, sum(len(view.columns) for view in sender)), np.nan)
    campaign_rows = np.full((n, len(campaigns.columns) if campaigns else 0), np.nan)
    why: dict[int, str | None] = {}
    senders, texts = dict[int, Record](), dict[int, Record]()
    for row, record in enumerate(records):
        text, account, sent_at = (record.get(name) for name in ("text", "account_id", "sent_at"))
        try:
            if read_time(sent_at, "sent_at") is None:
                continue
            if sender and read_id(account, "account_id") is not None:  # a blank is missing, as in a table
                senders[row] = {"account_id": account, "as_of": sent_at}
            if campaigns and isinstance(text, str):
                texts[row] = {"text": text, "sent_at": sent_at}
        except RejectedRecordError as error:
            why[row] = str(error)
    if campaigns and texts:
        bands, _, rejected = state.rows_of(campaign_subjects([*texts.values()]), campaigns.views)
        campaign_rows[[*texts]] = campaigns.message_columns(bands)
        why |= zip(texts, rejected[::N_BANDS], strict=True)
    if senders:
        sender_rows[[*senders]], _, rejected = state.rows_of([*senders.values()], sender)
        why |= {row: reason for row, reason in zip(senders, rejected, strict=True) if reason is not None}
    reasons = (why.get(row) for row in range(n))
    return sender_rows, campaign_rows, [reason and reason.replace("as_of", "sent_at") for reason in reasons]


def _sent_times(records: Sequence[Record], zone: str) -> tuple[Array, list[str | None]]:
    """Return the times at which messages were sent, `UNKNOWN` where there is none, and why one cannot be read."""
    times = np.full(len(records), UNKNOWN)
    why: list[str | None] = [None] * len(records)
    for row, record in enumerate(records):
        try:
            times[row] = record_time(record.get("sent_at"), "sent_at", zone) or UNKNOWN
        except RejectedRecordError as error:
            why[row] = str(error)
    return times, why


def why_unscorable(text: Any) -> str | None:
    """Return why a value cannot be scored as a text, or None if it can; the reason does not quote the value."""
    try:
        text = read_plain_text(text, "text")
    except RejectedRecordError as error:
        return str(error)
    if text is None:
        return "text: expected a string, the field is missing"
    # Normalisation leaves nothing only of texts with unprintable characters.
    visible = text if text.isprintable() else fold_text(text)
    return None if visible.strip() else "text: expected a message, got only blanks"


@dataclass(frozen=True)
class MessageMatrix:
    """The features of a message, and the order of their columns.

    Parameters
    ----------
    wording : TextModel or None
        The text model; None for no wording columns.
    sender : tuple of History, default=()
        The feature views of the sender's events, at the time of the message.
    pinyin : TextModel, default=None
        A text model of the pinyin of the folded text.
    characters : tuple of CharacterModel, default=()
        Character models of legitimate text, raw and folded.
    campaigns : CampaignHistory, default=None
        The features of earlier near-duplicates; None for no such columns.
    lists : CustomLists, optional
        Your own words, brands, hotlines and link shorteners.
    custom : CustomColumns, optional
        Your own columns of the messages.

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
    lists: CustomLists = NO_LISTS
    custom: CustomColumns = NO_COLUMNS

    subject: ClassVar[Subject] = Subject.MESSAGE
    timed: ClassVar[bool] = True
    network: ClassVar[None] = None

    @cached_property
    def fields(self) -> tuple[RecordField, ...]:
        """The fields of a message that are read: text, with a history the sender and the time, and custom columns."""
        fields = [RecordField("text", "text", required=True, trained=True)]
        if self.history_parts:
            fields += [RecordField("account_id", "id")]
        if self.history_parts or self.custom.dates:
            fields += [RecordField("sent_at", "time")]
        return (*fields, *self.custom.fields)

    @cached_property
    def history_parts(self) -> tuple[HistoryPart, ...]:
        """The parts of the history that are read."""
        of_sender: tuple[HistoryPart, ...] = ("events",) if self.sender else ()
        return (*of_sender, "messages") if self.campaigns else of_sender

    @property
    def event_views(self) -> tuple[History, ...]:
        """The feature views of the sender's events."""
        return self.sender

    @cached_property
    def text_models(self) -> dict[str, TextModel]:
        """The text models by name."""
        models = {"wording": self.wording, "pinyin": self.pinyin}
        return {name: model for name, model in models.items() if model is not None}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``."""
        plain = [f"cues__{name}" for name in CUES] + [f"shape__{name}" for name in (*SHAPES, "upper")]
        plain += [f"obfuscation__{name}" for name in OBFUSCATIONS]
        plain += [f"cues__{name}" for name in self.lists.columns]
        plain += [f"sender__{name.split('__', 1)[1]}" for name in history_columns(self.sender)]
        plain += [*self._campaign_columns, *self.custom.columns]
        models: list[str] = []
        if self.wording is not None:
            models += [*(f"wording__{name}" for name in self.wording.classes), "surprisal__unknown"]
        if self.pinyin is not None:
            models += [*(f"pinyin__{name}" for name in self.pinyin.classes), "surprisal__unknown_pinyin"]
        for form, _ in zip(("raw", "folded"), self.characters, strict=False):
            models += [f"surprisal__{form}_{name}" for name in SURPRISALS]
        return (*models, *plain)

    @property
    def _campaign_columns(self) -> tuple[str, ...]:
        return self.campaigns.columns if self.campaigns else ()

    @cached_property
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

    def compute(
        self,
        texts: Sequence[str],
        sender: Array | None = None,
        campaign: Array | None = None,
        custom: Array | None = None,
    ) -> Array:
        """Compute every column.

        Parameters
        ----------
        texts : sequence of str, length n_messages
            Raw texts.
        sender : ndarray of float64, shape (n_messages, n_sender), default=None
            The history of the senders; None if unknown.
        campaign : ndarray of float64, shape (n_messages, n_campaign), default=None
            The features of earlier near-duplicates; None if unknown.
        custom : ndarray of float64, shape (n_messages, n_custom_columns), default=None
            The custom columns, from `CustomColumns.compute`; None if unknown.

        Returns
        -------
        ndarray of float64, shape (n_messages, n_columns)
        """
        return self._compute(texts, sender, campaign, custom)[0]

    def _compute(
        self, texts: Sequence[str], sender: Array | None, campaign: Array | None, custom: Array | None
    ) -> tuple[Array, CodePoints]:
        raw = pack(texts)
        folded, plain = self.plain(raw, self.lists)
        parts: list[Array] = []
        for name, model in self.text_models.items():
            log_odds, known_share = model.log_odds(to_pinyin(folded) if name == "pinyin" else folded, raw)
            parts += [model.weigh(log_odds, known_share), (1 - known_share)[:, None]]
        parts += [model.surprisal(form) for model, form in zip(self.characters, (raw, folded), strict=False)]
        parts.append(plain)
        of_sender = sum(len(view.columns) for view in self.sender)
        for n_columns, block in ((of_sender, sender), (len(self._campaign_columns), campaign)):
            if n_columns:
                parts.append(np.full((len(texts), n_columns), np.nan) if block is None else block)
        if self.custom:
            parts.append(self.custom.unknown(len(texts)) if custom is None else custom)
        return np.concatenate(parts, axis=1), folded

    def rows(self, records: Sequence[Record], state: HistoryState | None = None) -> FeatureRows:
        """Compute the feature rows of messages.

        Parameters
        ----------
        records : sequence of dict
            With ``text``, with ``account_id`` and ``sent_at`` if the matrix has a history, and the custom columns.
        state : HistoryState, default=None
            The history; None for an empty one.

        Returns
        -------
        FeatureRows
            Including the normalised texts, which explanations reuse.
        """
        texts: list[Any] = [record.get("text") for record in records]
        reasons = [why_unscorable(text) for text in texts]
        sender = campaign = custom = None
        if self.history_parts:
            state = self.new_state() if state is None else state
            sender, campaign, history_reasons = message_history(records, state, self.sender, self.campaigns)
            reasons = [text or history for text, history in zip(reasons, history_reasons, strict=True)]
        if self.custom:
            zone, unknown = self.custom.zone, np.full(len(records), UNKNOWN)
            cutoffs, no_times = _sent_times(records, zone) if self.custom.dates else (unknown, [])
            reasons = [reason or no_time for reason, no_time in zip_longest(reasons, no_times)]
            custom, custom_reasons = self.custom.of_records(records, cutoffs)
            reasons = [reason or of_custom for reason, of_custom in zip(reasons, custom_reasons, strict=True)]
        return self.scorable_rows(texts, reasons, sender, campaign, custom)

    def scorable_rows(
        self,
        texts: Sequence[Any],
        reasons: Sequence[str | None],
        sender: Array | None = None,
        campaign: Array | None = None,
        custom: Array | None = None,
    ) -> FeatureRows:
        """Compute the feature rows of messages of which some are unscorable, for the reasons given."""
        why = np.array(reasons, object)
        if not any(reasons):  # the usual case
            values, normalised = self._compute(texts, sender, campaign, custom)
            return FeatureRows(values, why, texts=normalised)
        scorable = np.flatnonzero(why == None)  # noqa: E711 - compares every element
        blocks = (None if block is None else block[scorable] for block in (sender, campaign, custom))
        rows, normalised = self._compute([texts[position] for position in scorable.tolist()], *blocks)
        values = np.full((len(texts), rows.shape[1]), np.nan)
        values[scorable] = rows
        return FeatureRows(values, why, texts=normalised)

    def to_dict(self) -> JsonObject:
        """Return the declaration in plain JSON types, without the arrays of the models and the lists."""
        models = {
            name: {"classes": list(model.classes), "bits": BITS, "raw": model.has_raw, "usual_share": model.usual_share}
            for name, model in self.text_models.items()
        }
        return {
            "wording": models.get("wording"),
            "pinyin": models.get("pinyin"),
            "characters": len(self.characters),
            "sender": [history.to_dict() for history in self.sender],
            "campaigns": None if self.campaigns is None else self.campaigns.to_dict(),
            "lists": bool(self.lists),
            "own": self.custom.to_dict(),
        }

    @staticmethod
    def plain(raw: CodePoints, lists: CustomLists = NO_LISTS) -> tuple[CodePoints, Array]:
        """Fold texts and compute the columns that need no labels.

        Parameters
        ----------
        raw : CodePoints
            Raw texts.
        lists : CustomLists, optional
            Your own words, brands, hotlines and link shorteners.

        Returns
        -------
        folded : CodePoints
            The input of the text model.
        plain : ndarray of float64, shape (n_messages, n_plain)
            Cues, shape, obfuscation, and counts of custom words; upper case and obfuscation as shares of the folded
            length.
        """
        folded, counts = fold_codes(raw)
        parts = [cues_and_shape(folded, raw, lists), obfuscation_shares(folded, counts)]
        if lists.words:
            parts.append(lists.count_words(folded))
        return folded, np.concatenate(parts, axis=1)
