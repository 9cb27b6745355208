"""Live states of several processes on one store: one order, equal states, offsets, and failures on the way."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import StateBehindError, StateError
from fraudsieve.features.live_state import HistoryState
from fraudsieve.live import session
from fraudsieve.live.records import fold_rows, read_entry
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.snapshots import list_snapshots
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.postgres import PostgresServer
from tests.live.samples import count_events, event, wait_until
from tests.messages import refused
from tests.profiles import examples

pytestmark = pytest.mark.slow

QUERY = {"account_id": "ann", "as_of": "2024-05-01T11:00:00Z", "amount": 3}
LATE = "occurred_at: expected a time within the declared lateness, got an older one"


@examples(25)
@given(
    st.lists(
        st.tuples(
            st.booleans(), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 90)), max_size=4)
        ),
        max_size=8,
    )
)
def test_whichever_process_answers_at_an_offset_the_scores_are_equal(
    account_scorer: Scorer,
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[bool, list[tuple[int, int, int]]]],
) -> None:
    path = tmp_path_factory.mktemp("shared") / "live.db"
    with LiveState(account_scorer, path, follow=False) as one, LiveState(account_scorer, path, follow=False) as two:
        for is_first, sent in parts:
            events = [
                event(account_id="ann", counterparty_id=f"c{who}", event_id=what, amount=what,
                      occurred_at=f"2024-05-01T10:{minute % 60:02}:00Z")
                for who, what, minute in sent
            ]  # fmt: skip
            outcome = (one if is_first else two).update(events)
            scores = [live.score_at(QUERY, after=outcome.offset) for live in (one, two)]
            assert scores[0] == scores[1]
            assert scores[0].offset == outcome.offset
        assert content(one.state) == content(two.state)


def test_processes_that_append_at_once_have_one_order(account_scorer: Scorer, address: str) -> None:
    failed: list[BaseException] = []

    def append(live: LiveState, name: int) -> None:
        try:
            for number in range(20):
                assert live.update([event(event_id=f"{name} {number}"), event(event_id=number)]).rejected == ()
        except BaseException as error:
            failed.append(error)

    with LiveState(account_scorer, address) as one, LiveState(account_scorer, address) as two:
        threads = [
            threading.Thread(target=append, args=(live, 2 * number + place))
            for number, live in enumerate((one, two))
            for place in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert one.catch_up() == two.catch_up() == 100  # those that all four sent count once
        assert content(one.state) == content(two.state)
        assert one.size.repeats + two.size.repeats == 60
        assert count_events(one) == 100
    with LiveState(account_scorer, address) as live:
        assert content(live.state) == content(one.state)


def test_what_one_process_accepts_makes_it_late_for_the_other(account_scorer: Scorer, address: str) -> None:
    with (
        LiveState(account_scorer, address, follow=False) as one,
        LiveState(account_scorer, address, follow=False) as two,
    ):
        assert one.update(event(event_id="new", occurred_at="2024-05-12T10:00:00Z")).rejected == ()
        assert two.update([event(), event(event_id="new")]).rejected == ((0, LATE),)


def test_a_process_follows_and_can_be_asked_for_an_offset(account_scorer: Scorer, address: str) -> None:
    with LiveState(account_scorer, address) as one, LiveState(account_scorer, address) as two:
        offset = one.update([event(event_id=number) for number in range(3)]).offset
        assert offset == one.offset == 3
        assert two.score_at(QUERY, after=offset).offset == offset
        one.update(event(event_id="e9"))
        wait_until(lambda: two.offset == 4)  # without being asked
        with refused(StateBehindError):
            two.score(QUERY, after=5, wait_seconds=0.1)
        threading.Timer(0.2, lambda: one.update(event(event_id="e10"))).start()
        assert two.score_at(QUERY, after=5, wait_seconds=30).offset == 5


def test_offsets_in_memory(account_scorer: Scorer) -> None:
    live = LiveState(account_scorer)
    assert [live.update(event(event_id=name)).offset for name in "aab"] == [1, 1, 2]
    assert live.score_at(QUERY, after=2).offset == 2
    with pytest.raises(StateBehindError, match="memory: expected offset 3"):
        live.score(QUERY, after=3, wait_seconds=0)


def test_a_durable_event_whose_adding_fails_is_acknowledged(
    account_scorer: Scorer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, applied = HistoryState.apply, []

    def fails_once(state: HistoryState, prepared: Any) -> int:
        applied.append(prepared)
        if len(applied) == 1:
            state.update(event(event_id="half"))
            raise MemoryError
        return real(state, prepared)

    with LiveState(account_scorer, address) as live:
        live.update(event())
        with monkeypatch.context() as patch:
            patch.setattr(HistoryState, "apply", fails_once)
            assert live.update(event(event_id="e2")) == ((), 2, ())
        assert (count_events(live), live.offset) == (2, 2)
        live.update(event(event_id="e2"))
        assert count_events(live) == 2


@contextmanager
def lost_answer(live: LiveState, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a commit succeed, and its answer get lost."""
    assert live._session is not None
    database: Any = live._session.store.database
    real = database.writing

    @contextmanager
    def writing() -> Iterator[Any]:
        with real() as transaction:
            yield transaction
        raise StateError(database.origin, "the connection was lost", "Send it again.")

    with monkeypatch.context() as patch:
        patch.setattr(database, "writing", writing)
        yield


