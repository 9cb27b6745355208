"""Limits that every reader of records applies, from files and from requests alike, and how many rows may be rejected.

An error about rejected rows counts the reasons. Beside its message, it holds the shapes of values, which show what they
look like: the date 31/12/2026 has the shape 99/99/9999. Needs no pandas: a live state rejects records too.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fraudsieve.exceptions import SchemaError

if TYPE_CHECKING:
    import pandas as pd

MAX_AMOUNT: Final = 1e15
"""Larger amounts are rejected: up to this limit sums keep their last digit."""
MAX_TEXT_LENGTH: Final = 1_000_000
"""Longer texts are rejected, in characters: no text is cut."""
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
