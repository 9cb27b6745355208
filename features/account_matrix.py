"""The feature matrix of accounts and events: its columns, and their computation for single records.

Training computes the same columns from tables, in `accounts`. This module computes them from records and a live state,
and holds what both share: the columns of the record itself and its categories. Needs only NumPy and Numba.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.kernels.windows import DAY, HOUR
from fraudsieve.features.history.records import is_missing, parse_amount, parse_id, parse_time
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.wording.model import TextModel
from fraudsieve.features.wording.surprisal import CharacterModel

from .history_declaration import HistoryDeclaration
from .live_state import HistoryState
from .record_fields import FeatureRows, FieldKind, HistoryPart, RecordField

__all__ = ["MISSING", "UNSEEN", "AccountMatrix", "Subject", "digest_categories", "profile_number"]

Record = Mapping[str, Any]
Subject = Literal["account", "event"]

CUTOFFS: dict[Subject, tuple[str, ...]] = {"account": ("as_of",), "event": ("occurred_at", "as_of")}
"""The fields that may hold the cutoff time; the first that is present is used."""
UNSEEN, MISSING = -1.0, -2.0
"""Codes of an unseen category and of a missing one. Categories seen in training have codes from 0, by frequency."""


@dataclass(frozen=True)
class AccountMatrix:
    """The features of an account or an event, and the order of their columns.

    Parameters
    ----------
    subject : {"account", "event"}
        An account at a cutoff time, or an event at its own time.
    histories : tuple of History
        The feature views of the events.
    network : Network, default=None
        The declaration of the network features; None for no network.
    numbers : tuple of str, default=()
        Columns of the record that are numbers.
    categories : mapping of str to tuple of str, optional
        Columns of the record that are categories, and the categories seen in training.
    timed : bool, default=True
        Whether there are times. Without times, all events count, and no feature that needs a time is computed.
    digest_key : str, default=""
        The key of the digests that stand for the categories; empty if the categories are kept as they are.

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
    digest_key: str = ""

    campaigns: ClassVar[None] = None
    characters: ClassVar[tuple[CharacterModel, ...]] = ()

    @property
    def fields(self) -> tuple[RecordField, ...]:
        """The fields of a record that are read: account, times, its own columns, and further entities."""
        names = {name for view in self.histories for name in view.subjects} - {"account_id", *self.categories}
        entities = [RecordField(name, "id", trained=True) for name in sorted(names - set(self.numbers))]
        numbers = [self._number(name) for name in self.numbers]
        if self.subject == "event":
            amounts = dict.fromkeys(("amount", *self._amounts))
            numbers += [RecordField(name, "amount") for name in amounts if name not in self.numbers]
        categories = [RecordField(name, "category", required=True, trained=True) for name in self.categories]
        account = RecordField("account_id", "id", required=True, trained=True)
        return (account, *self._times, *numbers, *categories, *entities)

    def _number(self, name: str) -> RecordField:
        # Unlike other numbers, the amount of an event may not be a boolean.
        kind: FieldKind = "amount" if name == "amount" and self.subject == "event" else "number"
        return RecordField(name, kind, required=True, trained=True)

    @property
    def _amounts(self) -> tuple[str, ...]:
        """The columns of events that the feature views take as amounts."""
        return tuple(dict.fromkeys(view.amount for view in self.histories))

    @property
    def _times(self) -> tuple[RecordField, ...]:
        if not self.timed:
            return ()
        cutoff, *others = CUTOFFS[self.subject]
        optional = [RecordField(name, "time", instead_of=cutoff) for name in others]
        optional += [RecordField("created_at", "time")] if self.subject == "account" else []
        return (RecordField(cutoff, "time", required=True, trained=True), *optional)

    @property
    def history_parts(self) -> tuple[HistoryPart, ...]:
        """The parts of the history that are read."""
        if self.network:
            return ("events", "labels", "account_labels")
        return ("events", "labels") if self.histories else ()

    @property
    def event_views(self) -> tuple[History, ...]:
        """The feature views of the events."""
        return self.histories

    @property
    def text_models(self) -> dict[str, TextModel]:
        """The text models; an account matrix has none."""
        return {}

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``: history, network, then those of the record itself."""
        network = self.network.columns if self.network else ()
        names = (*self.numbers, *self.categories)
        own = [f"{'value' if name == 'amount' else 'profile'}__{name}" for name in names]
        return (*history_columns(self.histories), *network, *self.clock, *own)

    @property
    def clock(self) -> tuple[str, ...]:
        """The columns that are computed from the cutoff time."""
        return CLOCKS[self.subject][0] if self.timed else ()

    def record_columns(
        self, cutoffs: Array, created: Array, numbers: Mapping[str, Array], categories: Mapping[str, Array]
    ) -> Array:
        """Compute the columns of the records themselves.

        Parameters
        ----------
        cutoffs, created : ndarray of int64, shape (n_records,)
            Cutoff times, and the times at which the accounts were created, in microseconds since 1970. The minimum of
            int64 stands for an unknown time. Ignored if the matrix has no times.
        numbers : mapping of str to ndarray of float64, each of shape (n_records,)
            NaN if missing.
        categories : mapping of str to ndarray of object, each of shape (n_records,)
            Strings; None if missing.

        Returns
        -------
        ndarray of float64, shape (n_records, n_record_columns)
        """
        parts = CLOCKS[self.subject][1](cutoffs, created) if self.timed else []
        parts += [numbers[name] for name in self.numbers]
        parts += [_category_codes(categories[name], seen, self.digest_key) for name, seen in self.categories.items()]
        return np.column_stack([np.empty((len(cutoffs), 0)), *(part.astype(np.float64) for part in parts)])

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

    def rows(self, records: Sequence[Record], state: HistoryState | None = None) -> FeatureRows:
        """Compute the feature rows of accounts or events.

        Parameters
        ----------
        records : sequence of dict
            With the subject columns, ``as_of`` (an event may have ``occurred_at`` instead) and their own columns.
        state : HistoryState, default=None
            The history; None for an empty one.

        Returns
        -------
        FeatureRows
            ``has_history`` is None if the matrix has no feature views.
        """
        n = len(records)
        state = self.new_state() if state is None else state
        values, has_history = np.full((n, len(self.columns)), np.nan), np.zeros(n, np.bool_)
        why = np.full(n, None, object)
        for row, record in enumerate(records):
            try:
                values[row], has_history[row] = self._row(record, state)
            except RejectedRecordError as error:
                why[row] = str(error)
        return FeatureRows(values, why, has_history if self.histories else None)

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration in plain JSON types."""
        return {
            "histories": [history.to_dict() for history in self.histories],
            "network": None if self.network is None else self.network.to_dict(),
            "numbers": list(self.numbers),
            "categories": {name: list(seen) for name, seen in self.categories.items()},
            "timed": self.timed,
            "digest_key": self.digest_key,
        }

    def _row(self, record: Record, state: HistoryState) -> tuple[Array, bool]:
        if parse_id(record.get("account_id"), "account_id") is None:
            raise RejectedRecordError("account_id: expected a string or a whole number, the field is missing")
        missing = [name for name in (*self.numbers, *self.categories) if name not in record]
        if missing:
            raise RejectedRecordError(f"{missing[0]}: the field is missing; pass None if the value is unknown")
        cutoff = self._cutoff(record, state)
        # An event's own amounts are compared with the past; those of an account would be columns of its profile.
        subject = {name: value for name, value in record.items() if name not in self._amounts}
        if self.subject == "event":
            subject |= {name: record.get(name) for name in self._amounts}
        history, has_history = state.compute(subject | {"as_of": np.datetime64(cutoff, "us")})
        created_at = record.get("created_at")
        has_age = self.timed and self.subject == "account" and not is_missing(created_at)
        created = parse_time(created_at, "created_at") if has_age else np.iinfo(np.int64).min
        record_columns = self.record_columns(
            np.array([cutoff]),
            np.array([created]),
            {name: np.array([profile_number(record.get(name), name)]) for name in self.numbers},
            {name: np.array([parse_id(record.get(name), name)], object) for name in self.categories},
        )
        return np.concatenate([history[0], record_columns[0]]), bool(has_history[0])

    def _cutoff(self, record: Record, state: HistoryState) -> int:
        if not self.timed:
            return max(state.watermark + 1, 1)  # after all events
        names = (name for name in CUTOFFS[self.subject] if not is_missing(record.get(name)))
        name = next(names, "as_of")
        return parse_time(record.get(name), name)


