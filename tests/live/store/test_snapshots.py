"""Snapshots that fail, are killed, are damaged, or are overtaken: nothing is lost, and the next one succeeds."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.live.contents import erase
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store, snapshots
from fraudsieve.live.store.facts import START
from fraudsieve.live.store.snapshots import list_snapshots, read_snapshot, write_snapshot
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.samples import event


def names(address: Any) -> list[tuple[str, int]]:
    with open_store(address) as store, store.reading() as transaction:
        chunks = transaction.sql.execute("SELECT DISTINCT snapshot FROM chunks")
        found = transaction.sql.execute('SELECT id, "offset" FROM snapshots')
    assert {name for (name,) in chunks} <= {name for name, _ in found}  # no chunk without a snapshot
    return found


@pytest.mark.slow
def test_what_was_written_is_read(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "CHUNK", 10)
    with open_store(address) as store:
        for parts in ([b"a" * 25, b"", b"b" * 4], [b"c" * 20], []):
            assert write_snapshot(store, START, 0, "views", parts)
            with store.reading() as transaction:
                (facts,) = list_snapshots(transaction)  # the one before is gone
                assert read_snapshot(transaction, facts) == b"".join(parts)
                assert facts.n_chunks == -(-sum(map(len, parts)) // 10)


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, 5))
def test_a_snapshot_that_fails_once_is_written_next_time(
    step: int, account_scorer: Scorer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails at opening, at its first row, at a chunk, and at the end."""
    with LiveState(account_scorer, address, follow=False) as live:
        live.update(event())
        assert live._session is not None
        database = type(live._session.store.database)
        real, calls = database.writing, itertools.count(1)

        def fails(self: Any) -> Any:
            if next(calls) == step:
                raise StateError("store", "cannot be written (SQLITE_FULL)", "Free disk space.")
            return real(self)

        with monkeypatch.context() as patch:
            patch.setattr(database, "writing", fails)
            with pytest.raises(StateError, match="SQLITE_FULL"):
                live.checkpoint()
        live.update(event(event_id="e2"))
        assert live.size.rows_since_snapshot == 2
        live.checkpoint()
        assert live.size.rows_since_snapshot == 0
        before = content(live.state)
    assert [offset for _, offset in names(address)] == [2]
    with LiveState(account_scorer, address) as live:
        assert content(live.state) == before


def test_arrays_that_do_not_fit_into_memory(
    account_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError

    with LiveState(account_scorer, tmp_path / "live.db") as live:
        live.update(event())
        with monkeypatch.context() as patch:
            patch.setattr(np, "savez", fails)
            with pytest.raises(MemoryError):
                live.checkpoint()
        assert [offset for _, offset in names(tmp_path / "live.db")] == [0]  # the one from opening
        live.checkpoint()
    assert [offset for _, offset in names(tmp_path / "live.db")] == [1]


def test_closing_survives_a_snapshot_that_fails(
    account_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live = LiveState(account_scorer, tmp_path / "live.db")
    live.update(event())
    monkeypatch.setattr("fraudsieve.live.session.write_snapshot", fails_to_write)
    live.close()
    assert "no snapshot was left when the live state was closed: cannot be written" in caplog.text
    with LiveState(account_scorer, tmp_path / "live.db") as live:
        assert live.offset == 1


@pytest.mark.parametrize("error", [StateError("store", "the disk is full", "Free space."), MemoryError()])
def test_opening_survives_a_snapshot_that_fails(
    error: Exception,
    account_scorer: Scorer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("fraudsieve.live.session.write_snapshot", fails)
        live = LiveState(account_scorer, tmp_path / "live.db")
    with live:
        assert live.update(event()).offset == 1
    assert "no snapshot was left when the live state was opened" in caplog.text


def fails_to_write(*_: Any) -> None:
    raise StateError("store", "cannot be written (SQLITE_FULL)", "Free disk space.")


@pytest.mark.slow
def test_an_unfinished_snapshot_is_not_used_and_later_deleted(account_scorer: Scorer, address: str) -> None:
    with LiveState(account_scorer, address) as live:
        live.update(event())
        with open_store(address) as store, store.writing() as transaction:
            transaction.sql.execute("INSERT INTO snapshots VALUES ('killed', 1, 0, '')")
            transaction.sql.execute("INSERT INTO chunks VALUES ('killed', 0, ?)", (b"half",))
        with LiveState(account_scorer, address, follow=False) as other:
            assert content(other.state) == content(live.state)
            other.update(event(event_id="e2"))
    assert [offset for _, offset in names(address)] == [2]


@pytest.mark.slow
def test_a_damaged_snapshot_is_not_used_if_the_rows_are_complete(
    account_scorer: Scorer, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with LiveState(account_scorer, address) as live:
        live.update([event(event_id=number) for number in range(3)])
        before = content(live.state)
    with open_store(address) as store, store.writing() as transaction:
        transaction.sql.execute("UPDATE chunks SET content = ?", (b"other",))
    with LiveState(account_scorer, address) as live:
        assert content(live.state) == before
    assert "a snapshot of the live state is not used: a snapshot differs from its SHA-256" in caplog.text
    with open_store(address) as store, store.writing() as transaction:
        transaction.sql.execute("UPDATE snapshots SET facts = ?", ("{}",))
    with pytest.raises(StateError, match="its facts differ from their digest"):
        LiveState(account_scorer, address)


@pytest.mark.slow
def test_a_snapshot_of_rows_that_were_erased_meanwhile_does_not_count(address: str) -> None:
    asked: list[int] = []

    def parts(at: int) -> Any:
        for number in range(3):
            asked.append(number)
            if number == at:
                with open_store(address) as other:
                    erase(other, account_id="ann")
            yield bytes(snapshots.CHUNK)

    with open_store(address) as store:
        for at in range(3):
            with store.writing() as transaction:
                transaction.append(transaction.last, [{"events": [0, {"account_id": "ann"}]}])
                position, generation = transaction.last, transaction.facts.generation
            assert not write_snapshot(store, position, generation, "views", parts(at))
            assert asked.pop() == at  # it stops at once
    assert names(address) == []
