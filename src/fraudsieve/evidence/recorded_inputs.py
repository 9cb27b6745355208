"""Recorded scores, read strictly, and feature vectors from the inputs that they kept, with the history known then.

Anyone who can write to a log can add a record of any content to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, get_args

from fraudsieve.features.history.measures import window_seconds
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.live.handover import stored_state
from fraudsieve.live.records import fold_rows
from fraudsieve.live.store.chain import START, Position
from fraudsieve.live.store.event_store import BATCH, EventStore, StoreTransaction, open_store
from fraudsieve.live.store.snapshots import list_snapshots
from fraudsieve.models.artifact.folder import FEATURES_VERSION, Model
from fraudsieve.models.policy import Policy
from fraudsieve.models.reasons.explained import check_class
from fraudsieve.models.scoring.score_fields import COMPUTED

from .canonical import read_field_value
from .kept_content import ContentKind
from .records import FORMAT

NUMBER: Final = (str, int, type(None))
SCORE: Final = dict.fromkeys(COMPUTED, (str, int, bool, type(None))) | {"probabilities": (dict, type(None))}
EXPLAINED: Final = {"class": (str,), "against": (str, type(None)), "log_odds": (str,)}


class OtherRecord(Exception):
    """A score that this model, or this version of the features, did not compute."""


class MalformedRecord(Exception):
    """A record that lacks fields, or has other types than fraudsieve writes."""


@dataclass(frozen=True)
class RecordedScore:
    """A recorded score."""

    index: int
    body: Mapping[str, Any]
    # The numbers of its features, in the order of the model's columns.
    vector: tuple[float, ...]
    policy: Policy
    # The fields of its input; None if they were not kept.
    inputs: dict[str, Any] | None


def by_history(scored: Sequence[RecordedScore]) -> list[list[RecordedScore]]:
    """Group scores that used the same history and kept their inputs in the same way, in the order of offsets."""
    groups: dict[tuple[int, str, str], list[RecordedScore]] = {}
    for one in scored:
        history = one.body["history"]
        key = (history.get("offset", -1), repr(sorted(history.items())), one.body["input"]["content"])
        groups.setdefault(key, []).append(one)
    return [groups[key] for key in sorted(groups)]


def read_score(index: int, body: Mapping[str, Any], model: Model) -> RecordedScore:
    """Read the record of a score."""
    _check_origin(body, model)
    part = ""
    try:
        for part, is_valid in PARTS.items():
            if not is_valid(body[part], model):
                raise ValueError
        part = "features"
        vector = tuple(float.fromhex(body["features"][name]) for name in model.matrix.columns)
        part = "configuration"
        policy = _policy(body["configuration"]["policy"])
        part = "input"
        inputs = _inputs(body["input"])
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
        raise MalformedRecord(f"is malformed: {part} is missing, or not what fraudsieve writes") from None
    return RecordedScore(index, body, vector, policy, inputs)


def _check_origin(body: Mapping[str, Any], model: Model) -> None:
    try:
        if body["format"] != FORMAT:
            raise MalformedRecord("is of another format: replay it with the version of fraudsieve that it names")
        expected = {
            "is of another model": body["model"]["digest"] == model.digest,
            "is of another version of the features": body["configuration"]["features_version"] == FEATURES_VERSION,
        }
    except (KeyError, TypeError):
        raise MalformedRecord("is malformed: it does not name its format, model and version of the features") from None
    for problem, holds in expected.items():
        if not holds:
            raise OtherRecord(problem)


def _policy(declared: Mapping[str, Any]) -> Policy:
    limit = float.fromhex(declared["unlike_training_limit"])
    return Policy(**{**declared, "unlike_training_limit": limit})


def _inputs(described: Mapping[str, Any]) -> dict[str, Any] | None:
    if described["content"] != "kept":
        return None
    return {name: read_field_value(value) for name, value in described["fields"].items()}


def _has(content: Any, fields: Mapping[str, tuple[type, ...]]) -> bool:
    """Return whether a dict has exactly these fields, of these types."""
    return (
        isinstance(content, dict)
        and set(content) == set(fields)
        and all(type(content[name]) in kinds for name, kinds in fields.items())
    )


def _is_score(score: Any, _: Model) -> bool:
    return _has(score, SCORE) and all(type(value) in NUMBER for value in (score["probabilities"] or {}).values())


def _is_history(history: Any, _: Model) -> bool:
    if not isinstance(history, dict) or not isinstance(history["source"], str):
        return False
    offset = history.get("offset", 0)
    if type(offset) is not int or offset < 0 or not all(_is_flat(value) for value in history.values()):
        return False
    return history["source"] != "store" or (
        window_seconds(history["lateness"]) > 0 and {"offset", "generation", "digest"} <= set(history)
    )


def _is_reasons(reasons: Any, model: Model) -> bool:
    if reasons is None:
        return True
    request = reasons["request"]
    check_class(model, request["of"])
    is_valid = _has(request, {"n": (int,), "of": (str, type(None))}) and request["n"] > 0
    is_valid &= reasons["explained"] is None or _has(reasons["explained"], EXPLAINED)
    lists = reasons["reasons"], reasons["text_spans"]
    return is_valid and all(isinstance(listed, list) and all(map(_is_flat, listed)) for listed in lists)


def _is_flat(content: Any) -> bool:
    """Return whether a value is not nested: no list, and no dict of dicts or lists."""
    values = content.values() if isinstance(content, dict) else [content]
    return not any(isinstance(value, dict | list) for value in values)


PARTS: Final[Mapping[str, Callable[[Any, Model], bool]]] = {
    "features": lambda value, model: _has(value, dict.fromkeys(model.matrix.columns, (str,))),
    "score": _is_score,
    "log_odds": lambda value, _: isinstance(value, list) and all(type(one) is str for one in value),
    "history": _is_history,
    "input": lambda value, _: value["content"] in get_args(ContentKind),
    "reasons": _is_reasons,
    "has_history": lambda value, _: value in (None, True, False) and type(value) is not int,
}


class NotKept(Exception):
    """The input of a feature vector was not kept."""


class KeptInputs:
    """The inputs of scores, and the store that their history was read from."""

    def __init__(self, model: Model, address: str | Path | None = None) -> None:
        self._model = model
        self._past = None if address is None else PastStates(model, open_store(address))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._past is not None:
            self._past.store.close()

    def rows(self, group: Sequence[RecordedScore]) -> FeatureRows:
        """Return the feature rows of scores that used the same history, from their inputs."""
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
    """The live state as it was at offsets of a store, which is built by adding its rows again."""

    def __init__(self, model: Model, store: EventStore) -> None:
        self._model, self.store = model, store
        self._state: HistoryState | None = None
        self._position = START

    def at(self, described: Mapping[str, Any]) -> HistoryState:
        """Return the state at a recorded offset."""
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
        declaration = self._state.declaration_digest
        for one in list_snapshots(transaction):
            if one.declaration == declaration and one.position.offset <= described["offset"]:
                self._state = stored_state(transaction, one)
                self._position = one.position
                return self._state
        self._state = None
        raise NotKept("the store has deleted the events that were known then")
