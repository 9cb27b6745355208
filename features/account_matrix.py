"""The feature matrix of accounts and events: its columns, and their computation for single records.

Training computes the same columns from tables, in `accounts`. This module computes them from records and a live state,
and holds what both share: the columns of the record itself and its categories. Needs only NumPy and Numba.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, TypeAlias

import numpy as np

from fraudsieve._microseconds import DAY, HOUR
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, JsonObject, Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.records import record_time, required_time
from fraudsieve.features.history.timeline import NO_ACCOUNT
from fraudsieve.features.network.declaration import HistoryDeclaration, Network
from fraudsieve.features.wording.model import TextModel
from fraudsieve.features.wording.surprisal import CharacterModel
from fraudsieve.tables.values.moments import to_local
from fraudsieve.tables.values.reading import read_id

from .live_state import HistoryState
from .message_matrix import MessageMatrix
from .profile.custom_columns import NO_COLUMNS, CustomColumns
from .profile.dates import NEVER
from .record_fields import FeatureRows, HistoryPart, RecordField


@dataclass(frozen=True)
class AccountMatrix:
    """The features of an account or an event, and the order of their columns."""

    # An account at a cutoff time, or an event at its own time.
    subject: Subject
    histories: tuple[History, ...]
    network: Network | None = None
    custom: CustomColumns = NO_COLUMNS
    # Whether there are times. Without times, all events count, and no feature that needs a time is computed.
    timed: bool = True
    # Zone of the hour and the weekday of an event, and of times of records that have none.
    time_zone: str = "UTC"

    campaigns: ClassVar[None] = None
    lists: ClassVar[None] = None
    characters: ClassVar[tuple[CharacterModel, ...]] = ()

    @property
    def fields(self) -> tuple[RecordField, ...]:
        """The fields of a record that are read: account, times, its own columns, and further entities."""
        names = {name for view in self.histories for name in view.subjects} - {"account_id", *self.custom.names}
        entities = [RecordField(name, "id", trained=True) for name in sorted(names)]
        numbers = [self._custom_field(field) for field in self.custom.fields if field.kind == "number"]
        if self.subject.is_event:
            amounts = dict.fromkeys(("amount", *self.custom_amounts))
            numbers += [RecordField(name, "amount") for name in amounts if name not in self.custom.numbers]
        others = [field for field in self.custom.fields if field.kind != "number"]
        account = RecordField("account_id", "id", required=True, trained=True)
        return (account, *self._times, *numbers, *others, *entities)

    def _custom_field(self, custom: RecordField) -> RecordField:
        # Unlike other numbers, the amount of an event may not be a boolean.
        return replace(custom, kind="amount") if custom.name == "amount" and self.subject.is_event else custom

    @cached_property
    def custom_amounts(self) -> tuple[str, ...]:
        """The columns of a record whose values the feature views compare with the past: those of amounts, of an event.

        An account has none: a column of this name is part of its profile. Its last event is compared instead. This is
        decided here for batch, live and Spark.
        """
        return tuple(dict.fromkeys(view.amount for view in self.histories)) if self.subject.is_event else ()

    @property
    def _times(self) -> tuple[RecordField, ...]:
        if not self.timed:
            return ()
        cutoff, *others = self.subject.times
        optional = [RecordField(name, "time", instead_of=cutoff) for name in others]
        optional += [RecordField("created_at", "time")] if self.subject.is_account else []
        return (RecordField(cutoff, "time", required=True, trained=True), *optional)

    @property
    def history_parts(self) -> tuple[HistoryPart, ...]:
        """The parts of the history that are read."""
        return ("events",) if self.histories or self.network else ()

    @property
    def event_views(self) -> tuple[History, ...]:
        """The feature views of the events."""
        return self.histories

    @property
    def text_models(self) -> dict[str, TextModel]:
        """The text models; an account matrix has none."""
        return {}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, ``family__name``: history, network, then those of the record itself."""
        network = self.network.columns if self.network else ()
        return (*history_columns(self.histories), *network, *self.clock, *self.custom.columns)

    @property
    def clock(self) -> tuple[str, ...]:
        """The columns that are computed from the cutoff time."""
        return CLOCKS[self.subject][0] if self.timed else ()

    def custom_cutoffs(self, cutoffs: Array) -> Array:
        """Return the times with which the dates of records are compared; without times, none."""
        return cutoffs if self.timed else np.full(len(cutoffs), NEVER)

    def record_columns(self, cutoffs: Array, created: Array, custom: Array) -> Array:
        """Compute the columns of the records themselves."""
        clock = CLOCKS[self.subject][1](cutoffs, created, self.time_zone) if self.timed else []
        return np.column_stack([np.empty((len(cutoffs), 0)), *(part.astype(np.float64) for part in clock), custom])

    @cached_property
    def history_declaration(self) -> HistoryDeclaration:
        """The feature views and the network."""
        return HistoryDeclaration(self.histories, self.network)

    def new_state(self, *, lateness: str = "1d") -> HistoryState:
        """Return an empty live state for these columns."""
        return HistoryState(self.histories, network=self.network, lateness=lateness)

    def rows(self, records: Sequence[Record], state: HistoryState | None = None) -> FeatureRows:
        """Compute the feature rows of accounts or events.

        ``has_history`` is None if the matrix has no feature views.
        """
        state = self.new_state() if state is None else state
        values, has_history = np.full((len(records), len(self.columns)), np.nan), np.zeros(len(records), np.bool_)
        why, read = np.full(len(records), None, object), dict[int, tuple[Record, int, int]]()
        for place, record in enumerate(records):
            try:
                read[place] = self._read(record, state)
            except RejectedRecordError as error:
                why[place] = str(error)
        places = np.array([*read], np.int64)
        history, has_history[places], why[places] = state.rows_of([subject for subject, *_ in read.values()])
        times = np.array([times for _, *times in read.values()], np.int64).reshape(-1, 2)
        custom, not_custom = self.custom.of_records(
            [records[place] for place in read], self.custom_cutoffs(times[:, 0])
        )
        values[places] = np.hstack([history, self.record_columns(times[:, 0], times[:, 1], custom)])
        why[places] = [of_state or of_custom for of_state, of_custom in zip(why[places], not_custom, strict=True)]
        return FeatureRows(values, why, has_history if self.histories else None)

    def to_dict(self) -> JsonObject:
        """Return the declaration in plain JSON types."""
        return {
            "histories": [history.to_dict() for history in self.histories],
            "network": None if self.network is None else self.network.to_dict(),
            "own": self.custom.to_dict(),
            "timed": self.timed,
            "time_zone": self.time_zone,
        }

    def _read(self, record: Record, state: HistoryState) -> tuple[Record, int, int]:
        """Return a record as a subject of a state, its cutoff time and the time of its creation."""
        if read_id(record.get("account_id"), "account_id") is None:
            raise RejectedRecordError(NO_ACCOUNT)
        self.custom.check_fields(record)
        cutoff, has_age = self._cutoff(record, state), self.timed and self.subject.is_account
        created = record_time(record.get("created_at"), "created_at", self.time_zone) if has_age else None
        names = (*(name for view in self.histories for name in view.subjects), "account_id", *self.custom_amounts)
        subject = {name: record.get(name) for name in names} | {"as_of": np.datetime64(cutoff, "us")}
        return subject, cutoff, NEVER if created is None else created

    def _cutoff(self, record: Record, state: HistoryState) -> int:
        if not self.timed:
            return max(state.watermark + 1, 1)  # after all events
        times = (record_time(record.get(name), name, self.time_zone) for name in self.subject.times)
        time = next((time for time in times if time is not None), None)
        return required_time(None, "as_of") if time is None else time


