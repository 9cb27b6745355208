"""The errors that fraudsieve raises.

::

    FraudsieveError
    ├── BusyError
    ├── ComparisonError (ValueError)
    ├── LocatedError (ValueError)
    │   ├── ArtifactError
    │   ├── EvidenceError
    │   ├── LeadError
    │   ├── RecordError
    │   ├── SchemaError
    │   │   └── ColumnTypeError (TypeError)
    │   ├── ServiceError
    │   ├── StateError
    │   │   └── StateBehindError
    │   └── TrackingError
    ├── RecipeError (ValueError)
    ├── RejectedRecordError (ValueError)
    ├── ShortOfMemoryError (MemoryError)
    └── SplitError (ValueError)

Every class builds its message from the data of the failure. A message names files, columns, row positions,
counts and types, never the contents of a cell.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

__all__ = [
    "ArtifactError",
    "BusyError",
    "ColumnTypeError",
    "ComparisonError",
    "EvidenceError",
    "FraudsieveError",
    "LeadError",
    "LocatedError",
    "RecipeError",
    "RecordError",
    "RejectedRecordError",
    "SchemaError",
    "ServiceError",
    "ShortOfMemoryError",
    "SplitError",
    "StateBehindError",
    "StateError",
    "TrackingError",
]


class FraudsieveError(Exception):
    """Base class of all errors that fraudsieve raises.

    Examples
    --------
    >>> issubclass(SchemaError, FraudsieveError)
    True
    """

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        # Workers send an error as (class, arguments); by default these would be the finished message. The attributes of
        # an error are its arguments, in their order; one without attributes has a message alone.
        return type(self), tuple(value for name, value in vars(self).items() if name != "__notes__") or self.args


class LocatedError(FraudsieveError, ValueError):
    """Something in a file, folder, table or setting is not what was expected, and the caller can fix it.

    Parameters
    ----------
    origin : str
        The file, folder, table or setting.
    problem : str
        What was expected and what came.
    fix : str
        What to do about it.

    Examples
    --------
    >>> print(LocatedError("settings", "expected a port, got 'http'", "Give a number."))
    settings: expected a port, got 'http'. Give a number.
    """

    def __init__(self, origin: str, problem: str, fix: str) -> None:
        super().__init__(f"{origin}: {problem}. {fix}")
        self.origin = origin
        self.problem = problem
        self.fix = fix


class SchemaError(LocatedError):
    """A table or a file is not what was expected.

    Parameters
    ----------
    origin, problem, fix : str
        As for `LocatedError`.
    shapes : mapping of str to tuple of str, optional
        The shapes of a few wrong values by column, such as ``99/99/9999``. They are not part of the message: only the
        command line prints them.
    columns : tuple of str, optional
        Names of columns that the message only counts, because they may be cells: the header of a file may be damaged.
        They are for a terminal too.

    Examples
    --------
    >>> print(SchemaError("m.csv", "column 'text' is missing", "Add it."))
    m.csv: column 'text' is missing. Add it.
    """

    def __init__(
        self,
        origin: str,
        problem: str,
        fix: str,
        shapes: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        columns: tuple[str, ...] = (),
    ) -> None:
        super().__init__(origin, problem, fix)
        self.shapes = dict(shapes)
        self.columns = columns


class ColumnTypeError(SchemaError, TypeError):
    """A column holds values of another type than expected.

    Examples
    --------
    >>> print(ColumnTypeError("events", "'amount' holds numbers; got string", "Read the table with read_table."))
    events: 'amount' holds numbers; got string. Read the table with read_table.
    """


class StateError(LocatedError):
    """A live state, or its log, cannot be read or written.

    Examples
    --------
    >>> print(StateError("state", "the log is of another version", "Start with an empty folder."))
    state: the log is of another version. Start with an empty folder.
    """


class StateBehindError(StateError):
    """A live state did not reach the offset that a caller requires in time.

    Examples
    --------
    >>> print(StateBehindError("live.db", "expected offset 7 within 1 s, got offset 5", "Try again."))
    live.db: expected offset 7 within 1 s, got offset 5. Try again.
    """


class EvidenceError(LocatedError):
    """Evidence cannot be written, or the input is not evidence of this library.

    Examples
    --------
    >>> print(EvidenceError("evidence.jsonl", "expected an evidence log, got another file", "Name a log."))
    evidence.jsonl: expected an evidence log, got another file. Name a log.
    """


class LeadError(LocatedError):
    """A lead cannot be made, resolved or withdrawn, or the input is not a lead of this library.

    Examples
    --------
    >>> print(LeadError("lead.json", "expected a lead, got another file", "Name a lead."))
    lead.json: expected a lead, got another file. Name a lead.
    """


class ArtifactError(LocatedError):
    """A model folder is incomplete, damaged or not of this library; nothing was built from it.

    Examples
    --------
    >>> print(ArtifactError("booster.txt", "its SHA-256 is not the manifest's", "Copy the folder again."))
    booster.txt: its SHA-256 is not the manifest's. Copy the folder again.
    """


class RecordError(LocatedError):
    """A record has a field that the policy of a scorer rejects.

    Examples
    --------
    >>> print(RecordError("record 3", "text: expected a string, got int", "Give a string."))
    record 3: text: expected a string, got int. Give a string.
    """


class ServiceError(LocatedError):
    """A service cannot start with these settings.

    Examples
    --------
    >>> print(ServiceError("token.txt", "the file holds no token", "Write one into it."))
    token.txt: the file holds no token. Write one into it.
    """


class TrackingError(LocatedError):
    """The store of MLflow cannot be used.

    Examples
    --------
    >>> print(TrackingError("http://127.0.0.1:5000", "gave no answer within 8 s", "Start the server."))
    http://127.0.0.1:5000: gave no answer within 8 s. Start the server.
    """


class RecipeError(FraudsieveError, ValueError):
    """A recipe has settings that no run can use.

    Parameters
    ----------
    origin : str
        The file, or the name of the call.
    problems : list of str
        What is wrong, each with what was expected and what came.

    Examples
    --------
    >>> print(RecipeError("r.toml", ["split.kind: expected 'time'"]))
    r.toml: split.kind: expected 'time'
    """

    def __init__(self, origin: str, problems: list[str]) -> None:
        super().__init__(f"{origin}: " + "; ".join(problems))
        self.origin = origin
        self.problems = problems


class ComparisonError(FraudsieveError, ValueError):
    """Two models cannot be compared, promoted or rolled back.

    Parameters
    ----------
    action : str
        The requested action: ``promote`` or ``rollback``.
    problems : list of str
        What is wrong, each with what to do about it.

    Examples
    --------
    >>> print(ComparisonError("promote", ["the models score different subjects: message and account"]))
    promote: the models score different subjects: message and account
    """

    def __init__(self, action: str, problems: list[str]) -> None:
        super().__init__(f"{action}: " + "; ".join(problems))
        self.action = action
        self.problems = problems


class SplitError(FraudsieveError, ValueError):
    """There are too few records for the requested split.

    Examples
    --------
    >>> print(SplitError("the test slice has no fraud"))
    the test slice has no fraud
    """


class RejectedRecordError(FraudsieveError, ValueError):
    """A record cannot be used; the message names the field and what was expected.

    Examples
    --------
    >>> print(RejectedRecordError("occurred_at: expected a time, got bool"))
    occurred_at: expected a time, got bool
    """


class BusyError(FraudsieveError):
    """Another process is doing the same work.

    Examples
    --------
    >>> print(BusyError("another process writes to this folder"))
    another process writes to this folder
    """


class ShortOfMemoryError(FraudsieveError, MemoryError):
    """The work would not fit into memory, and has not begun.

    Parameters
    ----------
    needed : int
        Estimated bytes.
    available : int
        Bytes that this process may still allocate.
    work : str
        Description of the training data.

    Examples
    --------
    >>> print(ShortOfMemoryError(9_000_000_000, 2_000_000_000, "3,000,000 messages"))
    3,000,000 messages: training needs about 9.0 GB of memory, and 2.0 GB are available. Give fewer rows, set
    a lower n_jobs (messages) or --sample-rate (accounts and events), or use a machine or a container with more memory.
    """

    def __init__(self, needed: int, available: int, work: str) -> None:
        super().__init__(
            f"{work}: training needs about {needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB are "
            "available. Give fewer rows, set a lower n_jobs (messages) or --sample-rate (accounts and events), or use "
            "a machine or a container with more memory."
        )
        self.needed, self.available, self.work = needed, available, work