def test_a_commit_whose_answer_is_lost_is_acknowledged(
    account_scorer: Scorer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LiveState(account_scorer, address) as live:
        live.update(event(event_id=None))
        with lost_answer(live, monkeypatch):
            assert live.update(event(event_id=None)) == ((), 2, ())
        assert count_events(live) == 2


def test_a_call_that_fails_does_not_fail_its_group(account_scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    live, outcomes, real = LiveState(account_scorer), dict[str, Any](), read_entry

    def fails_at_bad(state: HistoryState, entry: Any, **options: Any) -> Any:
        if entry["events"][1]["event_id"] == "bad":
            raise MemoryError
        return real(state, entry, **options)

    def send(name: str) -> None:
        try:
            outcomes[name] = live.update(event(event_id=name)).rejected
        except MemoryError as error:
            outcomes[name] = error

    monkeypatch.setattr(session, "read_entry", fails_at_bad)

    threads = [threading.Thread(target=send, args=(name,)) for name in ("first", "bad", "good")]
    with live._groups.lock:  # while the first one is handled, the others gather
        threads[0].start()
        wait_until(lambda: live._groups.n_waiting == 0 and live._groups._is_handling)
        for thread in threads[1:]:
            thread.start()
        wait_until(lambda: live._groups.n_waiting == 2)
    for thread in threads:
        thread.join()
    assert outcomes["good"] == ()
    assert isinstance(outcomes["bad"], MemoryError)


def test_the_last_of_several_processes_leaves_one_snapshot(account_scorer: Scorer, address: str) -> None:
    states = [LiveState(account_scorer, address) for _ in range(3)]
    offset = states[0].update(event()).offset
    for live in states:
        live.catch_up()
    for live in states:
        live.close()
    with open_store(address) as store, store.reading() as transaction:
        assert [one.position.offset for one in list_snapshots(transaction)] == [offset]
        assert transaction.sql.execute("SELECT count(*) FROM snapshots") == [(1,)]


def test_scores_go_on_while_the_store_cannot_be_reached(
    account_scorer: Scorer, postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with LiveState(account_scorer, postgres_server.new_address()) as live:
        live.update(event())
        postgres_server.kill()
        wait_until(lambda: live.error is not None)
        assert live.score_at(QUERY).offset == 1
        with refused(StateError):
            live.update(event(event_id="e2"))
        with pytest.raises(StateBehindError):
            live.score(QUERY, after=2, wait_seconds=0.1)
        postgres_server.start()
        wait_until(lambda: live.error is None)
        assert live.update(event(event_id="e2")).offset == 2
    assert "secret" not in caplog.text
    assert os.environ.get("PGPASSWORD") is None


def test_a_store_that_lost_what_a_process_has_seen(account_scorer: Scorer, postgres_server: PostgresServer) -> None:
    """As when a server is replaced by a copy that is some transactions behind."""
    address = postgres_server.new_address()
    with LiveState(account_scorer, address) as live:
        live.update([event(event_id=number) for number in range(3)])
        with open_store(address) as store, store.writing() as transaction:
            transaction.sql.execute('DELETE FROM events WHERE "offset" > 2')
            ((digest,),) = transaction.sql.execute('SELECT digest FROM events WHERE "offset" = 2')
            transaction.sql.execute("UPDATE meta SET content = ? WHERE name = 'head'", (f"0 2 {digest.hex()}",))
        with refused(StateError):
            live.catch_up()
        with refused(StateError):
            live.update(event(event_id="e9"))


def test_a_follower_survives_every_failure(
    account_scorer: Scorer, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing = threading.Event()

    def fails(state: HistoryState, *arguments: Any) -> int:
        fold_rows(state, *arguments)  # the state has changed when it fails
        if failing.is_set() and threading.current_thread().name == "live-state-follower":
            raise MemoryError("Zebedee")
        return 0

    monkeypatch.setattr(session, "fold_rows", fails)
    with LiveState(account_scorer, address, follow=False) as one, LiveState(account_scorer, address) as two:
        failing.set()
        one.update(event())
        wait_until(lambda: two.error is not None)
        assert str(two.error).endswith(
            "its rows cannot be added to the live state (MemoryError). "
            "It is tried again every second; free memory if it is short."
        )
        failing.clear()
        wait_until(lambda: two.error is None)
        assert content(two.state) == content(one.state)
    assert "Zebedee" not in caplog.text
