"""The log: durable, continued, one process at a time, and nothing half."""

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.evidence import log as log_module
from fraudsieve.evidence.log import EvidenceLog
from fraudsieve.evidence.verification import verify_log
from fraudsieve.exceptions import BusyError, EvidenceError
from tests.evidence.logs import lines_of, write_log

BODY = b'{"kind":"score"}'


def test_a_log_is_continued_under_its_name(tmp_path: Path) -> None:
    first = write_log(tmp_path / "log", 3)
    second = write_log(tmp_path / "log", 4)
    assert (second.log, second.size) == (first.log, 7)
    assert verify_log(tmp_path / "log", [first, second]).problems == ()
    openings = [json.loads(line)["record"]["body"] for line in lines_of(tmp_path / "log")]
    assert [body["kind"] for body in openings].count("opened") == 2
    assert openings[0] | {"time": "", "software": {}} == {
        "kind": "opened", "format": 1, "time": "", "software": {}, "content": "omitted", "key": None,
        "records": "flagged",
    }  # fmt: skip
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


CUT = [(3, -cut, b"", 3) for cut in (1, 30, 200)] + [(1, kept, b"", 1) for kept in (0, 1, 8, 9, 100)]


@pytest.mark.parametrize(("records", "stop", "added", "size"), [*CUT, (3, None, b"x" * 5000, 4)])
def test_an_incomplete_line_is_cut_off(tmp_path: Path, records: int, stop: int | None, added: bytes, size: int) -> None:
    """Check the last line that a killed process left, also if it is the first one, or long."""
    write_log(tmp_path / "log", records)
    (tmp_path / "log").write_bytes((tmp_path / "log").read_bytes()[:stop] + added)
    kept = write_log(tmp_path / "log", 1)
    assert kept.size == size
    assert verify_log(tmp_path / "log", [kept]).problems == ()


@pytest.mark.parametrize("content", [b"2026-11-01 " + b"ab" * 32, b'{"mine":[0,1]}', b"x"])
def test_another_file_of_one_line_is_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(EvidenceError, match="is not a log of evidence"):
        EvidenceLog(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == content


def test_a_damaged_log_is_not_continued(tmp_path: Path) -> None:
    write_log(tmp_path / "log", 3)
    content = (tmp_path / "log").read_bytes().replace(b'"number":0', b'"number":7')
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(EvidenceError, match="record 1 was changed"):
        EvidenceLog(tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == content
    (tmp_path / "log").write_bytes(b"text\n")
    with pytest.raises(EvidenceError, match="record 0 was changed"):
        EvidenceLog(tmp_path / "log")


def test_one_process_at_a_time_and_a_folder_that_exists(tmp_path: Path) -> None:
    with EvidenceLog(tmp_path / "log"), pytest.raises(BusyError, match="Give each process its own file"):
        EvidenceLog(tmp_path / "log")
    EvidenceLog(tmp_path / "log").close()
    with pytest.raises(EvidenceError, match="cannot be opened"):
        EvidenceLog(tmp_path / "none" / "log")
    with pytest.raises(ValueError, match="expected flagged or all"):
        EvidenceLog(tmp_path / "log", which="some")  # type: ignore[arg-type]


def test_threads_share_a_log_and_its_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EvidenceLog(tmp_path / "log") as log:
        syncs = []
        turn, waiting = threading.Event(), threading.Event()

        def sync(descriptor: int) -> None:
            syncs.append(log.size)
            waiting.set()
            assert turn.wait(60)

        monkeypatch.setattr(log_module, "sync_data", sync)
        threads = [threading.Thread(target=log.append, args=([BODY, BODY],)) for _ in range(8)]
        threads[0].start()
        assert waiting.wait(60)
        for thread in threads[1:]:
            thread.start()
        while log.size < 17:
            pass
        turn.set()
        for thread in threads:
            thread.join(60)
        kept = log.checkpoint()
    assert syncs == [3, 17]  # one for the first, and one for all that came meanwhile
    assert verify_log(tmp_path / "log", [kept]).problems == ()


@pytest.mark.parametrize("part", ["_write_all", "sync_data"])
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fail(file: int, *written: Any) -> None:
        if written:
            os.write(file, written[0][:40])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    log = EvidenceLog(tmp_path / "log")
    log.append([BODY])
    monkeypatch.setattr(log_module, part, fail)
    with pytest.raises(EvidenceError, match=r"cannot be written .No space left"):
        log.append([BODY])
    monkeypatch.undo()
    with pytest.raises(EvidenceError, match="a write to it failed before"):
        log.append([BODY])
    log.close()
    kept = write_log(tmp_path / "log", 1)
    assert verify_log(tmp_path / "log", [kept]).problems == ()


def test_a_closed_log(tmp_path: Path) -> None:
    with EvidenceLog(tmp_path / "log") as log:
        pass
    log.close()
    with pytest.raises(EvidenceError, match="is closed"):
        log.append([BODY])
