"""Scores of models of messages and of accounts with a history, replayed: equal to the last bit, or what differs."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.evidence.checkpoints import read_line
from fraudsieve.evidence.kept_content import Content, ContentKind
from fraudsieve.evidence.log import EvidenceLog, Which
from fraudsieve.evidence.replay import replay_log
from fraudsieve.evidence.verification import verify_log
from fraudsieve.exceptions import EvidenceError
from fraudsieve.live.contents import rewind
from fraudsieve.live.state import LiveState
from fraudsieve.live.store.event_store import open_store
from fraudsieve.models import Policy, Scorer
from fraudsieve.models.rules import Rule, RuleSet
from fraudsieve.models.thresholds import operating_points
from tests.evidence.logs import change, lines_of
from tests.fitted_models import Fitted
from tests.live.small_models import account_model, account_scorer, message_scorer
from tests.profiles import size

pytestmark = pytest.mark.slow

START = datetime(2026, 5, 1, 10, tzinfo=UTC)


def score_messages(
    fitted: Fitted, path: Path, n: int, *, content: ContentKind = "kept", which: Which = "all", **options: Any
) -> list[Any]:
    """Score messages one by one and together, and record them."""
    scorer = Scorer.load(fitted.folder)
    records = [{"message_id": f"m{at}", "text": fitted.texts[at % len(fitted.texts)]} for at in range(n)]
    with EvidenceLog(path, which=which, content=Content(content)) as log:
        scores: list[Any] = [scorer.score(one, evidence=log, **options) for one in records[:5]]
        return scores + scorer.score(records[5:], evidence=log, **options)


def events(n: int) -> list[dict[str, Any]]:
    accounts = {"account_id": 5, "counterparty_id": 3, "device_id": 2}
    names = [{name: f"a{number % many}" for name, many in accounts.items()} for number in range(n)]
    times = [START + timedelta(minutes=number) for number in range(n)]
    return [
        {**name, "event_id": f"e{number}", "occurred_at": time, "kind": "message", "amount": number * 1.1}
        for number, (name, time) in enumerate(zip(names, times, strict=True))
    ]


def score_accounts(folder: Path, n: int, *, step: int = 1) -> Path:
    """Score accounts while their events arrive, and record them; return the log, beside the store ``live.db``.

    Events arrive in steps. After each, two scores per event are computed: as of then, and as of the first event.
    """
    path = folder / "log.jsonl"
    with (
        EvidenceLog(path, which="all", content=Content("kept")) as log,
        LiveState(account_scorer(), folder / "live.db") as live,
    ):
        arriving = events(n)
        for first in range(0, n, step):
            new = arriving[first : first + step]
            live.update(new)
            names = [event["account_id"] for event in new]
            now = new[-1]["occurred_at"] + timedelta(seconds=30)
            live.score_at(
                [{"account_id": name, "as_of": time} for name in names for time in (now, START)], evidence=log
            )
    return path


def test_scores_of_messages_replay_from_vectors_and_from_texts(fitted: Fitted, tmp_path: Path) -> None:
    scores = score_messages(fitted, tmp_path / "log", 60, reasons=True)
    report = replay_log(tmp_path / "log", Scorer.load(fitted.folder, n_threads=2))
    assert (report.scores, report.replayed, report.rebuilt, report.different) == (60, 60, 60, 0)
    assert report.skipped == {}
    body = read_line(lines_of(tmp_path / "log")[1], "log").body
    assert (
        float.fromhex(body["score"]["probabilities"][fitted.model.classes[0]])
        == (scores[0]["probabilities"][fitted.model.classes[0]])
    )
    assert scores[0]["evidence"]["record"] == 1
    assert sum(float.fromhex(one["log_odds"]) for one in body["reasons"]["reasons"]) == pytest.approx(
        float.fromhex(body["reasons"]["explained"]["log_odds"])
    )
    assert body["reasons"]["text_spans"][0]["text"] in body["input"]["fields"]["text"]


RULES = RuleSet(
    [Rule("mules", "account_id", ["a1"], "flag", "case"), Rule("known", "account_id", ["a2"], "pass", "ok")]
)


@pytest.mark.parametrize("which", ["all", "flagged"])
def test_a_log_has_the_decisions_of_the_model_and_of_rules(which: Which, tmp_path: Path) -> None:
    scorer = account_scorer()
    points = operating_points(np.linspace(0, 1, 300), np.arange(300) > 150)
    model = replace(scorer.model, points=points)
    arriving = events(40)
    subjects = [{"account_id": f"a{n}", "as_of": arriving[-1]["occurred_at"]} for n in range(5)]
    with (
        EvidenceLog(tmp_path / "log", which=which) as log,
        LiveState(Scorer(model, rules=RULES), tmp_path / "live.db") as live,
    ):
        live.update(arriving)
        answers = [*live.score_at(subjects, evidence=log).scores, live.score_at(subjects[1], evidence=log).scores]
        given = live.scorer.score(subjects, history=arriving, evidence=log)
    bodies = [read_line(line, "log").body for line in lines_of(tmp_path / "log")[1:]]
    recorded = [answer for answer in [*answers, *given] if "evidence" in answer]
    flagged = [one for one in [*answers, *given] if "flag" in (one["decision"], one["model_decision"])]
    assert len(recorded) == (11 if which == "all" else len(flagged))
    for answer in recorded:
        body = bodies[answer["evidence"]["record"] - 1]
        assert body["score"]["decision"] == answer["model_decision"]
        rule = answer["rule"] and {"id": answer["rule"]["id"], "action": answer["rule"]["action"]}
        assert body["rules"] == {"decision": answer["decision"], "rule": rule}
    assert any(answer["decision"] != answer["model_decision"] for answer in recorded)
    report = replay_log(tmp_path / "log", Scorer(model))
    assert (report.replayed, report.different) == (len(recorded), 0)


def test_flagged_scores_alone_are_recorded_and_nothing_of_the_text(binary: Fitted, tmp_path: Path) -> None:
    scores = score_messages(binary, tmp_path / "log", 200, content="omitted", which="flagged", reasons=True)
    flagged = [score for score in scores if score["decision"] == "flag"]
    assert 0 < len(flagged) < 200
    assert [score["evidence"]["record"] for score in flagged] == [*range(1, len(flagged) + 1)]
    assert not any("evidence" in score for score in scores if score["decision"] != "flag")
    content = (tmp_path / "log").read_text("ascii")
    assert not any(json.dumps(text)[1:-1] in content for text in binary.texts if len(text) > 8)
    assert all(name not in content for name in ('"text"', '"message_id"'))
    report = replay_log(tmp_path / "log", Scorer.load(binary.folder))
    assert (report.replayed, report.rebuilt, report.different) == (len(flagged), 0, 0)
    assert report.skipped == {"the input was not kept, so the vector is taken as it was recorded": len(flagged)}


@pytest.mark.parametrize("unlike", ["score", "flag", "unscorable"])
def test_policies_and_unscorable_records(binary: Fitted, tmp_path: Path, unlike: Any) -> None:
    policy = Policy(missing="missing", unlike_training=unlike, unlike_training_limit=0.5)
    scorer = Scorer.load(binary.folder, policy=policy)
    with EvidenceLog(tmp_path / "log", which="all", content=Content("kept")) as log:
        scorer.score([{"text": text} for text in [*binary.texts[:40], "", 7, None]], reasons=True, evidence=log)
    report = replay_log(tmp_path / "log", Scorer.load(binary.folder))
    assert (report.replayed, report.rebuilt, report.different) == (43, 43, 0)


def test_scores_with_a_history_replay_from_the_events_known_then(tmp_path: Path) -> None:
    path = score_accounts(tmp_path, 30)
    report = replay_log(path, account_scorer(), state=tmp_path / "live.db")
    assert (report.replayed, report.rebuilt, report.different, report.skipped) == (60, 60, 0, {})
    body = read_line(lines_of(path)[7], "log").body
    assert body["history"]["offset"] == 4
    without = replay_log(path, account_scorer())
    assert (without.replayed, without.rebuilt) == (60, 0)
    assert without.skipped == {"no store was given, so the vector is taken as it was recorded": 60}


def test_a_history_that_was_changed_since_is_not_taken_for_that_of_then(tmp_path: Path) -> None:
    path = score_accounts(tmp_path, 10)
    with LiveState(account_scorer(), tmp_path / "other.db") as other:
        other.update([event | {"amount": 1} for event in events(9)])
    report = replay_log(path, account_scorer(), state=tmp_path / "other.db")
    assert report.rebuilt == 0
    assert {*report.skipped} == {
        "the rows of the store differ from those recorded: it is another store",
        "the store does not have the recorded offset: it is another store",
    }
    with open_store(tmp_path / "live.db") as store:
        rewind(store, "2026-05-01T10:05:00Z")
    report = replay_log(path, account_scorer(), state=tmp_path / "live.db")
    assert report.skipped == {"rows of the store were erased or rewound since": 20}


def test_offsets_out_of_order_and_a_history_in_memory(tmp_path: Path) -> None:
    path = score_accounts(tmp_path, 6)
    lines = lines_of(path)
    path.write_bytes(b"".join([lines[0], *reversed(lines[1:])]))
    assert replay_log(path, account_scorer(), state=tmp_path / "live.db").rebuilt == 12
    scorer = message_scorer()
    state = scorer.new_state()
    with EvidenceLog(tmp_path / "memory", which="all", content=Content("kept")) as log:
        record = {"text": "pay 3 now", "account_id": "a1", "sent_at": START}
        scorer.score(record, history=state, evidence=log)
        scorer.score(record, history={"events": events(3)}, evidence=log)
    described = [read_line(line, "log").body["history"] for line in lines_of(tmp_path / "memory")[1:]]
    assert [one["source"] for one in described] == ["memory", "given"]
    assert described[1]["records"] == 3
    report = replay_log(tmp_path / "memory", scorer)
    assert (report.replayed, report.rebuilt, report.different) == (2, 0, 0)


def test_a_log_that_would_stay_empty_is_an_error(types: Fitted, tmp_path: Path) -> None:
    with EvidenceLog(tmp_path / "log") as log, pytest.raises(EvidenceError, match="no score is flagged"):
        Scorer.load(types.folder).score({"text": "a"}, evidence=log)


def test_a_number_that_differs_is_named(binary: Fitted, tmp_path: Path) -> None:
    score_messages(binary, tmp_path / "log", 12)

    def one_bit(body: dict[str, Any]) -> None:
        probability = float.fromhex(body["score"]["probability"])
        body["score"]["probability"] = (probability * (1 + 2**-52)).hex()

    change(tmp_path / "log", 5, one_bit)
    report = replay_log(tmp_path / "log", Scorer.load(binary.folder))
    (difference,) = report.differences
    assert (report.different, difference.record, difference.number) == (1, 5, "score.probability")
    assert difference.difference is not None
    assert 0 < abs(difference.difference) < 1e-15

    def a_feature(body: dict[str, Any]) -> None:
        body["features"]["cues__links"] = "0x1.8p+3"

    change(tmp_path / "log", 7, a_feature)
    names = {one.number for one in replay_log(tmp_path / "log", Scorer.load(binary.folder)).differences}
    assert "features.cues__links" in names


def test_a_score_that_differs_in_several_ways_counts_once(binary: Fitted, tmp_path: Path) -> None:
    score_messages(binary, tmp_path / "log", 12)

    bodies = [read_line(line, "log").body for line in lines_of(tmp_path / "log")]
    other = next(body for body in bodies[6:] if body["log_odds"] != bodies[5]["log_odds"])
    change(tmp_path / "log", 5, lambda body: body.update(features=other["features"]))
    report = replay_log(tmp_path / "log", Scorer.load(binary.folder))
    names = {one.number.partition(".")[0] for one in report.differences}
    assert {"features", "log_odds"} <= names  # of the vector, and of the score computed from it
    assert (report.scores, report.rebuilt, report.different) == (12, 12, 1)


def test_other_models_versions_and_formats(binary: Fitted, several: Fitted, tmp_path: Path) -> None:
    score_messages(binary, tmp_path / "log", 12)
    report = replay_log(tmp_path / "log", Scorer.load(several.folder))
    assert (report.scores, report.replayed, report.skipped) == (12, 0, {"is of another model": 12})
    change(tmp_path / "log", 3, lambda body: body["configuration"].update(features_version=1))
    scorer = Scorer.load(binary.folder)
    assert replay_log(tmp_path / "log", scorer).skipped == {"is of another version of the features": 1}
    change(tmp_path / "log", 4, lambda body: body.update(format=2))
    report = replay_log(tmp_path / "log", scorer)
    assert (report.replayed, report.malformed) == (10, 1)
    assert {*report.skipped} == {
        "is of another version of the features",
        "is of another format: replay it with the version of fraudsieve that it names",
    }
    assert replace(scorer.model).digest == binary.model.digest


def changed_at(place: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return an edit of the value at a place, such as ``score.why``; ... deletes it."""

    def edit(body: dict[str, Any]) -> None:
        *parents, name = place.split(".")
        for parent in parents:
            body = body[parent]
        if value is ...:
            del body[name]
        else:
            body[name] = value

    return edit