def _hour_and_weekday(cutoffs: Array, created: Array, time_zone: str) -> list[Array]:
    local = to_local(cutoffs, time_zone)
    return [local % DAY // HOUR, (local // DAY + 3) % 7]


def _age_days(cutoffs: Array, created: Array, time_zone: str) -> list[Array]:
    unknown = created == NEVER
    return [np.where(unknown, np.nan, (cutoffs - np.where(unknown, cutoffs, created)) / DAY)]


CLOCKS: dict[str, tuple[tuple[str, ...], Callable[[Array, Array, str], list[Array]]]] = {
    "account": (("profile__age_days",), _age_days),
    "event": (("rhythm__hour", "rhythm__weekday"), _hour_and_weekday),
}
"""The columns that are computed from the cutoff time and the time of creation, with the function that does so."""


FeatureMatrix: TypeAlias = MessageMatrix | AccountMatrix
"""The features of a record, and the order of their columns.

Code that scores, stores or explains uses what both classes have, and does not depend on the class.
"""


def message_matrix_of(matrix: FeatureMatrix) -> MessageMatrix:
    """Return the matrix as a `MessageMatrix`."""
    if not isinstance(matrix, MessageMatrix):
        raise TypeError(f"Expected a model of messages, got one of {matrix.subject}s.")
    return matrix


def account_matrix_of(matrix: FeatureMatrix) -> AccountMatrix:
    """Return the matrix as an `AccountMatrix`."""
    if not isinstance(matrix, AccountMatrix):
        raise TypeError(f"Expected a model of accounts or events, got one of {matrix.subject}s.")
    return matrix


def text_matrices(matrix: FeatureMatrix) -> dict[str, MessageMatrix]:
    """Return the matrices of the further columns of texts."""
    return {name: text for name, text in matrix.custom.texts.items() if isinstance(text, MessageMatrix)}
