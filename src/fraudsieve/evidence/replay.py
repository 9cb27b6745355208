"""Replay: compute recorded scores again, from the recorded numbers, and compare every bit.

Recorded scores, read strictly, and feature vectors from the inputs that they kept, with the history known then.

Anyone who can write to a log can add a record of any content to it.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar, get_args

import numpy as np

from fraudsieve._typing import Array, JsonObject
from fraudsieve.exceptions import FraudsieveError
from fraudsieve.features.history.declaration import window_seconds
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.live.records import fold_rows
from fraudsieve.live.session import stored_state
from fraudsieve.live.store.event_store import BATCH, EventStore, StoreTransaction, open_store
from fraudsieve.live.store.facts import START, Position
from fraudsieve.live.store.snapshots import list_snapshots
from fraudsieve.models.artifact.folder import FEATURES_VERSION, Model
from fraudsieve.models.fields import Policy
from fraudsieve.models.predict import Scorer
from fraudsieve.models.reasons.explained import check_class
from fraudsieve.models.reasons.reason_codes import explain
from fraudsieve.models.scoring.score_fields import COMPUTED
from fraudsieve.models.scoring.scores import UNLIKE, score_features

from .canonical import read_field_value, to_plain
from .checkpoints import log_lines, read_line
from .kept_content import Content, ContentKind
from .log import FORMAT, computed_fields, reason_numbers

Key = TypeVar("Key")
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
    inputs: JsonObject | None


def grouped(scored: Sequence[RecordedScore], key: Callable[[RecordedScore], Key]) -> dict[Key, list[RecordedScore]]:
    """Group scores by a key."""
    groups: defaultdict[Key, list[RecordedScore]] = defaultdict(list)
    for one in scored:
        groups[key(one)].append(one)
    return groups


def history_of(one: RecordedScore) -> tuple[int, str, str]:
    """Return the history that a score used, which begins with its offset, and how it kept its input."""
    history = one.body["history"]
    return history.get("offset", -1), repr(sorted(history.items())), one.body["input"]["content"]


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


def _inputs(described: Mapping[str, Any]) -> JsonObject | None:
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
    """The inputs of scores, and the store of their history, whose rows are added again up to a recorded offset."""

    def __init__(self, model: Model, address: str | Path | None = None) -> None:
        self._model = model
        self._store = None if address is None else open_store(address)
        self._state: HistoryState | None = None
        self._position = START

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._store is not None:
            self._store.close()

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
        if self._store is None:
            raise NotKept("no store was given, so the vector is taken as it was recorded")
        return self._state_at(self._store, described)

    def _state_at(self, store: EventStore, described: Mapping[str, Any]) -> HistoryState:
        """Return the state at a recorded offset."""
        with store.reading() as transaction:
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


Compute: TypeAlias = Callable[[Sequence[RecordedScore]], list[JsonObject]]

SCORES_AT_ONCE: Final = 1000
FAILURES: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors that are raised for numbers and fields that the model cannot have computed or read."""
MAX_DIFFERENCES: Final = 100
"""Maximum number of differences that a report lists; all are counted."""


@dataclass(frozen=True)
class Difference:
    """A number that a replay does not reproduce."""

    record: int
    # Its name, such as `features.cue__links` or `score.probability`.
    number: str
    # The recorded value and that of the replay; a number also has its decimal form.
    recorded: str
    computed: str
    # Computed minus recorded; None if they are not both finite numbers.
    difference: float | None