def _hour_and_weekday(cutoffs: Array, created: Array) -> list[Array]:
    return [cutoffs % DAY // HOUR, (cutoffs // DAY + 3) % 7]


def _age_days(cutoffs: Array, created: Array) -> list[Array]:
    unknown = created == np.iinfo(np.int64).min
    return [np.where(unknown, np.nan, (cutoffs - np.where(unknown, cutoffs, created)) / DAY)]


CLOCKS: dict[Subject, tuple[tuple[str, ...], Callable[[Array, Array], list[Array]]]] = {
    "account": (("profile__age_days",), _age_days),
    "event": (("rhythm__hour", "rhythm__weekday"), _hour_and_weekday),
}
"""The columns that are computed from the cutoff time and the time of creation, with the function that does so."""


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


def digest_categories(categories: Iterable[str], key: str) -> list[str]:
    """Return keyed digests of categories (BLAKE2b, 64 bits); the categories themselves without a key.

    Parameters
    ----------
    categories : iterable of str
        The values of a column.
    key : str
        The key in hexadecimal digits; empty for no digests.

    Returns
    -------
    list of str

    Examples
    --------
    >>> digest_categories(["rome"], "")
    ['rome']
    >>> digest_categories(["rome"], "00ff")
    ['4c26d3dbbdf6c7ec']
    """
    if not key:
        return list(categories)
    secret = bytes.fromhex(key)
    return [hashlib.blake2b(value.encode(), key=secret, digest_size=8).hexdigest() for value in categories]


def _category_codes(values: Array, seen: Sequence[str], key: str) -> Array:
    """Encode categories by their positions in `seen`, or as `MISSING` or `UNSEEN`."""
    of_seen = {category: float(code) for code, category in enumerate(seen)}
    distinct = [value for value in dict.fromkeys(values.tolist()) if value is not None]
    digests = digest_categories(distinct, key)
    codes = {value: of_seen.get(digest, UNSEEN) for value, digest in zip(distinct, digests, strict=True)}
    return np.array([MISSING if value is None else codes[value] for value in values.tolist()], np.float64)
