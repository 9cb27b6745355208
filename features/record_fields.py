"""The fields that a feature matrix reads from a record, and the rows that it computes from many records."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

FieldKind: TypeAlias = Literal["text", "id", "time", "number", "amount", "category"]
HistoryPart: TypeAlias = Literal["events", "messages"]


@dataclass(frozen=True)
class RecordField:
    """A field of the records that a model scores.

    Parameters
    ----------
    name : str
    kind : {"text", "id", "time", "number", "amount", "category"}
        What its values are.
    required : bool, default=False
        Whether a record without it is unscorable.
    trained : bool, default=False
        Whether every record of the training data had it.
    instead_of : str, default=None
        The required field that it can replace.
    """

    name: str
    kind: FieldKind
    required: bool = False
    trained: bool = False
    instead_of: str | None = None


class FeatureRows(NamedTuple):
    """The feature rows of records.

    Attributes
    ----------
    X : ndarray of float64, shape (n_records, n_columns)
        NaN if a record is unscorable.
    why : ndarray of object, shape (n_records,)
        Why a record is unscorable, without its values; None if it can be scored.
    has_history : ndarray of bool, shape (n_records,), default=None
        Whether the account has an event; None if the matrix reads no events of accounts.
    texts : CodePoints, default=None
        The folded texts of the scorable records, in their order; None if records have no text.
    """

    X: Array
    why: Array
    has_history: Array | None = None
    texts: CodePoints | None = None
