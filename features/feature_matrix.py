"""The protocol of a feature matrix, which scoring uses for messages, accounts and events alike."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from fraudsieve._typing import Record
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.wording.model import TextModel
from fraudsieve.features.wording.surprisal import CharacterModel

from .account_matrix import AccountMatrix
from .cues.custom_lists import CustomLists
from .history_declaration import HistoryDeclaration
from .live_state import HistoryState
from .message_matrix import MessageMatrix
from .profile.custom_columns import CustomColumns
from .record_fields import FeatureRows, HistoryPart, RecordField


class FeatureMatrix(Protocol):
    """The features of a record, and the order of their columns: a `MessageMatrix` or an `AccountMatrix`.

    Code that scores, stores or explains uses this protocol and does not depend on the class.
    """

    @property
    def subject(self) -> Literal["message", "account", "event"]:
        """The kind of the records."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``."""

    @property
    def fields(self) -> tuple[RecordField, ...]:
        """The fields of a record that are read; the first one is required."""

    @property
    def history_parts(self) -> tuple[HistoryPart, ...]:
        """The parts of the history that are read; empty if only the record is read."""

    @property
    def history_declaration(self) -> HistoryDeclaration:
        """The declaration of the live state of this matrix."""

    @property
    def event_views(self) -> tuple[History, ...]:
        """The feature views of the account's or sender's events."""

    @property
    def network(self) -> Network | None:
        """The declaration of the network features; None without them."""

    @property
    def campaigns(self) -> CampaignHistory | None:
        """The declaration of the campaign features; None without them."""

    @property
    def timed(self) -> bool:
        """Whether events have times; without times, all events count."""

    @property
    def custom(self) -> CustomColumns:
        """The custom columns of the records: numbers and categories."""

    @property
    def lists(self) -> CustomLists | None:
        """The custom lists of words, brands, hotlines and short hosts; None if the records have no text."""

    @property
    def text_models(self) -> Mapping[str, TextModel]:
        """The text models by name."""

    @property
    def characters(self) -> tuple[CharacterModel, ...]:
        """The character models of legitimate text."""

    def new_state(self, *, lateness: str = "1d") -> HistoryState:
        """Return an empty live state."""

    def rows(self, records: Sequence[Record], state: HistoryState | None = None) -> FeatureRows:
        """Compute the feature rows of records with the history in a state; None for an empty history."""

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration in plain JSON types, without arrays."""


def message_matrix_of(matrix: FeatureMatrix) -> MessageMatrix:
    """Return the matrix as a `MessageMatrix`."""
    if not isinstance(matrix, MessageMatrix):
        raise TypeError(f"Expected a model of messages, got one of {matrix.subject}s.")
    return matrix


def account_matrix_of(matrix: FeatureMatrix) -> AccountMatrix:
    """Return the matrix as an `AccountMatrix`."""
    if not isinstance(matrix, AccountMatrix):
        raise TypeError(f"Expected a model of accounts or events, got one of {matrix.subject}s.")
    return matrix
