"""Stores of both kinds: order, heads, and what is in the way of writing."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fraudsieve._addresses import bare_address
from fraudsieve.exceptions import StateError
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import EventStore, open_store
from fraudsieve.live.store.facts import Head, read_sealed, sealed
from fraudsieve.live.store.sqlite import HeadFile
from fraudsieve.models import Scorer
from tests.live.samples import event, wait_until
from tests.messages import refused

ENTRIES: list[dict[str, Any]] = [{"events": [number, {}]} for number in range(5)]


def append(store: EventStore, entries: list[dict[str, Any]]) -> int:
    with store.writing() as transaction:
        return transaction.append(transaction.last, entries).offset


def entries_of(store: EventStore) -> list[dict[str, Any]]:
    return [json.loads(entry) for rows in store.rows() for _, _, entry, _ in rows]


@pytest.mark.slow
def test_rows_are_read_as_they_were_appended(address: str) -> None:
    with open_store(address) as store, open_store(address) as other:
        assert append(store, ENTRIES[:2]) == 2
        assert append(other, ENTRIES[2:]) == 5
        assert entries_of(store) == entries_of(other) == ENTRIES
        assert store.head == other.head
        assert store.has_changed()
        assert not store.has_changed()
        append(other, ENTRIES)
        assert store.has_changed()
        assert store.nbytes > 0
    with open_store(address) as store:
        assert entries_of(store) == ENTRIES * 2


@pytest.mark.slow
def test_a_block_that_raises_appends_nothing(address: str) -> None:
    with open_store(address) as store:
        with pytest.raises(TypeError):
            append(store, [*ENTRIES, {"events": [5, {"x": b""}]}])
        assert entries_of(store) == []
        append(store, ENTRIES)
    with open_store(address) as store:
        assert entries_of(store) == ENTRIES


def killed_store(folder: Path) -> Path:
    """Return a store in the files that a killed process leaves: its rows are in the write-ahead file."""
    (folder / "killed").mkdir()
    with open_store(folder / "live.db") as store:
        for entry in ENTRIES:
            append(store, [entry])
        for path in folder.glob("live.db*"):
            shutil.copy(path, folder / "killed")
    return folder / "killed" / "live.db"


def test_a_lost_commit_is_noticed(tmp_path: Path) -> None:
    path = killed_store(tmp_path)
    wal = path.with_name("live.db-wal")
    data = bytearray(wal.read_bytes())
    data[-3000] ^= 1  # in the last commit, which SQLite then drops in silence
    wal.write_bytes(data)
    connection = sqlite3.connect(shutil.copytree(path.parent, tmp_path / "copy") / "live.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT count(*) FROM events").fetchall() == [(4,)]
    connection.close()
    with refused(StateError):
        open_store(path)


def test_a_changed_amount_is_noticed(tmp_path: Path) -> None:
    with open_store(tmp_path / "live.db") as store:
        append(store, ENTRIES)
    data = (tmp_path / "live.db").read_bytes()
    (tmp_path / "live.db").write_bytes(data.replace(b'{"events":[2,', b'{"events":[7,'))
    with (
        open_store(tmp_path / "live.db") as store,
        pytest.raises(StateError, match=r"the rows are damaged from offset 3 on"),
    ):
        entries_of(store)


def test_a_kill_between_a_commit_and_the_head_is_no_damage(tmp_path: Path) -> None:
    path = killed_store(tmp_path)
    head = HeadFile(path.with_name("live.db.head"))
    newest = head.read()
    assert newest is not None
    with open_store(path) as store:
        row = next(iter(store.rows()))[3]
    head.write(Head(0, row[0], row[3]))
    os.truncate(head.path, 4096)  # only the slot of the row before is left
    head.write(Head(0, row[0], row[3]))
    assert head.read() == Head(0, row[0], row[3]) < newest
    head.close()
    with open_store(path) as store:
        assert entries_of(store) == ENTRIES
        append(store, ENTRIES)
    with open_store(path) as store:
        assert len(entries_of(store)) == 10


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda path: path.with_name("live.db.head").unlink(), "the head of the store is missing"),
        (lambda path: path.with_name("live.db.head").write_bytes(bytes(5000)), "the head is damaged"),
        (lambda path: path.unlink(), "the database is missing, but live.db.head exists"),
        (lambda path: path.write_bytes(b""), "the database is empty, but events were acknowledged"),
        (lambda path: path.write_bytes(b"x" * 9000), "the database is damaged or closed"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATE \xc5ABLE")),
            "the database is damaged .not UTF-8.",
        ),
    ],
)
def test_missing_and_damaged_files(tmp_path: Path, change: Any, problem: str) -> None:
    path = tmp_path / "live.db"
    with open_store(path) as store:
        append(store, ENTRIES)
    change(path)
    for _ in range(2):
        with pytest.raises(StateError, match=rf"{problem}.*Restore the store from a backup"):
            open_store(path)


def test_a_torn_head_leaves_the_one_before(tmp_path: Path) -> None:
    head = HeadFile(tmp_path / "head")
    for offset in range(1, 4):
        head.write(Head(0, offset, bytes(16)))
    for position in (0, 4096):
        data = bytearray((tmp_path / "head").read_bytes())
        whole = bytes(data)
        data[position + 20] ^= 1
        (tmp_path / "head").write_bytes(data)
        found = head.read()
        assert found is not None
        assert found.offset in (2, 3)
        (tmp_path / "head").write_bytes(whole)
    assert head.read() == Head(0, 3, bytes(16))


def test_a_head_is_closed_once(tmp_path: Path) -> None:
    head = HeadFile(tmp_path / "head")
    head.close()
    with (tmp_path / "another").open("wb", buffering=0) as another:  # it gets the number of the closed file
        head.close()
        assert another.write(b"x") == 1
    with refused(StateError):
        head.read()


def test_commits_are_synced(tmp_path: Path) -> None:
    """Only a power cut would show the difference."""
    with open_store(tmp_path / "live.db") as store, store.reading() as transaction:
        settings = ["synchronous", "journal_mode", "secure_delete"]
        found = [transaction.sql.execute(f"PRAGMA {name}")[0][0] for name in settings]
    assert found == [2, "wal", 1]


def test_other_files(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (a)").connection.close()
    with refused(StateError):
        open_store(tmp_path / "other.db")
    with pytest.raises(StateError, match="expected a file, got a folder"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    "address",
    ["postgresql+psycopg://ann:s3cret@db.example/fraud", "PostgreSQL://ann:s3cret@db/fraud", "sqlite:///a.db"],
)
def test_an_address_of_another_scheme_is_not_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StateError, match="an address that begins with postgresql://") as raised:
        open_store(address)
    assert "s3cret" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_reads_the_files(tmp_path: Path) -> None:
    with open_store(tmp_path / "new" / "live.db") as store:
        append(store, ENTRIES)
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "new").iterdir()}
    assert modes == dict.fromkeys(("live.db", "live.db-wal", "live.db-shm", "live.db.head"), "0o600")


FILLS = """
import json, os, resource, sys
from fraudsieve.exceptions import StateError
from fraudsieve.live.store import open_store

