"""The score log in a store: durable with events, deleted by age, erased with an account, and checked when read."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.live.contents import describe_store, erase, rewind
from fraudsieve.live.records import Call
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import EventStore, open_store
from fraudsieve.live.store.score_rows import ScoreRow, StoredScore, drop_old_scores, iterate_scores
from fraudsieve.live.store.sqlite import SqliteDatabase
from fraudsieve.models import Scorer
from tests.live.samples import count_commits, event, logged_score
from tests.live.small_models import score_log
from tests.live.test_removal import SECRET, files_with

RECORD = b'{"account_id":"ann","as_of":"2024-05-01T10:00:00Z"}'


def row(time: int = 7, *, request: str = "r", record: bytes | None = None, **ids: str) -> ScoreRow:
    score = logged_score("account", ids or {"account_id": "ann"}, {"request": request, "offset": 3})
    return ScoreRow(time, score.encode(), record)


def logged(store: EventStore, *span: int) -> list[StoredScore]:
    return [one for rows in iterate_scores(store, *span) for one in rows]


def times(store: EventStore, *span: int) -> list[int]:
    return [one.time for one in logged(store, *span)]


@pytest.mark.slow
def test_rows_are_read_by_time_as_they_were_logged(address: str) -> None:
    one, two = score_log(address), score_log(address)
    one.log_scores([row(3, record=RECORD), row(9)])
    two.log_scores([row(5)])
    with open_store(address) as store:
        assert times(store) == [3, 5, 9]
        assert (times(store, 5), times(store, 3, 9), times(store, 10)) == ([5, 9], [3, 5], [])
        first = logged(store)[0]
        assert (first.entry, first.record) == (row().entry, RECORD)
        described = describe_store(store)
    sizes = 3 * len(row().entry) + len(RECORD)
    assert [described[name] for name in ("logged_scores", "logged_records", "log_bytes")] == [3, 1, sizes]
    assert "ann" not in repr(described)
    one.close()
    two.close()


@pytest.mark.slow
def test_scores_and_events_share_a_commit(
    account_scorer: Scorer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = count_commits(monkeypatch)
    with LiveState(account_scorer, address, follow=False) as live:
        threads = [threading.Thread(target=live.update, args=(event(event_id="e1"),))]
        threads += [threading.Thread(target=live.log_scores, args=([row(number)],)) for number in range(3)]
        with live._groups.lock:  # the first call waits, and those after it gather
            for thread in threads:
                thread.start()
            while live._groups.n_waiting < 3:
                pass
        for thread in threads:
            thread.join()
        assert live.offset == 1
        with open_store(address) as store:
            assert times(store) == [0, 1, 2]
    assert groups == [1, 3]


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each transaction fail at its end, with nothing written."""
    writing = SqliteDatabase.writing

    @contextmanager
    def failing(self: SqliteDatabase) -> Iterator[Any]:
        with writing(self) as transaction:
            yield transaction
            raise StateError("live.db", "cannot be written (SQLITE_FULL)", "Free disk space.")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteDatabase, "writing", failing)
        yield


@pytest.mark.parametrize("with_event", [False, True])
def test_scores_that_cannot_be_stored_are_an_error(
    with_event: bool, account_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "live.db"
    with LiveState(account_scorer, path, follow=False) as live:
        live.update(event())  # so that the newest row of the store is one that exists

        def fill(call: Call) -> None:
            call.add_events(enumerate([event(event_id="e2")] if with_event else []), "UTC")
            call.scores = [row()]

        with full_disk(monkeypatch), pytest.raises(StateError, match="SQLITE_FULL"):
            live._submit(fill, None)
        live.log_scores([row(8)])
        with open_store(path) as store:
            assert times(store) == [8]
            assert store.head.offset == live.offset == 1


@pytest.mark.slow
def test_old_rows_are_deleted_and_records_before_their_scores(address: str) -> None:
    log = score_log(address)
    log.log_scores([row(time, record=RECORD) for time in range(10)])
    with open_store(address) as store:
        assert drop_old_scores(store, 2, 6) == 2
        assert times(store) == [2, 3, 4, 5, 6, 7, 8, 9]
        assert [one.time for one in logged(store) if one.record is not None] == [6, 7, 8, 9]
        assert drop_old_scores(store, 8, 0) == 6  # a record goes with its score
        assert [one.record for one in logged(store)] == [RECORD] * 2
        assert drop_old_scores(store, 100, 100) == 2
        log.log_scores([row(11, record=RECORD)])
        assert [one.record for one in logged(store)] == [RECORD]
    log.close()


def test_many_old_rows_go_in_small_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.live.store.score_rows.BATCH", 3)
    log = score_log(tmp_path / "live.db")
    log.log_scores([row(time % 2, record=RECORD) for time in range(8)])
    with open_store(tmp_path / "live.db") as store:
        assert times(store) == [0, 0, 0, 0, 1, 1, 1, 1]
        assert drop_old_scores(store, 1, 0) == 4
        assert times(store) == [1, 1, 1, 1]
    log.close()


ERASED = [
    row(1, account_id=SECRET),
    row(2, message_id="m1"),  # a message of the account, by the rows of the history
    row(3, record=b'{"counterparty_id":"%b"}' % SECRET.encode(), event_id="e9"),
    row(4, record=b'{"payer":{"owner_id":["%b"]}}' % SECRET.encode(), event_id="e8"),
]
LEFT = [
    row(5, record=RECORD),
    row(6, message_id=SECRET),  # an id of a message is no account
    row(7, record=b'{"amount":1947,"kind":"1947"}', event_id="1947"),
]


@pytest.mark.slow
def test_an_erased_account_is_not_in_the_log(message_scorer: Scorer, address: str) -> None:
    sent = {"message_id": "m1", "text": "win now", "account_id": SECRET, "sent_at": "2024-05-01T10:00:00Z"}
    with LiveState(message_scorer, address) as live:
        live.observe(sent)
        live.log_scores([*ERASED, *LEFT])
        with open_store(address) as store:
            assert erase(store, account_id=SECRET) == 1 + len(ERASED)
            assert times(store) == [5, 6, 7]
            assert erase(store, account_id=1947) == 0
            assert describe_store(store)["removals"][0]["rows"] == 5
        live.log_scores([row(8)])


def test_no_bytes_of_an_erased_account_are_left(tmp_path: Path) -> None:
    log = score_log(tmp_path / "live.db")
    log.log_scores([ERASED[0], *ERASED[2:], LEFT[0]])
    assert files_with(SECRET, tmp_path) != []
    with open_store(tmp_path / "live.db") as store:
        assert erase(store, account_id=SECRET) == 3
        assert not store.facts.needs_shrinking
    assert files_with(SECRET, tmp_path) == []  # while the service runs
    with open_store(tmp_path / "live.db") as store:
        assert rewind(store, "1970-01-01") == 0
        assert times(store) == [5]
    log.close()


@pytest.mark.parametrize("table", ["scores", "scored_records"])
def test_a_changed_row_is_noticed(table: str, tmp_path: Path) -> None:
    log = score_log(tmp_path / "live.db")
    log.log_scores([row(record=RECORD)])
    log.close()
    connection = sqlite3.connect(tmp_path / "live.db")
    connection.execute(f"UPDATE {table} SET entry = CAST(replace(entry, 'ann', 'bob') AS BLOB)")
    connection.commit()
    connection.close()
    problem = "row 1 of the score log differs from its digest"
    with open_store(tmp_path / "live.db") as store, pytest.raises(StateError, match=problem):
        logged(store)