DEEP: Any = {}
for _ in range(150):
    DEEP = {"deep": DEEP}
PARTS = ("format", "model", "configuration", "features", "input", "history", "reasons", "score")
FORGED: dict[str, list[Any]] = {
    **{part: [..., 5] for part in PARTS},
    "log_odds": [..., "x", [1], [DEEP]],
    "has_history": [..., "x", []],
    "features.cues__links": [..., 1, "x", "0x1p99999", DEEP],
    "configuration.policy": [{"unlike_training_limit": "0x1p-1", "missing": ["error"]}],
    "configuration.policy.unlike_training_limit": ["nan"],
    "score.why": [["no_text"]],
    "score.probabilities": [DEEP],
    "input.content": [["kept"]],
    "input.fields": [..., []],
    "input.fields.text": [{"number": "x"}, {"other": "x"}, {}, {"integer": "9" * 5000}],
    "history": [
        ...,
        5,
        {"source": "store"},
        {"source": "store", "offset": "1", "generation": 0, "digest": "", "lateness": "1d"},
        {"source": "store", "offset": 1, "generation": 0, "digest": "", "lateness": "forever"},
        {"source": "none", "deep": DEEP},
    ],
    "history.source": [5],
    "reasons.request": [..., {"n": "5", "of": None}, {"n": 5, "of": "nobody"}, {"n": 5}],
    "reasons.explained": [{"class": DEEP}],
    "reasons.text_spans": [5],
}


