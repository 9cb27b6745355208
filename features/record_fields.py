"""The fields that a feature matrix reads from a record, and the rows that it computes from many records."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

FieldKind: TypeAlias = Literal["text", "id", "time", "date", "number", "amount", "category"]
HistoryPart: TypeAlias = Literal["events", "messages"]


@dataclass(frozen=True)
class RecordField:
    """A field of the records that a model scores."""

    name: str
    kind: FieldKind
    # Whether a record without it is unscorable.
    required: bool = False
    # Whether every record of the training data had it.
    trained: bool = False
    # The required field that it can replace.
    instead_of: str | None = None


class FeatureRows(NamedTuple):
    """The feature rows of records."""

    # Shape (n_records, n_columns). NaN if a record is unscorable.
    X: Array
    # Shape (n_records,). Why a record is unscorable, without its values; None if it can be scored.
    why: Array
    # Shape (n_records,). Whether the account has an event; None if the matrix reads no events of accounts.
    has_history: Array | None = None
    # The folded texts of the scorable records, in their order; None if records have no text.
    texts: CodePoints | None = None
