"""The errors that fraudsieve raises by itself.

::

    Exception
    └── FraudsieveError
        └── SchemaError  (a ValueError too)   a table or a file is not what was expected

Every class builds its message from the data of the failure. A message names files, columns, row positions,
counts and types, never the contents of a cell.
"""

__all__ = ["FraudsieveError", "SchemaError"]


class FraudsieveError(Exception):
    """The root: catch it to catch all that fraudsieve raises by itself."""


class SchemaError(FraudsieveError, ValueError):
    """A table or a file is not what was expected.

    Parameters
    ----------
    origin : str
        The file, or a name for the frame.
    problem : str
        What was expected and what came.
    fix : str
        What the reader of the message can do.

    Examples
    --------
    >>> print(SchemaError("m.csv", "column 'text' is missing", "Add it."))
    m.csv: column 'text' is missing. Add it.
    """

    def __init__(self, origin: str, problem: str, fix: str) -> None:
        super().__init__(f"{origin}: {problem}. {fix}")
        self.origin = origin
        self.problem = problem
        self.fix = fix

    def __reduce__(self) -> tuple[type["SchemaError"], tuple[str, str, str]]:
        # Workers send an error as (class, arguments); by default these would be the finished message.
        return type(self), (self.origin, self.problem, self.fix)
