"""The log: appended records are kept, in order, and a full disk loses nothing."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.models.live.log import EventLog

SEGMENT = "0000000001.log"
FILLS = """
import errno, json, resource, sys
from fraudsieve.exceptions import StateError
from fraudsieve.models.live.log import EventLog

how, folder = sys.argv[1:]
def grow():
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        import os
        os.unlink(folder + "/ballast")
with open(folder + "/ballast", "wb") as ballast:
    ballast.write(bytes(60_000))
if how == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
log, n_appended, failed = EventLog(folder), 0, []
while len(failed) < 3:
    try:
        log.append([{"n": n_appended, "filling": "x" * 7000}])
        n_appended += 1
    except StateError as error:
        failed.append((str(error), error.__cause__.errno in (errno.ENOSPC, errno.EFBIG)))
grow()
log.append([{"n": n_appended}])
log.close()
log = EventLog(folder)
print(json.dumps([[r["n"] for r in log.replay()] == list(range(n_appended + 1)), log.cut is None, n_appended, failed]))
"""
HOLDS = """
import sys
from fraudsieve.models.live.log import EventLog
log = EventLog(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def numbers(log: EventLog) -> list[int]:
    return [record["n"] for record in log.replay()]


def cut_bytes(log: EventLog) -> int:
    return log.cut.nbytes if log.cut is not None else 0


def filled(folder: Path, n: int = 3, **how: Any) -> Path:
    with EventLog(folder, **how) as log:
        for number in range(n):
            log.append([{"n": number, "name": "中\ud800"}])
    return folder


def test_appended_records_are_replayed_in_order_over_segments(tmp_path: Path) -> None:
    filled(tmp_path, 20, segment_bytes=100)
    with EventLog(tmp_path, segment_bytes=100) as log:
        log.append({"n": number} for number in range(20, 25))
        log.append([])
        assert numbers(log) == list(range(25))
        assert log.last > 5
        assert log.nbytes == sum(path.stat().st_size for path in tmp_path.glob("*.log"))
        assert (log.cut, log.is_empty) == (None, False)
        assert next(log.replay())["name"] == "中\ud800"


def test_an_empty_segment_can_be_used_further(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        assert [log.rotate(unless_empty=True), log.rotate()] == [1, 2]
        log.append([{"n": 1}])
        assert [log.rotate(unless_empty=True), log.rotate(unless_empty=True)] == [3, 3]


def test_threads_share_a_log_and_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs, real = [0], os.fsync
    applied: list[int] = []

    def slow(descriptor: int) -> None:
        syncs[0] += 1
        time.sleep(0.002)
        real(descriptor)

    with EventLog(tmp_path, segment_bytes=2000) as log:
        monkeypatch.setattr(os, "fsync", slow)

        def work(thread: int) -> None:
            for step in range(40):
                number = 1000 * thread + step
                log.append([{"n": number}], then=partial(applied.append, number))
                assert number in applied

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        replayed = numbers(log)
        assert replayed == applied
        assert sorted(replayed) == sorted(1000 * thread + step for thread in range(8) for step in range(40))
        assert syncs[0] < 320  # waiting appends are synced together


def test_a_record_that_is_not_json_writes_nothing(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        for wrong in (object(), float("nan")):
            with pytest.raises((TypeError, ValueError)):
                log.append([{"n": 1}, {"n": wrong}])
        assert log.is_empty


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_remains_of_a_failed_write_are_truncated(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with EventLog(tmp_path) as log:
        log.append([{"n": 0}])
        with monkeypatch.context() as patch:

            def fails(descriptor: int, data: Any = None) -> int:
                if isinstance(data, memoryview) and len(data) > 10:
                    return real(descriptor, data[: len(data) // 2])  # a partial write, after which the next call fails
                raise OSError(errno.EIO, "Input/output error")

            patch.setattr(os, call, fails)
            with pytest.raises(StateError, match=r"cannot be written \(Input/output error\). Nothing was stored"):
                log.append([{"n": 1}], then=lambda: pytest.fail("it is not durable"))
            assert (tmp_path / SEGMENT).stat().st_size == log.nbytes
            patch.setattr(os, "ftruncate", fails)
            with pytest.raises(StateError, match="cannot be written"):
                log.append([{"n": 2}])
        log.append([{"n": 3}])
        assert numbers(log) == [0, 3]
    with EventLog(tmp_path) as log:
        assert (numbers(log), log.cut) == ([0, 3], None)


def run(how: str, folder: Path, *, before: str = "") -> subprocess.CompletedProcess[str]:
    child = [sys.executable, "-c", FILLS, how, str(folder)]
    if before:
        child = ["unshare", "-Urm", "sh", "-c", before.format(folder) + ' && exec "$@"', "sh", *child]
    return subprocess.run(child, capture_output=True, text=True, timeout=120)


def test_a_file_size_limit_loses_nothing(tmp_path: Path) -> None:
    done = run("limit", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[true, true, 7,")
    assert done.stdout.count("true") == 5
    assert "free disk space" in done.stdout


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    mount = "mount -t tmpfs -o size=128k tmpfs {}"
    if shutil.which("unshare") is None or run("limit", tmp_path, before="true || : {}").returncode:
        pytest.skip("user namespaces are not allowed here, so no small disk can be mounted")
    done = run("disk", tmp_path, before=mount)
    if "mount:" in done.stderr:
        pytest.skip("a small disk cannot be mounted here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[true, true, ")
    assert "No space left on device" in done.stdout
    assert done.stdout.count("true") == 5


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"cannot be opened for writing \(.*\). Choose a writable folder."):
        EventLog(Path("/proc/self/fraudsieve"))
    if shutil.which("unshare") is None:
        pytest.skip("user namespaces are not allowed here, so nothing can be mounted read-only")
    filled(tmp_path)
    program = f"from fraudsieve.models.live.log import EventLog; EventLog({str(tmp_path)!r})"
    readonly = f'mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path} && exec "$@"'
    child = ["unshare", "-Urm", "sh", "-c", readonly, "sh", sys.executable, "-c", program]
    done = subprocess.run(child, capture_output=True, text=True, timeout=120)
    if "StateError" not in done.stderr and ("mount:" in done.stderr or "unshare:" in done.stderr):
        pytest.skip("nothing can be mounted read-only here")
    assert "StateError" in done.stderr
    assert "cannot be opened for writing (Read-only file system)" in done.stderr


def test_a_folder_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StateError, match=r"is in use by another process\. Stop the other process"):
            EventLog(tmp_path)
        other.kill()
    with EventLog(tmp_path) as log, pytest.raises(StateError, match="is in use"):
        EventLog(log.folder)
    EventLog(tmp_path).close()


def test_old_segments_are_dropped(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        log.append([{"n": 0}])
        seen: list[list[int]] = []
        number = log.rotate(then=lambda: seen.append([log.last]))
        log.append([{"n": 1}])
        log.drop_before(number)
        assert (number, seen, numbers(log), log.first) == (2, [[2]], [1], 2)
        log.drop_before(99)
        assert numbers(log) == [1]
    with EventLog(tmp_path) as log:
        assert (log.first, numbers(log)) == (2, [1])


def test_with_an_interval_the_disk_is_synced_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, synced = EventLog(tmp_path, fsync="interval", interval=0.05), threading.Event()
    real = os.fsync

    def works(descriptor: int) -> None:
        real(descriptor)
        synced.set()

    def fails(_: int) -> None:
        synced.set()
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", works)
        log.append([{"n": 0}])
        assert not synced.is_set()
        assert synced.wait(20)
        synced.clear()
        patch.setattr(os, "fsync", fails)
        log.append([{"n": 1}])
        assert synced.wait(20)
        with log._writing:
            pass  # waits until the failure is recorded
    with pytest.raises(StateError, match=r"records of the last 0.05 s could not be synced \(Input/output error\)"):
        log.append([{"n": 2}])
    log.append([{"n": 3}])
    assert numbers(log) == [0, 1, 3]
    log.close()
    log.close()
    with pytest.raises(StateError, match="the log is closed"):
        log.append([{"n": 4}])


@pytest.mark.parametrize("wrong", [{"fsync": "sometimes"}, {"interval": 0}, {"segment_bytes": 0}])
def test_wrong_parameters(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        EventLog(tmp_path, **wrong)
