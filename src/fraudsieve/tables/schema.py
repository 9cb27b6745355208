"""The input tables, declared as data: their columns, what each column holds and which columns are required.

Needs no pandas: scoring reads records under the names of these columns too, and a live state rejects records.

An error about rejected rows counts the reasons. Beside its message, it holds the shapes of values, which show what they
look like: the date 31/12/2026 has the shape 99/99/9999.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.values.reading import SHARES, Kind, LabelShare

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ColumnSchema:
    """A column of an input table.

    Parameters
    ----------
    name : str
    kind : {"id", "text", "time", "number", "category"}
        The type of its values; see `fraudsieve.tables.values`.
    required : bool, default=False
        Whether the column must exist, with a value in every row.
    meaning : str, default=""
        A sentence that describes it.
    numbered : bool, default=False
        Whether rows are numbered if the column is required and does not exist.
    share : LabelShare, default=None
        Which numbers are allowed; None for all.

    Examples
    --------
    >>> ColumnSchema("text", "text", required=True).required
    True
    """

    name: str
    kind: Kind
    required: bool = False
    meaning: str = ""
    numbered: bool = False
    share: LabelShare | None = None


@dataclass(frozen=True)
class TableSchema:
    """An input table.

    Parameters
    ----------
    name : str
    columns : tuple of ColumnSchema
        The declared columns. Any further column is kept; one that `is_identifier` names is an id.
    unique : tuple of str, default=()
        The columns that identify a row. Of several valid rows with the same values, the first is kept. A row in which
        one of them is missing is not a duplicate.

    Examples
    --------
    >>> MESSAGES.required
    ('message_id', 'text')
    >>> MESSAGES.kind("thread_id"), MESSAGES.kind("length")
    ('id', None)
    """

    name: str
    columns: tuple[ColumnSchema, ...]
    unique: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def numbered(self) -> str | None:
        """Name of the column that is added with row numbers if it does not exist; None if there is none."""
        return next((column.name for column in self.columns if column.numbered), None)

    @property
    def shares(self) -> dict[str, LabelShare]:
        """The columns of numbers of which only some are allowed."""
        return {column.name: column.share for column in self.columns if column.share is not None}

    def kind(self, name: str) -> Kind | None:
        """Return the kind of a column; None for an undeclared column of any type."""
        further: Kind | None = "id" if is_identifier(name) else None
        return next((column.kind for column in self.columns if column.name == name), further)


IDENTIFIERS: Final = frozenset(("id", "uid", "uuid", "ip", "iban", "imei", "msisdn", "card", "phone", "email"))
"""Last words of names of identifiers, such as ``device_id`` and ``billingEmail``; `NUMBERS` may follow."""
NUMBERS: Final = frozenset(("number", "no", "address", "hash"))
FLAGS: Final = frozenset(("has", "is", "was", "same", "num", "count", "new"))
"""First words of names of columns that say something of an identifier, such as ``has_phone``."""


def words_of(name: str) -> list[str]:
    """Return the words of a name in snake_case, in camelCase or with spaces, in lower case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])", " ", name)
    return re.findall(r"[^\W_]+", spaced.casefold())


def is_identifier(name: str) -> bool:
    """Return whether a column holds identifiers, by its name in snake_case, in camelCase or with spaces."""
    words = words_of(re.sub(r"[^A-Za-z]+", " ", name))
    while len(words) > 1 and words[-1] in NUMBERS:
        words.pop()
    return bool(words) and words[-1] in IDENTIFIERS and words[0] not in FLAGS


