"""A table as somebody has it: its files, the options that they would give, and the records that their service sends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

__all__ = ["TableFiles", "UserTable", "json_records"]

Subject = Literal["message", "account", "event"]


@dataclass(frozen=True)
class TableFiles:
    """The files of a table, split by time or at random as their owner would.

    Parameters
    ----------
    train : mapping of str to Path
        By option of ``fraudsieve train``: ``messages``, ``accounts``, ``events``, ``labels``.
    later : mapping of str to Path
        Later labelled records, by the same options: for ``evaluate``, ``monitor`` and ``promote``.
    new : Path
        Unlabelled records, for ``predict``.
    history : mapping of str to Path
        The history of the new records, by option of ``predict``: ``events``, ``known-labels``, ``history``.
    records : sequence of dict
        The records of `new`, in their order, as the owner's service sends them in JSON.
    events : sequence of dict
        The history of the new records, as the owner's service sends it in JSON, in order of time.
    options : tuple of str
        How the files are read, for every command: ``--column``, ``--day-first``.
    train_options : tuple of str
        For ``train`` alone: ``--subject``, ``--legitimate``.
    """

    train: Mapping[str, Path]
    later: Mapping[str, Path]
    new: Path
    history: Mapping[str, Path] = field(default_factory=dict)
    records: Sequence[Mapping[str, Any]] = ()
    events: Sequence[Mapping[str, Any]] = ()
    options: tuple[str, ...] = ()
    train_options: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, str]:
        """The owner's names of columns by ours, from the options."""
        pairs = [value.split("=", 1) for value in self._values("--column")]
        pairs += [["text", value] for value in self._values("--text-column")]
        return {ours.rpartition(".")[2]: theirs for ours, theirs in pairs}

    def _values(self, option: str) -> list[str]:
        words = self.options
        return [words[place + 1] for place, word in enumerate(words) if word == option]


@dataclass(frozen=True)
class UserTable:
    """A table of the zoo.

    Parameters
    ----------
    name : str
        Its name, the id of its tests.
    subject : {"message", "account", "event"}
        What its model scores.
    write : callable
        Writes the files into a folder.
    refused : mapping of str to str
        By door, the words with which it refuses this table; ``train`` for a table that cannot be trained on.
    later_issue : mapping of str to str
        By door, the title of the issue that makes the table readable there: an ``xfail(strict=True)`` until then.
    has_history : bool, default=False
        Whether messages or accounts have a history of events; events always do.
    on_spark : bool, default=False
        Whether it is scored on Spark too.
    """

    name: str
    subject: Subject
    write: Callable[[Path], TableFiles]
    refused: Mapping[str, str] = field(default_factory=dict)
    later_issue: Mapping[str, str] = field(default_factory=dict)
    has_history: bool = False
    on_spark: bool = False


def json_records(frame: pd.DataFrame, names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a frame as a service sends them: fields by our names, null where there is no value.

    Parameters
    ----------
    frame : DataFrame
        Rows as their owner has them; times that are datetimes are written in ISO 8601.
    names : mapping of str to str, default=None
        Our names by theirs, for columns that have others.

    Returns
    -------
    list of dict
        In plain JSON types.
    """
    rows = frame.rename(columns=dict(names or {})).to_dict("records")
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, list | dict):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
