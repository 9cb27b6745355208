"""The protocol of a feature matrix: what scoring needs to know of messages, accounts and events, and no more."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.wording.model import TextModel
from fraudsieve.features.wording.surprisal import CharacterModel

from .account_matrix import AccountMatrix
from .history_declaration import HistoryDeclaration
from .live_state import HistoryState
from .message_matrix import MessageMatrix
from .record_fields import FeatureRows, HistoryPart, RecordField

__all__ = ["FeatureMatrix", "account_matrix_of", "message_matrix_of"]

Record: TypeAlias = Mapping[str, Any]


class FeatureMatrix(Protocol):
    """What is computed of a record, and in which order: `MessageMatrix` or `AccountMatrix`.

    Code that scores, stores or explains asks the matrix, and does not ask which of the two it is.
    """

    @property
    def subject(self) -> Literal["message", "account", "event"]:
        """What the records are."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``."""

    @property
    def fields(self) -> tuple[RecordField, ...]:
        """The fields of a record that are read; the first one is always needed."""

    @property
    def history_parts(self) -> tuple[HistoryPart, ...]:
        """The parts of a history that are read; none where the record is all."""

    @property
    def history_declaration(self) -> HistoryDeclaration:
        """What a live state of this matrix computes."""

    @property
    def event_views(self) -> tuple[History, ...]:
        """The feature views of the account's or sender's events."""

    @property
    def network(self) -> Network | None:
        """What is computed of the network; None for nothing."""

    @property
    def campaigns(self) -> CampaignHistory | None:
        """What is counted of near-duplicate messages; None for nothing."""

    @property
    def timed(self) -> bool:
        """Whether events have times; without them all events count."""

    @property
    def text_models(self) -> Mapping[str, TextModel]:
        """The text models by name."""

    @property
    def characters(self) -> tuple[CharacterModel, ...]:
        """Models of the characters of legitimate text."""

    def new_state(self, *, lateness: str = "1d") -> HistoryState:
        """Return an empty live state."""

    def rows(self, records: Sequence[Record], state: HistoryState | None = None) -> FeatureRows:
        """Compute the feature rows of records with the history in a state; None for no history."""

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration in plain JSON types, without arrays."""


def message_matrix_of(matrix: FeatureMatrix) -> MessageMatrix:
    """Return the matrix as one of messages.

    Raises
    ------
    TypeError
        If it is one of accounts or events.
    """
    if not isinstance(matrix, MessageMatrix):
        raise TypeError(f"Expected a model of messages, got one of {matrix.subject}s.")
    return matrix


def account_matrix_of(matrix: FeatureMatrix) -> AccountMatrix:
    """Return the matrix as one of accounts or events.

    Raises
    ------
    TypeError
        If it is one of messages.
    """
    if not isinstance(matrix, AccountMatrix):
        raise TypeError(f"Expected a model of accounts or events, got one of {matrix.subject}s.")
    return matrix
