"""Feature vectors from the inputs that evidence kept, with the history as it was known then."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.live.fold import fold_rows
from fraudsieve.models.live.snapshot import declaration_digest, decode_state
from fraudsieve.models.live.store.addresses import open_store
from fraudsieve.models.live.store.chain import START, Position
from fraudsieve.models.live.store.event_store import BATCH, EventStore, StoreTransaction
from fraudsieve.models.live.store.snapshots import list_snapshots, read_snapshot

from .recorded import RecordedScore

__all__ = ["KeptInputs", "NotKept"]


class NotKept(Exception):
    """The input of a feature vector was not kept."""


class KeptInputs:
    """The inputs of scores, and the store that their history was read from.

    Parameters
    ----------
    model : Model
        The model.
    address : str or Path, default=None
        The store, as for `LiveState`; None without one.
    """

    def __init__(self, model: Model, address: str | Path | None = None) -> None:
        self._model = model
        self._past = None if address is None else PastStates(model, open_store(address))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._past is not None:
            self._past.store.close()

    def rows(self, group: Sequence[RecordedScore]) -> FeatureRows:
        """Return the feature rows of scores that used the same history, from their inputs.

        Raises
        ------
        NotKept
            If the inputs or the events were not kept; the message says which.
        """
        records = [one.inputs for one in group if one.inputs is not None]
        if len(records) < len(group):
            raise NotKept("the input was not kept, so the vector is taken as it was recorded")
        return self._model.matrix.rows(records, self._history(group[0].body["history"]))

    def _history(self, described: Mapping[str, Any]) -> HistoryState | None:
        if described["source"] == "none":
            return None
        if described["source"] != "store":
            raise NotKept("the history was only in memory, so the vector is taken as it was recorded")
        if self._past is None:
            raise NotKept("no store was given, so the vector is taken as it was recorded")
        return self._past.at(described)


class PastStates:
    """The live state as it was at offsets of a store, which is built by adding its rows again.

    Parameters
    ----------
    model : Model
        The model.
    store : EventStore
        The store.
    """

    def __init__(self, model: Model, store: EventStore) -> None:
        self._model, self.store = model, store
        self._state: HistoryState | None = None
        self._position = START

    def at(self, described: Mapping[str, Any]) -> HistoryState:
        """Return the state at a recorded offset.

        Raises
        ------
        NotKept
            If the store has not all rows that it had then.
        StateError
            If the store is damaged.
        """
        with self.store.reading() as transaction:
            if transaction.facts.generation != described["generation"]:
                raise NotKept("rows of the store were erased or rewound since")
            state = self._start(transaction, described)
            while missing := described["offset"] - self._position.offset:
                rows = transaction.read_after(self._position, min(missing, BATCH))
                if not rows:
                    raise NotKept("the store does not have the recorded offset: it is another store")
                fold_rows(state, rows, transaction.origin)
                self._position = Position(rows[-1][0], rows[-1][3])
        if self._position.digest.hex() != described["digest"]:
            raise NotKept("the rows of the store differ from those recorded: it is another store")
        return state

    def _start(self, transaction: StoreTransaction, described: Mapping[str, Any]) -> HistoryState:
        """Return a state that is not later than an offset: the last one, an empty one, or that of a snapshot."""
        same = self._state is not None and self._state.lateness == described["lateness"]
        if self._state is not None and same and self._position.offset <= described["offset"]:
            return self._state
        self._state, self._position = self._model.matrix.new_state(lateness=described["lateness"]), START
        if transaction.facts.start == START:
            return self._state
        declaration = declaration_digest(self._state)
        for one in list_snapshots(transaction):
            if one.declaration == declaration and one.position.offset <= described["offset"]:
                self._state = decode_state(read_snapshot(transaction, one), transaction.origin)
                self._position = one.position
                return self._state
        self._state = None
        raise NotKept("the store has deleted the events that were known then")
