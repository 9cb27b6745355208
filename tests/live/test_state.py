"""The live state in memory and on disk: restarts, and repeated, late, future and invalid records."""

import json
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features import history_features
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.message_matrix import message_history
from fraudsieve.live.records import seconds_since_boot
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from fraudsieve.training.simulation.world import World
from tests.live.samples import NIGHTS, RECEIVED, count_events, event, records, with_views

SECRET = "private"
FUTURE = "occurred_at: expected a time that is not in the future, got a later one"
LATE = "occurred_at: expected a time within the declared lateness, got an older one"
NO_TIME = "expected a time such as 2026-05-01T10:00:00Z, got other text"


@pytest.mark.slow
@pytest.mark.parametrize("by", ["nothing", "checkpoint", "two"])
def test_reopening_restores_the_history(by: str, world: World, account_scorer: Scorer, address: str) -> None:
    account_scorer = with_views(account_scorer, subject=Subject.EVENT)
    events = world.events.sort_values("occurred_at")
    sent = records(events[events["counterparty_id"].notna()])[::9]
    labels = [one | {"labelled_at": one["occurred_at"], "is_fraud": index % 2 == 0} for index, one in enumerate(sent)]
    delivered = [
        {"subject_id": one["event_id"], "label": one["is_fraud"], "labelled_at": one["labelled_at"]} for one in labels
    ]
    last = events["occurred_at"].max()
    queries = [{"account_id": account, "as_of": last - timedelta(hours=3)} for account in events["account_id"].unique()]
    in_memory = account_scorer.new_state(lateness="30d")
    with LiveState(account_scorer, address, lateness="30d") as live:
        parts = np.array_split(np.arange(len(events)), 6)
        for index, rows in enumerate(parts):
            chunk = records(events.iloc[rows])
            assert live.update(chunk, delivered[index::6]).rejected == ()
            assert in_memory.update(chunk, labels[index::6]) == ()
            if (by == "two" and index in (1, 3)) or (by == "checkpoint" and index == 5):
                live.checkpoint()
        before, size = live.state.features(queries), live.size
    with LiveState(account_scorer, address, lateness="30d") as live:
        after = live.state.features(queries)
        np.testing.assert_array_equal(after, before)
        np.testing.assert_array_equal(after, in_memory.features(queries))
        assert live.size[:3] == size[:3]
        assert live.size.rows_since_snapshot == 0  # a clean stop leaves a snapshot
    frame = pd.DataFrame(labels).astype({"is_fraud": bool})
    batch = history_features(world.events, pd.DataFrame(queries), [NIGHTS, RECEIVED], labels=frame)
    np.testing.assert_allclose(after[:, : batch.shape[1]], batch, rtol=1e-9, atol=1e-9)
    assert np.nansum(batch) > 0


def campaigns(state: HistoryState, scorer: Scorer, messages: list[dict[str, Any]]) -> npt.NDArray[np.float64]:
    matrix = scorer.model.matrix
    return message_history(messages, state, matrix.event_views, matrix.campaigns)[1]