_LABELLED_AT: Final = ColumnSchema("labelled_at", "time", meaning="When the label became known.")
_OWN_LABEL: Final = (
    ColumnSchema("label", "category", meaning="The class of the record; empty if unknown."),
    _LABELLED_AT,
)
MESSAGES: Final = TableSchema(
    "messages",
    (
        ColumnSchema(
            "message_id",
            "id",
            required=True,
            meaning="Identifies the message. If the table has no such column, messages are numbered.",
            numbered=True,
        ),
        ColumnSchema("text", "text", required=True, meaning="The text of the message."),
        ColumnSchema("account_id", "id", meaning="The account that sent the message."),
        ColumnSchema("recipient_id", "id", meaning="The account that received the message."),
        ColumnSchema("sent_at", "time", meaning="When the message was sent."),
        ColumnSchema("channel", "category", meaning="The channel of the message, such as sms."),
        *_OWN_LABEL,
        ColumnSchema(
            "campaign",
            "category",
            meaning="The campaign of the message. Without this column, near-duplicates form a campaign.",
        ),
    ),
    unique=("message_id",),
)
"""The table of messages."""
ACCOUNTS: Final = TableSchema(
    "accounts",
    (
        ColumnSchema(
            "account_id",
            "id",
            required=True,
            meaning="Identifies the account. If the table has no such column, accounts are numbered.",
            numbered=True,
        ),
        ColumnSchema("created_at", "time", meaning="When the account was opened."),
        ColumnSchema("as_of", "time", meaning="The cutoff time: features use what was known strictly before it."),
        *_OWN_LABEL,
    ),
    unique=("account_id",),
)
"""The table of accounts."""
EVENTS: Final = TableSchema(
    "events",
    (
        ColumnSchema("account_id", "id", required=True, meaning="The account that the event belongs to."),
        ColumnSchema("occurred_at", "time", required=True, meaning="When the event took place."),
        ColumnSchema("kind", "category", meaning='The kind of event, such as payment; where it is missing, "event".'),
        ColumnSchema("event_id", "id", meaning="Identifies the event. Repeated events with the same id count once."),
        ColumnSchema("counterparty_id", "id", meaning="The account on the other side."),
        ColumnSchema("amount", "number", meaning="The amount; all amounts need the same unit."),
        ColumnSchema("device_id", "id", meaning="The device that was used."),
        ColumnSchema("ip", "id", meaning="The IP address that was used."),
        ColumnSchema("card_id", "id", meaning="The card that was used."),
        *_OWN_LABEL,
    ),
    unique=("event_id",),
)
"""The table of events."""
LABELS: Final = TableSchema(
    "labels",
    (
        ColumnSchema("subject_id", "id", required=True, meaning="The message, account or event that is labelled."),
        ColumnSchema("label", "category", required=True, meaning="The class of the record."),
        _LABELLED_AT,
        ColumnSchema("source", "category", meaning="Who labelled it, such as user_report."),
        ColumnSchema(
            "confidence",
            "number",
            meaning="How sure the source is, from 0 to 1. It is kept with the label, and training does not weigh it.",
            share=SHARES["confidence"],
        ),
        ColumnSchema(
            "inclusion_probability",
            "number",
            meaning="The probability, above 0, with which the record was chosen to be labelled. It weights metrics.",
            share=SHARES["inclusion_probability"],
        ),
    ),
)
"""The table of labels."""
TABLES: Final = {table.name: table for table in (MESSAGES, ACCOUNTS, EVENTS, LABELS)}
"""The four tables, by name."""


def roles_of(columns: Mapping[str, str], table: TableSchema) -> dict[str, list[str]]:
    """Return the names that each column of a table gets, from the columns that are named for all tables.

    There are several for one in several roles, its own name first, and none if all are of other tables. A name such as
    ``events.account_id`` is of one table, and there it is preferred.
    """
    prefix, roles = f"{table.name}.", dict[str, list[str]]()
    here = {name.removeprefix(prefix): column for name, column in columns.items() if name.startswith(prefix)}
    anywhere = {name: column for name, column in columns.items() if "." not in name}
    for name, column in (anywhere | here).items():
        roles.setdefault(column, []).append(name)
    for column, names in roles.items():
        if len(names) > 1:
            chosen = [name for name in names if name in here] or [n for n in names if not _is_of_others(n, table)]
            roles[column] = sorted(chosen, key=lambda name: name != column)
    return roles


def names_of_table(columns: Mapping[str, str], kinds: Mapping[str, str], stem: str) -> dict[str, str]:
    """Return the names of columns for one table of events: its own, and those of tables of its kind, replace others."""
    alike = {stem, *(table for table, kind in kinds.items() if kind and kind == (kinds.get(stem) or kinds.get("")))}
    dotted = [(*name.partition(".")[::2], column) for name, column in columns.items()]
    return {**columns, **{f"{EVENTS.name}.{name}": column for table, name, column in dotted if name and table in alike}}


