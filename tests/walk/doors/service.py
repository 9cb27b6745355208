"""Scores over HTTP from a service: with posted events, in order of time, and with a state that was loaded."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import httpx

from fraudsieve._typing import Record
from fraudsieve.features.history.records import required_time
from tests.walk.scores import Scores, scores_of
from tests.walk.walk import CUTOFFS, Refused, Walk

__all__ = ["rehearse", "score", "score_in_order_of_time", "score_with_loaded_state"]

BATCH = 500


def score(walk: Walk) -> Scores:
    """Post the history in order of time; score a record when its time has come.

    Records that are events are in the history of the service by then: all are scored in one request.
    """
    client = walk.serve("serve", "--lateness", "365d")
    if walk.table.subject == "event" and "events" not in walk.table.refused:
        score_in_order_of_time(walk)
    if walk.table.subject == "event" or not walk.files.events:
        return scores_of(_post(client, "/v1/score", list(walk.files.records)))
    field = CUTOFFS[walk.table.subject]
    steps = [(_time(event["occurred_at"]), 0, event) for event in walk.files.events]
    steps += [(_time(record[field]), 1, record) for record in walk.files.records]
    scores: dict[int, Record] = {}
    for _, is_record, step in sorted(steps, key=lambda step: step[:2]):
        if is_record:
            scores[id(step)] = _post(client, "/v1/score", step)
        else:
            _add(walk, client, [step])
    return scores_of([scores[id(record)] for record in walk.files.records])


def score_in_order_of_time(walk: Walk) -> Scores:
    """Score each event when it happens, and then add it to the history; it does not count in a score of itself.

    The history is posted before. A later door finds all events in the service, and the scores that they had.
    """
    client = walk.serve("serve", "--lateness", "365d")
    if walk.scored_live is None:
        for start in range(0, len(walk.files.events), BATCH):
            _add(walk, client, walk.files.events[start : start + BATCH])
        scores: dict[int, Record] = {}
        for record in sorted(walk.files.records, key=partial(_when, walk)):
            scores[id(record)] = _post(client, "/v1/score", record)
            _add(walk, client, [record])
            assert _post(client, "/v1/score", record) == scores[id(record)]
        walk.scored_live = scores_of([scores[id(record)] for record in walk.files.records])
    return walk.scored_live


def score_with_loaded_state(walk: Walk) -> Scores:
    """Load the file of the history into a store, and records that are events too; serve with it, and score all records.

    The whole history is loaded before the first score. A live state answers for cutoff times as old as its lateness.
    """
    store = walk.outputs / "live.db"
    loaded = [*[*walk.files.history.values()][:1], *([walk.files.new] if walk.table.subject == "event" else [])]
    events = [word for path in loaded for word in ("--events", path)]
    walk.run("state", "load", store, *events, "--model", walk.model).succeeded()
    return scores_of(
        _post(walk.serve("loaded", "--state", str(store), "--lateness", "365d"), "/v1/score", list(walk.files.records))
    )


def rehearse(walk: Walk) -> None:
    """Log the scores of the new records, and rehearse the model itself on them: no decision differs."""
    store = walk.outputs / "logged.db"
    options = ("--state", str(store), "--score-log", "records", "--lateness", "365d")
    scores = _post(walk.serve("logging", *options), "/v1/score", list(walk.files.records))
    found = walk.run("rehearse", "--state", store, "--model", walk.model).succeeded()
    assert (found["newly_flagged"], found["newly_passed"], found["refusal"]) == (0, 0, None)
    assert found["logged"] == sum(score["status"] != "unscorable" for score in scores)
    assert {*found["left_out"]} <= {"scored again later", "not later than training"}


def _add(walk: Walk, client: httpx.Client, events: Sequence[Record]) -> None:
    """Post events, of which the service rejects as many as ``predict`` does."""
    rejected = _post(client, "/v1/events", {"events": list(events)})["rejected"]
    if rejected:
        notes = re.findall(r"(\d+) events were rejected", walk.predicted.error)
        assert sum(map(int, notes)) >= len(rejected), rejected


def _post(client: httpx.Client, path: str, content: Any) -> Any:
    answer = client.post(path, json=content)
    if 400 <= answer.status_code < 500:
        raise Refused(answer.json()["error"], answer.elapsed.total_seconds())
    return answer.raise_for_status().json()


def _when(walk: Walk, record: Record) -> float:
    """Return a number that orders events in time; a service may send the names and the times of its owner."""
    value = record.get("occurred_at", record.get(walk.files.names.get("occurred_at", "")))
    return value if isinstance(value, int | float) else _time(value)


def _time(value: Any) -> int:
    return required_time(value, "time")