@dataclass
class ReplayReport:
    """The result of a replay.

    Parameters
    ----------
    scores : int, default=0
        Recorded scores.
    replayed : int, default=0
        Scores that were computed again from their feature vectors.
    rebuilt : int, default=0
        Those of them whose feature vectors were also computed again, from kept inputs.
    different : int, default=0
        Scores of which at least one number differs.
    malformed : int, default=0
        Records that lack fields, or hold what fraudsieve does not write: somebody else wrote them. They are skipped.
    differences : list of Difference, optional
        The first hundred numbers that differ.
    skipped : dict of str to int, optional
        Reasons why scores or vectors were not computed again, with their numbers.
    """

    scores: int = 0
    replayed: int = 0
    rebuilt: int = 0
    different: int = 0
    malformed: int = 0
    differences: list[Difference] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, why: str, n: int = 1) -> None:
        """Count scores that were not computed again."""
        self.skipped[why] = self.skipped.get(why, 0) + n

    def skip_malformed(self, why: str) -> None:
        """Count a record that fraudsieve did not write."""
        self.malformed += 1
        self.skip(why)

    def compare(self, index: int, recorded: Mapping[str, Any], computed: Mapping[str, Any]) -> bool:
        """Compare numbers by name, note those that differ, and return whether any does."""
        before, after = (dict(_flat("", numbers)) for numbers in (recorded, computed))
        names = [name for name in before | after if before.get(name, "") != after.get(name, "")]
        for name in names[: MAX_DIFFERENCES - len(self.differences)]:
            self.differences.append(_difference(index, name, before.get(name, ""), after.get(name, "")))
        return bool(names)


def replay_log(
    path: str | Path, scorer: Scorer, *, state: str | Path | None = None, progress: Callable[[int], None] | None = None
) -> ReplayReport:
    """Compute the scores of a log again, and compare them with those that were recorded, to the last bit.

    The score is always computed again from the recorded feature vector. The vector is computed again if the input was
    kept. With a history, this also needs the events that the store had at the recorded offset.

    Parameters
    ----------
    path : str or Path
        The log; verify it first.
    scorer : Scorer
        The model of the scores. Records of other models are skipped and counted.
    state : str or Path, default=None
        The store that the history was read from, as for `LiveState`; None to replay from vectors alone.
    progress : callable, default=None
        Called with the number of scores so far.

    Returns
    -------
    ReplayReport
        How many scores were computed again, and the numbers that differ.

    Raises
    ------
    EvidenceError
        If a line cannot be read: verify the log first.
    StateError
        If the store cannot be read.

    Examples
    --------
    ::

        replay_log("evidence.jsonl", Scorer.load("fraudsieve-model")).different  # 0
    """
    report = ReplayReport()
    scored = _scores(path, scorer, report)
    with KeptInputs(scorer.model, state) as inputs:
        while batch := list(islice(scored, SCORES_AT_ONCE)):
            replayed, rebuilt = [*_replay(scorer, batch, report)], [*_rebuild(scorer, batch, report, inputs)]
            report.replayed, report.rebuilt = report.replayed + len(replayed), report.rebuilt + len(rebuilt)
            # A score can differ in both, and counts once.
            report.different += len({index for index, differs in (*replayed, *rebuilt) if differs})
            if progress is not None:
                progress(report.scores)
    return report


def _scores(path: str | Path, scorer: Scorer, report: ReplayReport) -> Iterator[RecordedScore]:
    for number, line in enumerate(log_lines(path), 1):
        read = read_line(line, f"{path}, line {number}")
        if read.body.get("kind") != "score":
            continue
        report.scores += 1
        try:
            yield read_score(read.index, read.body, scorer.model)
        except OtherRecord as other:
            report.skip(str(other))
        except MalformedRecord as malformed:
            report.skip_malformed(str(malformed))


def _compare(compute: Compute, group: Sequence[RecordedScore], report: ReplayReport) -> Iterator[tuple[int, bool]]:
    """Yield the indices of scores, and whether they differ from what is computed again; if the computation fails for
    one of them, the others are computed alone."""
    try:
        answers = compute(group)
    except FraudsieveError:
        raise
    except FAILURES:
        if len(group) == 1:
            report.skip_malformed("is malformed: nothing can be computed from its numbers or its input")
        else:
            for one in group:
                yield from _compare(compute, [one], report)
    else:
        for one, computed in zip(group, answers, strict=True):
            yield one.index, report.compare(one.index, {name: one.body[name] for name in computed}, computed)


