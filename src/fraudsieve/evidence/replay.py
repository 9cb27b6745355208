"""Replay: compute recorded scores again, from the recorded numbers, and compare every bit."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import FraudsieveError
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.policy import Policy
from fraudsieve.models.predict import Scorer
from fraudsieve.models.reasons.reason_codes import explain
from fraudsieve.models.scoring.feature_scores import UNLIKE, score_features

from .canonical import to_plain
from .kept_content import Content
from .lines import log_lines, read_line
from .recorded_inputs import KeptInputs, MalformedRecord, NotKept, OtherRecord, RecordedScore, by_history, read_score
from .records import computed_fields, reason_numbers

Compute: TypeAlias = Callable[[Sequence[RecordedScore]], list[dict[str, Any]]]

BATCH: Final = 1000
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
        while batch := list(islice(scored, BATCH)):
            different = _replay(scorer, batch, report)
            different |= _rebuild(scorer, batch, report, inputs)  # a score can differ in both, and counts once
            report.different += len(different)
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


def _replay(scorer: Scorer, batch: Sequence[RecordedScore], report: ReplayReport) -> set[int]:
    """Compute scores from recorded vectors, and return the records that differ."""
    different = set[int]()
    for (policy, _), group in _by_policy(batch).items():
        for index, differs in _compare(partial(_scores_again, scorer, policy), group, report):
            different |= {index} if differs else set()
            report.replayed += 1
    return different


def _scores_again(scorer: Scorer, policy: Policy, group: Sequence[RecordedScore]) -> list[dict[str, Any]]:
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


def _by_policy(batch: Sequence[RecordedScore]) -> dict[tuple[Policy, bool], list[RecordedScore]]:
    """Group scores by their policy, and by whether their model was given a history."""
    groups: dict[tuple[Policy, bool], list[RecordedScore]] = {}
    for one in batch:
        groups.setdefault((one.policy, one.body["has_history"] is None), []).append(one)
    return groups


def _recorded_rows(group: Sequence[RecordedScore]) -> FeatureRows:
    X = np.array([one.vector for one in group])
    reasons = [one.body["score"]["why"] for one in group]
    why = np.array([None if reason == UNLIKE else reason for reason in reasons], object)  # the policy decides again
    known = [one.body["has_history"] for one in group]
    return FeatureRows(X, why, None if known[0] is None else np.array(known, bool))


def _rebuild(scorer: Scorer, batch: Sequence[RecordedScore], report: ReplayReport, inputs: KeptInputs) -> set[int]:
    """Compute vectors from kept inputs, and return the records whose vectors differ from those recorded."""
    different = set[int]()
    for group in by_history(batch):
        try:
            for index, differs in _compare(partial(_vectors_again, scorer, inputs), group, report):
                different |= {index} if differs else set()
                report.rebuilt += 1
        except NotKept as error:
            report.skip(str(error), len(group))
    return different


def _vectors_again(scorer: Scorer, inputs: KeptInputs, group: Sequence[RecordedScore]) -> list[dict[str, Any]]:
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
