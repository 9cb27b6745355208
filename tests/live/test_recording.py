"""Calls that add the records of a request, on both kinds of stores: all or none, and each score logged once."""

import threading
from typing import Any

import pytest

from fraudsieve.live.recording import LoggedScore, RecordingCall, recording_calls
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.score_rows import Recorded, ScoreRow, StoredScore, drop_old_scores
from fraudsieve.models import Scorer
from tests.live.samples import event, logged_score
from tests.live.small_models import event_scorer

OF_EVENT: dict[str, Any] = {"counterparty_id": "bob"}


def record(live: LiveState, *requests: Any) -> list[RecordingCall]:
    model, state = live.scorer.model, live.state
    return list(live.submit(lambda fields: recording_calls(model, state, fields, requests)))


def row(recorded: Recorded, time: int = 7) -> ScoreRow:
    ids, place = {f"{recorded.kind}_id": recorded.identifier}, {"offset": 3, "body": recorded.digest}
    return ScoreRow(time, logged_score(recorded.kind, ids, place).encode(), None, recorded)


def decoded(rows: dict[int, StoredScore]) -> dict[int, tuple[str, int]]:
    return {place: (str(LoggedScore.decode(one, "").body), one.time) for place, one in rows.items()}


@pytest.mark.slow
def test_records_are_added_and_their_scores_logged_once(address: str) -> None:
    with LiveState(event_scorer(), address, follow=False) as live:
        a, b, bad = (event(event_id=name, **OF_EVENT) for name in "abc")
        first, second = record(live, [a, b], [event(event_id="d", **OF_EVENT), bad | {"amount": "x"}])
        assert (live.offset, first.offset, first.rejected, second.rejected[0][0]) == (2, 2, [], (0, 1))
        rows = [row(recorded) for recorded in first.recorded.values()]
        assert live.log_scores([*rows, row(first.recorded[0], 9), row(Recorded("event", "x", "0"))]).keys() == {2}
        other = Recorded("event", "b", "0")
        assert decoded(live.log_scores([row(other, 9)])) == {0: (first.recorded[1].digest, 7)}

        again, changed, added = record(live, [a, b], [b | {"note": 1}], [event(event_id="e", **OF_EVENT), a])
        assert (again.differing, list(again.answers), again.offset) == ([], [0, 1], 3)
        assert changed.differing == [(0, 0)]
        assert (list(added.answers), live.offset) == ([1], 3)
        with open_store(address) as store:
            assert drop_old_scores(store, 8, 0) == 3
        (forgotten,) = record(live, [a, b])
        assert (forgotten.answers, forgotten.differing, forgotten.n_repeats) == ({}, [], 2)


@pytest.mark.slow
def test_of_two_processes_one_logs_the_score_of_a_record(address: str) -> None:
    scorer: Scorer = event_scorer()
    with LiveState(scorer, address) as one, LiveState(scorer, address) as two:
        recorded = [record(live, [event(**OF_EVENT)])[0].recorded[0] for live in (one, two)]
        assert recorded[0] == recorded[1]
        answers: list[Any] = []
        both = [
            threading.Thread(
                target=lambda live=live, time=time: answers.append(live.log_scores([row(recorded[0], time)]))
            )
            for time, live in enumerate((one, two))
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        (winner,) = [earlier[0].time for earlier in answers if earlier]
        assert sorted(map(len, answers)) == [0, 1]
        with open_store(address) as store, store.reading() as transaction:
            assert transaction.sql.execute("SELECT time FROM scores") == [(winner,)]
        assert one.catch_up() == two.catch_up() == 1


@pytest.mark.slow
def test_a_rejected_call_leaves_nothing_for_the_next_one(address: str) -> None:
    with LiveState(event_scorer(), address, follow=False) as live:
        same, bad = event(event_id="a", **OF_EVENT), event(event_id=None)
        label = {"subject_id": "a", "label": "fraud", "labelled_at": "2024-05-02T10:00:00Z"}
        live.update(labels=label)
        refused, accepted = record(live, [same, bad], [same])
        assert (refused.offset, accepted.offset) == (3, 3)  # the label, the event, and what counts of the label
        assert (accepted.n_repeats, live.update(same).offset) == (0, 3)
