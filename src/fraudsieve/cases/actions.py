"""Flagged actions (messages, payments, sign-ups) in a canonical order, with codes in place of identifiers."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.conversion import Kind, convert
from fraudsieve.tables.limits import shapes_of
from fraudsieve.tables.values.reading import PLAIN, Reading

ENDS: Final = ("account_id", "counterparty_id")
TIMES: Final = ("occurred_at", "known_at")
"""Columns of times."""
NO_TIME: Final = np.iinfo(np.int64).min
"""Marks an unknown time."""


@dataclass(frozen=True, eq=False)
class Actions:
    """Flagged actions, sorted by time and id, so that no result depends on the order of the input.

    Parameters
    ----------
    frame : DataFrame of shape (n_actions, n_columns)
        The actions: ``action_id`` and, if known, ``account_id``, ``counterparty_id``, ``occurred_at``, ``known_at``,
        ``kind``, ``type``, ``amount``, ``probability``, ``text``, ``ip`` and identifiers (columns that end in
        ``_id``).
    account, counterparty : ndarray of int64, shape (n_actions,)
        Positions in `names`; -1 if there is none.
    time, known : ndarray of int64, shape (n_actions,)
        When the action occurred, and when it was known to be flagged, in microseconds since 1970; `NO_TIME` if unknown.
    names : ndarray of str
        Ids of the accounts and counterparties.
    """

    frame: pd.DataFrame
    account: Array
    counterparty: Array
    time: Array
    known: Array
    names: Array

    def __len__(self) -> int:
        return len(self.frame)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, as_of: pd.Timestamp | None = None) -> "Actions":
        """Sort actions, and leave out those that were not yet known at a cutoff time.

        Parameters
        ----------
        frame : DataFrame
            The actions, in any order; ``action_id`` is unique. Without ``known_at``, an action is known when it occurs.
        as_of : Timestamp, default=None
            The cutoff time: only actions that were known strictly before it count. None for all. An action without a
            time counts.

        Returns
        -------
        Actions

        Raises
        ------
        SchemaError
            If there is no column ``action_id``, an id is missing or occurs twice, or a time cannot be read.

        Examples
        --------
        >>> Actions.from_frame(pd.DataFrame({"action_id": ["b", "a"]})).frame["action_id"].tolist()
        ['a', 'b']
        """
        if "action_id" not in frame:
            raise SchemaError("actions", "column 'action_id' is missing", "Add the id of each flagged action.")
        frame = _with_times(_with_ids(frame.reset_index(drop=True)))
        ids = frame["action_id"]
        if ids.isna().any():
            problem = f"{int(ids.isna().sum())} rows have no id"
            raise SchemaError("actions", problem, "Give each flagged action an id: a string or a whole number.")
        if ids.duplicated().any():
            count = int(ids.duplicated().sum())
            raise SchemaError("actions", f"{count} ids occur more than once", "Keep one row per flagged action.")
        time = microseconds_of(frame, "occurred_at")
        known = np.maximum(microseconds_of(frame, "known_at"), time)
        order = np.lexsort((ids.to_numpy(object).astype(str), time))
        if as_of is not None:
            order = order[known[order] < microseconds(as_of)]
        kept = frame.iloc[order].reset_index(drop=True)
        account, counterparty, names = _codes(kept)
        return cls(kept, account, counterparty, time[order], known[order], names)

    def actors(self) -> Array:
        """Return the account of each action, and a unique number for an action without an account.

        Returns
        -------
        ndarray of int64, shape (n_actions,)
        """
        return np.where(self.account >= 0, self.account, len(self.names) + np.arange(len(self)))


def microseconds(time: pd.Timestamp) -> int:
    """Return a time in microseconds since 1970; a time without a zone is in UTC."""
    zoned = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return int(zoned.to_datetime64().astype("datetime64[us]").astype(np.int64))


def values_of(
    column: "pd.Series[Any]", kind: Kind, origin: str = "actions", reading: Reading = PLAIN
) -> "pd.Series[Any]":
    """Return times or numbers as the reader of tables does."""
    converted = convert(column.reset_index(drop=True), kind, reading)
    faults = {reason: rows for reason, rows in converted.faults.items() if rows.any()}
    if faults:
        counts = ", ".join(f"{reason} in {rows.sum()} rows" for reason, rows in faults.items())
        fix = "Correct these cells."
        shapes = {str(column.name): shapes_of(column[np.logical_or.reduce([*faults.values()])])}
        raise SchemaError(origin, f"column {column.name!r}: {counts}", fix, shapes)
    return converted.column.set_axis(column.index)


def microseconds_of(frame: pd.DataFrame, column: str) -> Array:
    """Return the times of a column in microseconds since 1970; `NO_TIME` where one is missing, as in pandas."""
    if column not in frame:
        return np.full(len(frame), NO_TIME)
    times: Array = values_of(frame[column], "time").dt.tz_convert(None).to_numpy("datetime64[us]")
    return times.astype(np.int64)


def ids_of(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return ids as strings, as the reader of tables does, so that 11 and 11.0 are one id."""
    return convert(column.reset_index(drop=True), "id").column.set_axis(column.index)


def _with_ids(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: ids_of(frame[name]) for name in ("action_id", *ENDS) if name in frame})


def _with_times(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: values_of(frame[name], "time") for name in TIMES if name in frame})


def _codes(frame: pd.DataFrame) -> tuple[Array, Array, Array]:
    missing = pd.Series(None, frame.index, STRING)
    columns = [frame.get(name, missing) for name in ENDS]
    codes, names = pd.factorize(pd.concat(columns, ignore_index=True))
    account, counterparty = np.split(codes.astype(np.int64), 2)
    return account, counterparty, np.asarray(names, object)