def _replay(scorer: Scorer, batch: Sequence[RecordedScore], report: ReplayReport) -> Iterator[tuple[int, bool]]:
    """Compute scores from recorded vectors, and yield what `_compare` does."""
    for (policy, _), group in grouped(batch, lambda one: (one.policy, one.body["has_history"] is None)).items():
        yield from _compare(partial(_scores_again, scorer, policy), group, report)


def _scores_again(scorer: Scorer, policy: Policy, group: Sequence[RecordedScore]) -> list[JsonObject]:
    model = scorer.model
    scored = score_features(model, policy, _recorded_rows(group), n_threads=scorer.n_threads)
    scores, log_odds = scored.to_records(), scored.log_odds
    reasons = _reasons(scorer, group, scored.features.X, log_odds)
    return [
        {"log_odds": to_plain(log_odds[n].tolist()), "score": to_plain(computed_fields(scores[n]))}
        | ({"reasons": reasons[n]} if n in reasons else {})
        for n in range(len(group))
    ]


def _reasons(scorer: Scorer, group: Sequence[RecordedScore], X: Array, log_odds: Array) -> dict[int, Any]:
    """Return the reasons of recorded vectors by place; text spans depend on the text, and are copied."""
    places: dict[tuple[int, str | None], list[int]] = {}
    for n, one in enumerate(group):
        recorded = one.body["reasons"]
        is_scored = bool(np.isfinite(log_odds[n]).all())
        if is_scored and recorded is not None and recorded["explained"] is not None:  # else it is unscorable
            places.setdefault((recorded["request"]["n"], recorded["request"]["of"]), []).append(n)
    reasons: dict[int, Any] = {}
    for (number, of), rows in places.items():
        explanations = explain(scorer.model, X[rows], log_odds[rows], n=number, of=of)
        for n, explained in zip(rows, explanations, strict=True):
            recorded = group[n].body["reasons"]
            computed = to_plain(reason_numbers(explained, Content(), recorded["request"]))
            reasons[n] = computed | {"text_spans": recorded["text_spans"]}
    return reasons


def _recorded_rows(group: Sequence[RecordedScore]) -> FeatureRows:
    X = np.array([one.vector for one in group])
    reasons = [one.body["score"]["why"] for one in group]
    why = np.array([None if reason == UNLIKE else reason for reason in reasons], object)  # the policy decides again
    known = [one.body["has_history"] for one in group]
    return FeatureRows(X, why, None if known[0] is None else np.array(known, bool))


def _rebuild(
    scorer: Scorer, batch: Sequence[RecordedScore], report: ReplayReport, inputs: KeptInputs
) -> Iterator[tuple[int, bool]]:
    """Compute vectors from kept inputs, and yield what `_compare` does."""
    for _, group in sorted(grouped(batch, history_of).items()):
        try:
            yield from _compare(partial(_vectors_again, scorer, inputs), group, report)
        except NotKept as error:
            report.skip(str(error), len(group))


def _vectors_again(scorer: Scorer, inputs: KeptInputs, group: Sequence[RecordedScore]) -> list[JsonObject]:
    columns, features = scorer.model.matrix.columns, inputs.rows(group)
    return [
        {
            "features": dict(zip(columns, map(float.hex, features.X[n].tolist()), strict=True)),
            "has_history": None if features.has_history is None else bool(features.has_history[n]),
        }
        for n in range(len(group))
    ]


def _flat(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values of nested dicts and lists, with their places."""
    if isinstance(value, Mapping):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        yield place, value
        return
    for name, item in items:
        yield from _flat(f"{place}.{name}" if place else str(name), item)


def _difference(index: int, name: str, recorded: Any, computed: Any) -> Difference:
    before, after = _number(recorded), _number(computed)
    change = None if before is None or after is None or not math.isfinite(after - before) else after - before
    return Difference(index, name, _text(recorded, before), _text(computed, after), change)


def _text(value: Any, number: float | None) -> str:
    return str(value) if number is None else f"{value} ({number!r})"


def _number(value: Any) -> float | None:
    try:
        return float.fromhex(value) if isinstance(value, str) and ("0x" in value or value == "nan") else None
    except (ValueError, OverflowError):
        return None