@pytest.mark.parametrize(("place", "value"), [(place, value) for place, values in FORGED.items() for value in values])
def test_a_forged_record_is_skipped_and_the_others_are_replayed(
    binary: Fitted, tmp_path: Path, place: str, value: Any
) -> None:
    score_messages(binary, tmp_path / "log", 8, reasons=True)
    change(tmp_path / "log", 5, changed_at(place, value))
    report = replay_log(tmp_path / "log", Scorer.load(binary.folder))
    assert (report.scores, report.replayed, report.rebuilt, report.different) == (8, 7, 7, 0)
    assert report.malformed == sum(report.skipped.values()) == 1


@pytest.mark.parametrize("number", ["0x1p+1000", "-0x1p+1000", "inf", "nan", "-0x1.8p+0"])
def test_numbers_that_no_message_has_are_differences_or_malformed(binary: Fitted, tmp_path: Path, number: str) -> None:
    score_messages(binary, tmp_path / "log", 8, reasons=True)
    change(tmp_path / "log", 5, lambda body: body.update(features=dict.fromkeys(body["features"], number)))
    report = replay_log(tmp_path / "log", Scorer.load(binary.folder))
    assert report.replayed >= 7
    assert (report.different, report.malformed) in ((1, 0), (0, 1), (1, 1))
    assert {one.record for one in report.differences} <= {5}
    assert all(one.difference is None or math.isfinite(one.difference) for one in report.differences)
    json.dumps(asdict(report), allow_nan=False)