@pytest.mark.slow
def test_reopening_restores_campaigns_and_the_log_holds_no_text(
    world: World, message_scorer: Scorer, tmp_path: Path
) -> None:
    sent = records(world.messages.sort_values("sent_at"))
    labelled = [{**message, "label": "fraud", "labelled_at": message["sent_at"]} for message in sent[-60:]]
    queries = [{**message, "sent_at": sent[-1]["sent_at"]} for message in sent[-20:]]
    in_memory = message_scorer.new_state(lateness="30d")
    message_scorer.observe(in_memory, sent + labelled)
    with LiveState(message_scorer, tmp_path / "live.db", lateness="30d") as live:
        assert live.observe(sent).rejected == live.observe(labelled).rejected == ()
        before, scores = campaigns(live.state, message_scorer, queries), live.score(queries)
    np.testing.assert_array_equal(before, campaigns(in_memory, message_scorer, queries))
    assert (np.nansum(before, axis=0) > 0).sum() > 10  # senders, ages and labels among them
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not [one for one in sent if one["text"].encode() in on_disk or json.dumps(one["text"]).encode() in on_disk]
    assert sent[0]["message_id"].encode() in on_disk
    with LiveState(message_scorer, tmp_path / "live.db", lateness="30d") as live:
        np.testing.assert_array_equal(campaigns(live.state, message_scorer, queries), before)
        assert live.score(queries) == scores
        n_events = live.size.events
        assert live.observe(sent + labelled).rejected == ()
        assert (live.size.events, live.size.repeats) == (n_events, len(sent) + 2 * len(labelled))
        live.checkpoint()
    with LiveState(message_scorer, tmp_path / "live.db", lateness="30d") as live:
        assert live.observe(sent).rejected == ()
        assert (live.size.events, live.score(queries)) == (n_events, scores)
        np.testing.assert_array_equal(campaigns(live.state, message_scorer, queries), before)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"account_id": None}, "account_id: expected a string or a whole number, the field is missing"),
        ({"event_id": [SECRET]}, "event_id: expected a string or a whole number, got list"),
        ({"device_id": {SECRET: 1}}, "device_id: expected a string or a whole number, got object"),
        ({"amount": SECRET}, "amount: expected a number, got other text"),
        ({"occurred_at": SECRET}, f"occurred_at: {NO_TIME}"),
        (
            {"occurred_at": datetime(2099, 1, 1)},
            "occurred_at: expected a time that is not in the future, got a later one",
        ),
        ({"occurred_at": "2024-04-01"}, LATE),
    ],
)
def test_unusable_events_are_rejected_and_not_logged(
    change: dict[str, Any], reason: str, message_scorer: Scorer, tmp_path: Path
) -> None:
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        live.update(event())
        before = live.size
        assert live.update([event(**{"event_id": "e2"} | change)]).rejected == ((0, reason),)
        assert live.size == before
        # The state continues.
        assert live.update(
            [event(event_id="e3", occurred_at="2024-05-01T09:00:00Z"), event(event_id="e4", kind=math.inf)]
        ).rejected == ((1, "kind: expected a string, a number or a boolean, got float"),)
        assert count_events(live) == 2
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        assert count_events(live) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": None}, "text: expected a string, the field is missing"),
        ({"sent_at": None}, "sent_at: expected a time, the field is missing"),
        (
            {"label": "spam", "labelled_at": SECRET},
            "labelled_at: expected a time such as 2026-05-01T10:00:00Z, got other text",
        ),
        ({"label": "spam"}, "labelled_at: expected a time, the field is missing"),
        ({"account_id": 1.5}, "account_id: expected a string or a whole number, got float"),
        ({"message_id": 1.5}, "message_id: expected a string or a whole number, got float"),
        ({"label": [1], "labelled_at": "2024-05-01"}, "label: expected a string, a number or a boolean, got list"),
    ],
)
def test_unusable_messages_are_rejected(
    change: dict[str, Any], reason: str, message_scorer: Scorer, tmp_path: Path
) -> None:
    sent = {"message_id": "m1", "text": "Your parcel is held", "sent_at": "2024-05-01T10:00:00Z"}
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        assert live.observe([sent, {**sent, "message_id": "m2"} | change]).rejected == ((1, reason),)
        assert live.size.ids == 1 + ("label" in change)  # a message whose label is wrong counts
        assert Scorer.observe(message_scorer, live.state, [{**sent, "message_id": "m2"} | change]) == ((0, reason),)


def test_repeated_deliveries_count_once(message_scorer: Scorer, tmp_path: Path) -> None:
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        assert live.update([event(), event(), event(event_id=None), event(event_id=None)]).rejected == ()
        assert count_events(live) == 3
        assert live.update([event(occurred_at="2024-05-01T10:00:01Z"), event(account_id="bob")]).rejected == ()
        assert (count_events(live), count_events(live, "bob"), live.size.repeats) == (3, 0, 3)
        size = live.size
        live.update(event())
        assert live.size == size._replace(repeats=4)  # it is not logged again
    for later in ("2024-05-01T10:30:00Z", "2024-05-12T10:00:00Z"):
        with LiveState(message_scorer, tmp_path / "live.db") as live:
            live.update(event())
            assert live.size.repeats == 1
            live.update(event(event_id=later, occurred_at=later))
            live.checkpoint()
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        # The first is too late, but its repeated delivery is recognised.
        assert live.update([event(), event(event_id="new")]).rejected == ((1, LATE),)


def test_events_accepted_in_any_order_are_replayed(message_scorer: Scorer, tmp_path: Path) -> None:
    later = event(event_id="e2", occurred_at="2024-05-12T10:00:00Z")
    query = {"account_id": "ann", "as_of": "2024-05-12T11:00:00Z"}
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        assert live.update([later, event()]).rejected == ()  # not late, given the events before the call
        before = live.state.features(query)
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        np.testing.assert_array_equal(
            live.state.features({"account_id": "ann", "as_of": "2024-05-12T11:00:00Z"}), before
        )
        assert live.size.ids == 2