def _is_of_others(name: str, table: TableSchema) -> bool:
    """Return whether other tables declare a column, but not this one."""
    declared = {other.name for other in TABLES.values() if any(column.name == name for column in other.columns)}
    return bool(declared) and table.name not in declared


DUPLICATE: Final = "duplicate id: only the first row is kept"
REPLACED: Final = "replaced by the row of a later table"
MAX_REJECTED: Final = 0.2
"""The share of rejected rows above which a table is an error by default."""
MAX_CAUSES_SHOWN: Final = 5
Cause: TypeAlias = tuple[str, str]
"""The column of a rejected row, empty if no single one is at fault, and the reason."""
MAX_SHAPES: Final = 3
MAX_SHAPE_LENGTH: Final = 24
MAX_VALUES_SEARCHED: Final = 1000
"""Number of wrong values of a column that are searched for different shapes."""


def check_rejected(
    causes: Mapping[Cause, int],
    rows: int,
    *,
    max_rejected: float | None,
    origin: str,
    expected: str,
    shapes: Mapping[str, tuple[str, ...]] | None = None,
    reasons: Mapping[Cause, int] | None = None,
    is_partial: bool = False,
    names: Mapping[str, str] = MappingProxyType({}),
    stored: str = "",
) -> None:
    """Raise an error if too many rows are rejected, or all of them.

    A single rejected row is not too many, unless no row may be rejected.
    """
    share, rejected = MAX_REJECTED if max_rejected is None else max_rejected, sum(causes.values())
    given = (causes if reasons is None else reasons).items()
    why = _describe_causes({(names.get(column, column), reason): count for (column, reason), count in given})
    why += f"; stored were {stored}" if stored else ""
    shapes = {names.get(column, column): found for column, found in (shapes or {}).items()}
    if rejected == rows:
        raise SchemaError(origin, f"none of {rows:,} rows is accepted: {why}", expected, shapes)
    if rejected / rows > share and (rejected > 1 or not share):
        at_least = "at least " if is_partial else ""
        problem = f"{at_least}{rejected:,} of {rows:,} rows are rejected, more than a share of {share:g}: {why}"
        fix = "Correct them, or allow a larger share with --max-rejected (max_rejected in a recipe or in ReadOptions)."
        raise SchemaError(origin, problem, fix, shapes)


def count_causes(rejected: "pd.DataFrame") -> Counter[Cause]:
    """Return the number of rejected rows by column and reason."""
    return Counter(zip(rejected["column"], rejected["reason"], strict=True))


def _describe_causes(causes: Mapping[Cause, int]) -> str:
    """Return the most frequent reasons with their columns and counts."""
    frequent = Counter(causes).most_common()
    shown = [f"{': '.join(filter(None, cause))} ({count:,})" for cause, count in frequent[:MAX_CAUSES_SHOWN]]
    more = [f"and {len(frequent) - MAX_CAUSES_SHOWN} more reasons"] if len(frequent) > MAX_CAUSES_SHOWN else []
    return ", ".join([*shown, *more])


def shapes_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Return up to three different shapes of strings and numbers; values of other types have none."""
    shapes: dict[str, None] = {}
    for value in values:
        if isinstance(value, str | Real) and value == value and str(value).strip():  # not NaN
            shapes[_shape_of(str(value))] = None
        if len(shapes) == MAX_SHAPES:
            break
    return tuple(shapes)


def _shape_of(value: str) -> str:
    """Return what a value looks like: its digits as 9, its letters as A and a, and other characters unchanged.

    Letters of scripts without capitals, marks and pictures become a. Characters that a terminal may interpret become a
    question mark. A long value is cut.
    """
    shape = "".join(map(_mark, value[:MAX_SHAPE_LENGTH]))
    return shape if len(value) <= MAX_SHAPE_LENGTH else f"{shape}..."


def _mark(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "N":
        return "9"
    if category in ("Lu", "Lt"):
        return "A"
    if category[0] == "P" or category in ("Sc", "Sm", "Zs"):
        return character
    return "a" if category[0] in "LMS" else "?"
