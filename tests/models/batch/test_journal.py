"""A journal of finished parts: the listed parts are complete, and another job starts from the beginning."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fraudsieve.exceptions import BusyError
from fraudsieve.models.batch.journal import Journal


def put(journal: Journal, name: str, content: bytes = b"part") -> None:
    path = journal.folder / "new"
    path.write_bytes(content)
    journal.add({name: path}, {"rows": len(content)})


def parts_of(folder: Path, key: dict[str, int]) -> tuple[list[int], bool]:
    journal = Journal(folder, key)
    try:
        return [part["rows"] for part in journal.parts], journal.restarted
    finally:
        journal.close(remove=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal of three parts, in the state after a kill."""
    journal = Journal(tmp_path / "work", {"model": 1})
    for rows in (1, 2, 3):
        put(journal, f"part-{rows}", b"x" * rows)
    (journal.folder / "half").write_bytes(b"half of a part")
    journal.close(remove=False)
    return tmp_path / "work"


def test_the_same_job_resumes(folder: Path) -> None:
    assert parts_of(folder, {"model": 1}) == ([1, 2, 3], False)
    assert sorted(path.name for path in folder.iterdir()) == ["journal.jsonl", "part-1", "part-2", "part-3"]


def test_another_job_restarts(folder: Path) -> None:
    assert parts_of(folder, {"model": 2}) == ([], True)
    assert [path.name for path in folder.iterdir()] == ["journal.jsonl"]
    assert parts_of(folder, {"model": 2}) == ([], False)


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_damaged_part_and_all_later_ones_are_dropped(folder: Path, damage: str) -> None:
    if damage == "gone":
        (folder / "part-2").unlink()
    else:
        (folder / "part-2").write_bytes(b"yy")
    assert parts_of(folder, {"model": 1}) == ([1], False)
    assert parts_of(folder, {"model": 1}) == ([1], False)


def test_a_truncated_journal_lists_complete_parts(folder: Path) -> None:
    journal = folder / "journal.jsonl"
    whole = journal.read_bytes()
    for at in range(len(whole) - 1, -1, -7):
        for name in ("part-1", "part-2", "part-3"):
            (folder / name).write_bytes(b"x" * int(name[-1]))
        journal.write_bytes(whole[:at])
        lines = whole[:at].count(b"\n")
        assert parts_of(folder, {"model": 1})[0] == [1, 2, 3][: max(lines - 1, 0)]


@pytest.mark.parametrize("at", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "edit",
    [
        lambda line: line.replace(b'"rows"', b'"rowz"'),
        lambda line: line.replace(b'"files"', b'"filez"'),
        lambda line: line.replace(b'"rows": ', b'"rows": 1'),
        lambda line: line.replace(b"part-", b"../part-"),
        lambda line: b"{}",
        lambda line: b"[" * 100_000,
        lambda line: line + b"\n" + line,  # the rows would be there twice
        lambda line: b"",
    ],
)
def test_an_edited_line_counts_as_the_end(folder: Path, at: int, edit: Callable[[bytes], bytes]) -> None:
    lines = (folder / "journal.jsonl").read_bytes().split(b"\n")
    lines[at] = edited = edit(lines[at])
    changed = edited != (folder / "journal.jsonl").read_bytes().split(b"\n")[at]
    (folder / "journal.jsonl").write_bytes(b"\n".join(lines))
    kept = [1, 2, 3][: max(at - 1, 0)] if changed else [1, 2, 3]
    kept = [1, 2, 3][:at] if b"\n" in edited else kept  # the line is right, and the same line again is not
    assert parts_of(folder, {"model": 1})[0] == kept
    assert parts_of(folder, {"model": 1})[0] == kept


def test_a_folder_among_the_parts_is_deleted(folder: Path) -> None:
    (folder / "more" / "x").mkdir(parents=True)
    assert parts_of(folder, {"model": 1}) == ([1, 2, 3], False)
    assert not (folder / "more").exists()


def test_only_the_owner_can_read_the_parts(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700


def test_two_processes_cannot_run_the_same_job(folder: Path) -> None:
    program = f"""
from pathlib import Path
from fraudsieve.models.batch.journal import Journal
journal = Journal(Path({str(folder)!r}), {{"model": 1}})
print("ready", flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(BusyError, match="another process is writing the same output"):
            Journal(folder, {"model": 1})
        process.kill()
    assert parts_of(folder, {"model": 1}) == ([1, 2, 3], False)


def test_a_finished_job_leaves_nothing(folder: Path) -> None:
    journal = Journal(folder, {"model": 1})
    journal.close(remove=True)
    assert not folder.exists()


def test_the_journal_is_readable_json(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text("utf-8").splitlines()]
    assert lines[0].items() >= {"model": 1}.items()
    assert [list(line["files"]) for line in lines[1:]] == [["part-1"], ["part-2"], ["part-3"]]