THOUSANDS = size(10_000, usual=2_000)
PROGRAM = """
from fraudsieve.models import Scorer
from fraudsieve.evidence import replay_log
scorer = Scorer.load({folder!r}, n_threads=2)
report = replay_log({log!r}, scorer, state={state!r})
print(report.replayed, report.rebuilt, report.different, report.skipped)
"""


def test_thousands_of_scores_of_messages_replay_in_another_process_with_other_threads(
    binary: Fitted, tmp_path: Path, run_alone: Callable[[str], str]
) -> None:
    score_messages(binary, tmp_path / "log", THOUSANDS, reasons=3)
    assert verify_log(tmp_path / "log").size == THOUSANDS + 1
    program = PROGRAM.format(folder=str(binary.folder), log=str(tmp_path / "log"), state=None)
    assert run_alone(program).strip() == f"{THOUSANDS} {THOUSANDS} 0 {{}}"


def test_thousands_of_scores_with_a_history_replay_in_another_process_with_other_threads(
    tmp_path: Path, run_alone: Callable[[str], str]
) -> None:
    path = score_accounts(tmp_path, THOUSANDS // 2, step=50)
    assert verify_log(path).problems == ()
    program = PROGRAM.format(folder=str(account_model()), log=str(path), state=str(tmp_path / "live.db"))
    assert run_alone(program).strip() == f"{THOUSANDS} {THOUSANDS} 0 {{}}"