how, path = sys.argv[1:]
ballast = os.path.join(os.path.dirname(path), "ballast")
open(ballast, "wb").write(bytes(2_000_000))
if how == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
store, n_appended, failed = open_store(path), 0, []
def append():
    with store.writing() as transaction:
        transaction.append(transaction.last, [{"events": [n_appended, {"x": "x" * 7000}]}])
while len(failed) < 3:
    try:
        append()
        n_appended += 1
    except StateError as error:
        failed.append(str(error))
os.unlink(ballast)
if how == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
append()
store.close()
store = open_store(path)
times = [row[1] for rows in store.rows() for row in rows]
print(json.dumps([times == list(range(n_appended + 1)), n_appended, failed]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["limit", "disk"])
def test_a_full_disk_loses_nothing(how: str, tmp_path: Path) -> None:
    if how == "disk":
        mounted = os.getuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)], capture_output=True
        )
        if not mounted or mounted.returncode:
            pytest.skip("a small disk cannot be mounted here")
    try:
        ran = subprocess.run(
            [sys.executable, "-c", FILLS, how, str(tmp_path / "live.db")], capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        is_complete, n_appended, failed = json.loads(ran.stdout)
    finally:
        if how == "disk":
            subprocess.run(["umount", str(tmp_path)])
    assert is_complete
    assert n_appended > 10
    assert all("Nothing was stored: free disk space" in problem for problem in failed)


READS = """
import os, sqlite3, sys
from fraudsieve.exceptions import StateError
from fraudsieve.live.store import open_store
os.setgid(65534)
os.setuid(65534)
try:
    open_store(sys.argv[1])
except StateError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("needs a second user")
    with open_store(tmp_path / "live.db") as store:
        append(store, ENTRIES)
    for path in tmp_path.iterdir():
        path.chmod(0o444)
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o005)
    ran = subprocess.run([sys.executable, "-c", READS, str(tmp_path / "live.db")], capture_output=True, text=True)
    assert "cannot be opened for writing (Permission denied). Make the file and its folder writable." in ran.stdout


def test_an_address_never_shows_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (
        "postgresql://ann:s3cret@localhost:1/fraud",
        "postgresql://ann:s3cret@localhost:not-a-port/fraud",
        "postgresql://ann:12/s3cret@localhost:1/fraud",
        "postgresql://ann@localhost:1/fraud?password=s3cret",
        "postgresql://ann:s3cret@[broken/fraud?connect_timeout=x",
    ):
        with pytest.raises(StateError) as caught:
            open_store(address)
        assert "s3cret" not in str(caught.value)
        assert "s3cret" not in bare_address(address)
        assert caught.value.__cause__ is None
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with refused(StateError):
        open_store("postgresql://localhost/fraud")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["file", "folder"])
def test_a_store_that_disappears_takes_nothing_until_it_is_back(
    account_scorer: Scorer, tmp_path: Path, way: str
) -> None:
    """SQLite would write on into a file that was deleted: what was acknowledged would be lost."""
    folder = tmp_path / "state"
    folder.mkdir()
    moved = folder / "live.db" if way == "file" else folder
    query = {"account_id": "ann", "as_of": "2024-05-02T10:00:00Z"}
    with LiveState(account_scorer, folder / "live.db") as live:
        live.update(event())
        moved.rename(tmp_path / "elsewhere")
        with refused(StateError):
            live.update(event(event_id="e2"))
        wait_until(lambda: live.error is not None)  # which /readyz shows as behind
        assert live.score_at(query).offset == 1  # by the state in memory
        if way == "file":
            moved.write_bytes((tmp_path / "elsewhere").read_bytes())  # a copy is not what is open
            with pytest.raises(StateError, match="replaced"):
                live.update(event(event_id="e2"))
        (tmp_path / "elsewhere").replace(moved)
        wait_until(lambda: live.error is None)
        assert live.update(event(event_id="e2")).offset == live.score_at(query).offset == 2
    with LiveState(account_scorer, folder / "live.db") as restored:
        assert restored.offset == 2


@pytest.mark.parametrize(
    ("written", "reader"),
    [
        ({"fraudsieve": "0.0.9", "written": "2026-03-04T05:06:07"}, "fraudsieve 0.0.9 of 2026-03-04 reads it."),
        ({"fraudsieve": "win a prize", "written": None}, "The fraudsieve that wrote it reads it."),
    ],
)
def test_a_store_of_another_format_names_the_version_that_reads_it(
    tmp_path: Path, written: dict[str, Any], reader: str
) -> None:
    open_store(tmp_path / "live.db").close()
    connection = sqlite3.connect(tmp_path / "live.db")
    ((text,),) = connection.execute("SELECT content FROM meta WHERE name = 'store'").fetchall()
    changed = sealed(read_sealed(text, "") | written | {"format": 1})
    connection.execute("UPDATE meta SET content = ? WHERE name = 'store'", (changed,))
    connection.commit()
    connection.close()
    with pytest.raises(StateError, match=r"expected a store of format \d, got 1") as caught:
        open_store(tmp_path / "live.db")
    assert str(caught.value).endswith(f"Load the events into a new store. {reader}")
