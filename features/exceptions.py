"""The errors that fraudsieve raises by itself.

::

    Exception
    └── FraudsieveError
        ├── PlacedError   (a ValueError too)   where, what is wrong, what to do
        │   ├── SchemaError                    a table or a file is not what was expected
    │   │   └── ColumnTypeError   (a TypeError too)   a column holds other things than were expected
        │   ├── StateError                     a live state or its log cannot be read or written
        │   ├── ArtifactError                  a model folder is not whole or not ours (fraudsieve.models)
        │   ├── RecordError                    a record has a field that the policy refuses (fraudsieve.models)
        │   └── ServiceError                   a service cannot start as it was asked to (fraudsieve.models)
        ├── BusyError                          another process is at the same work (fraudsieve.models.batch.journal)
        ├── RecipeError   (a ValueError too)   a recipe says what no run can do (fraudsieve.training)
        └── SplitError    (a ValueError too)   too little data for the split (fraudsieve.training)

Every class builds its message from the data of the failure. A message names files, columns, row positions,
counts and types, never the contents of a cell.
"""

from typing import Self

__all__ = ["ColumnTypeError", "FraudsieveError", "PlacedError", "SchemaError"]


class FraudsieveError(Exception):
    """The root: catch it to catch all that fraudsieve raises by itself."""


class PlacedError(FraudsieveError, ValueError):
    """Something at a place is not what was expected, and there is something to do about it.

    Parameters
    ----------
    origin : str
        The file or folder, or a name for what has none.
    problem : str
        What was expected and what came.
    fix : str
        What the reader of the message can do.
    """

    def __init__(self, origin: str, problem: str, fix: str) -> None:
        super().__init__(f"{origin}: {problem}. {fix}")
        self.origin = origin
        self.problem = problem
        self.fix = fix

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:
        # Workers send an error as (class, arguments); by default these would be the finished message.
        return type(self), (self.origin, self.problem, self.fix)


class SchemaError(PlacedError):
    """A table or a file is not what was expected.

    Examples
    --------
    >>> print(SchemaError("m.csv", "column 'text' is missing", "Add it."))
    m.csv: column 'text' is missing. Add it.
    """


class ColumnTypeError(SchemaError, TypeError):
    """A column holds other things than were expected.

    Examples
    --------
    >>> print(ColumnTypeError("events", "'amount' holds numbers; got string", "Read the table with read_table."))
    events: 'amount' holds numbers; got string. Read the table with read_table.
    """