@pytest.mark.slow
def test_the_live_state_needs_only_the_base_dependencies(run_alone: Callable[[str], str]) -> None:
    program = """
import sys, lightgbm, numba, numpy
before = set(sys.modules)
import fraudsieve.live.state
ours = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(ours - set(sys.stdlib_module_names) - {"numpy", "numba", "llvmlite", "lightgbm", "fraudsieve"}))
"""
    assert run_alone(program).split() == []


def test_old_ids_are_forgotten(account_scorer: Scorer) -> None:
    live = LiveState(account_scorer)
    first = datetime(2024, 5, 1, tzinfo=UTC)
    sizes = []
    for number in range(2000):
        live.update(event(event_id=number, occurred_at=first + timedelta(minutes=30 * number)))
        sizes.append(live.size.ids)
    # The longest window is 7 days, the lateness one: 8 days are 384 events.
    assert max(sizes) <= 384 * 10 / 8 + 2
    assert min(sizes[600:]) >= 384


def test_jumps_of_the_clock_are_limited(
    message_scorer: Scorer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real, later = time.time, 10 * 365 * 86400
    today = datetime.now(UTC)
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        assert live.update(event(occurred_at=today)).rejected == ()
        monkeypatch.setattr(time, "time", lambda: real() + later)
        far_event = event(event_id="e2", occurred_at=today + timedelta(seconds=later))
        assert live.update(far_event).rejected == ((0, FUTURE),)
        assert live.update(event(event_id="e3", occurred_at=today + timedelta(minutes=5))).rejected == ()
        # Jumps below the lateness are accepted, as corrections of the clock.
        assert live.update(event(event_id="e4", occurred_at=today + timedelta(hours=20))).rejected == ()
        # Elapsed time is accepted.
        monkeypatch.setattr("fraudsieve.live.records.seconds_since_boot", lambda: seconds_since_boot() + later)
        assert live.update(far_event).rejected == ()
        monkeypatch.setattr(time, "time", lambda: real() - later)
        assert live.update(event(event_id="e5", occurred_at=today)).rejected == ((0, FUTURE),)
    monkeypatch.undo()


@pytest.mark.slow
def test_threads_update_score_and_checkpoint_together(message_scorer: Scorer, tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def work(live: LiveState, index: int) -> None:
        try:
            for number in range(30):
                live.update(event(event_id=number, amount=number))
                assert count_events_locked(live) > number
                live.score({"text": "hello there", "account_id": "ann", "sent_at": "2024-05-01T11:00:00Z"})
                if number % 10 == index:
                    live.checkpoint()
        except BaseException as error:
            failed.append(error)

    with LiveState(message_scorer, tmp_path / "live.db") as live:
        threads = [threading.Thread(target=work, args=(live, index)) for index in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert (count_events(live), live.size.ids, live.size.repeats) == (30, 30, 150)
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        assert (count_events(live), live.size.ids) == (30, 30)


def count_events_locked(live: LiveState) -> float:
    with live._replica.lock:
        return count_events(live)


def test_the_size_does_not_wait_for_updates_or_scores(message_scorer: Scorer, tmp_path: Path) -> None:
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        live.update(event())
        expected, sizes = live.size, []
        reader = threading.Thread(target=lambda: sizes.append(live.size), daemon=True)
        with live._replica.lock:
            reader.start()
            reader.join(20)
            assert sizes == [expected]


def test_a_state_in_memory_only(message_scorer: Scorer) -> None:
    with LiveState(message_scorer) as live:
        assert live.update([event(), event()]).rejected == ()
        live.checkpoint()
        assert count_events(live) == 1
        assert (live.size.events, live.size.ids, live.size.repeats, live.size.store_bytes) == (1, 1, 1, 0)


def test_a_second_close_does_nothing(
    message_scorer: Scorer, address: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    live = LiveState(message_scorer, address)
    live.update(event())
    live.close()
    with (tmp_path / "one").open("wb", buffering=0) as one, (tmp_path / "two").open("wb", buffering=0) as two:
        live.close()
        assert one.write(b"x") == two.write(b"x") == 1
    assert caplog.text == ""


def test_wrong_calls(message_scorer: Scorer, tmp_path: Path) -> None:
    with LiveState(message_scorer, tmp_path / "live.db") as live:
        with pytest.raises(TypeError, match="Expected a dict or a list of dicts"):
            live.update([event()], "labels")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="Expected a dict or a list of dicts"):
            live.observe("messages")  # type: ignore[arg-type]
        assert (live.size.events, live.size.ids) == (0, 0)
        assert live.update() == ((), 0, ())
