"""The feature matrix of accounts and events: its columns, and their computation for single records.

Training computes the same columns from tables, in `accounts`. This module computes them from records and a live state,
and holds what both share: the columns of the record itself and its categories. Needs only NumPy and Numba.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.kernels.windows import DAY, HOUR
from fraudsieve.features.history.records import is_missing, parse_amount, parse_id, parse_time
from fraudsieve.features.network.declaration import Network

from .history_declaration import HistoryDeclaration
from .live_state import HistoryState

__all__ = ["MISSING", "UNSEEN", "AccountMatrix", "Subject", "profile_number"]

Record = Mapping[str, Any]
Subject = Literal["account", "event"]

UNSEEN, MISSING = -1.0, -2.0
"""Codes of an unseen category and of a missing one. Categories seen in training have codes from 0, by frequency."""


@dataclass(frozen=True)
class AccountMatrix:
    """What is computed of an account or an event, and in which order.

    Parameters
    ----------
    subject : {"account", "event"}
        An account as of a moment, or an event as of its own time.
    histories : tuple of History
        The views of the events.
    network : Network, default=None
        What is computed of the network.
    numbers : tuple of str, default=()
        Columns of the record that are numbers.
    categories : mapping of str to tuple of str, optional
        Columns of the record that are words, and the words seen in training.
    timed : bool, default=True
        Whether there are times. Without them all events count, and nothing that needs a time is computed.

    Examples
    --------
    >>> matrix = AccountMatrix("event", (History(("1h",), measures=("count",)),), categories={"city": ("rome",)})
    >>> matrix.columns
    ('volume__count_1h', 'rhythm__hour', 'rhythm__weekday', 'profile__city')
    """

    subject: Subject
    histories: tuple[History, ...]
    network: Network | None = None
    numbers: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timed: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``: history, network, then those of the record itself."""
        network = self.network.columns if self.network else ()
        own = [f"{'value' if name == 'amount' else 'profile'}__{name}" for name in (*self.numbers, *self.categories)]
        return (*history_columns(self.histories), *network, *self.clock, *own)

    @property
    def clock(self) -> tuple[str, ...]:
        """The columns that are taken from the moment."""
        if not self.timed:
            return ()
        return ("rhythm__hour", "rhythm__weekday") if self.subject == "event" else ("profile__age_days",)

    def own(self, moments: Array, created: Array, numbers: Mapping[str, Array], words: Mapping[str, Array]) -> Array:
        """Compute the columns of the records themselves.

        Parameters
        ----------
        moments, created : ndarray of int64, shape (n_records,)
            As of when, and when the accounts were made, in microseconds; the least int64 for unknown. Not used
            without times.
        numbers : mapping of str to ndarray of float64, each of shape (n_records,)
            NaN for none.
        words : mapping of str to ndarray of object, each of shape (n_records,)
            Strings, None for none.

        Returns
        -------
        ndarray of float64, shape (n_records, n_own)
        """
        parts: list[Array] = []
        if self.timed and self.subject == "event":
            parts = [moments % DAY // HOUR, (moments // DAY + 3) % 7]
        elif self.timed:
            unknown = created == np.iinfo(np.int64).min
            parts = [np.where(unknown, np.nan, (moments - np.where(unknown, moments, created)) / DAY)]
        parts += [numbers[name] for name in self.numbers]
        parts += [_coded(words[name], seen) for name, seen in self.categories.items()]
        return np.column_stack([np.empty((len(moments), 0)), *(part.astype(np.float64) for part in parts)])

    @property
    def history_declaration(self) -> HistoryDeclaration:
        """The feature views and the network."""
        return HistoryDeclaration(self.histories, self.network)

    def new_state(self, *, lateness: str = "1d") -> HistoryState:
        """Return an empty live state for these columns.

        Parameters
        ----------
        lateness : str, default="1d"
            As for `HistoryState`.

        Returns
        -------
        HistoryState
        """
        return HistoryState(self.histories, network=self.network, lateness=lateness)

    def compute(self, records: Sequence[Record], state: HistoryState) -> tuple[Array, Array, Array]:
        """Compute every column of single records.

        Parameters
        ----------
        records : sequence of dict
            With the subject columns, ``as_of`` (an event may have ``occurred_at`` instead) and their own columns.
        state : HistoryState
            With these histories.

        Returns
        -------
        rows : ndarray of float64, shape (n_records, n_columns)
            NaN where a record cannot be read.
        known : ndarray of bool, shape (n_records,)
            Whether there was any event of the account.
        why : ndarray of object, shape (n_records,)
            What is wrong with a record, in words that hold none of it; None where nothing is.
        """
        n = len(records)
        rows, known, why = np.full((n, len(self.columns)), np.nan), np.zeros(n, np.bool_), np.full(n, None, object)
        for place, record in enumerate(records):
            try:
                rows[place], known[place] = self._row(record, state)
            except RejectedRecordError as error:
                why[place] = str(error)
        return rows, known, why

    def _row(self, record: Record, state: HistoryState) -> tuple[Array, bool]:
        if parse_id(record.get("account_id"), "account_id") is None:
            raise RejectedRecordError("account_id: expected a string or a whole number, the field is missing")
        absent = [name for name in (*self.numbers, *self.categories) if name not in record]
        if absent:
            raise RejectedRecordError(f"{absent[0]}: expected the field, it is absent; None says that it is not known")
        moment = self._moment(record, state)
        asked = {name: value for name, value in record.items() if name != "amount"}
        own_amount = {"amount": record.get("amount")} if self.subject == "event" else {}
        history, known = state.compute(asked | own_amount | {"as_of": np.datetime64(moment, "us")})
        created = record.get("created_at")
        has_age = self.timed and self.subject == "account" and not is_missing(created)
        born = parse_time(created, "created_at") if has_age else np.iinfo(np.int64).min
        own = self.own(
            np.array([moment]),
            np.array([born]),
            {name: np.array([profile_number(record.get(name), name)]) for name in self.numbers},
            {name: np.array([parse_id(record.get(name), name)], object) for name in self.categories},
        )
        return np.concatenate([history[0], own[0]]), bool(known[0])

    def _moment(self, record: Record, state: HistoryState) -> int:
        if not self.timed:
            return max(state.watermark + 1, 1)  # all events are before it
        name = "occurred_at" if self.subject == "event" and not is_missing(record.get("occurred_at")) else "as_of"
        return parse_time(record.get(name), name)


def profile_number(value: Any, field: str) -> float:
    """Check a number of a profile and return it as a float; unlike an amount, it may be True or False.

    Parameters
    ----------
    value : float, bool or None
        The number.
    field : str
        Name of the field, for errors.

    Returns
    -------
    float
        NaN if the number is missing.

    Raises
    ------
    RejectedRecordError
        If the value is not a number, is infinite, or is beyond 1e15.

    Examples
    --------
    >>> profile_number(True, "verified"), profile_number(None, "age")
    (1.0, nan)
    """
    return parse_amount(float(value) if isinstance(value, bool | np.bool_) else value, field)


def _coded(words: Array, seen: Sequence[str]) -> Array:
    """Number words by a table; missing and unseen apart."""
    codes = {word: float(place) for place, word in enumerate(seen)}
    return np.array([MISSING if word is None else codes.get(word, UNSEEN) for word in words.tolist()], np.float64)
