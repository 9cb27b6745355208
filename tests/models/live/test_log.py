"""The log: appended records are kept, a torn tail is truncated, damage is reported, and a full disk loses nothing."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.models.live.frames import HEAD, MARKER, PLACE, frame
from fraudsieve.models.live.log import EventLog
from fraudsieve.models.live.segments import HEADER

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


def test_a_tail_torn_at_any_byte_is_truncated(tmp_path: Path) -> None:
    whole = (filled(tmp_path / "whole") / SEGMENT).read_bytes()
    start = len((filled(tmp_path / "before", 2) / SEGMENT).read_bytes())
    for end in range(start, len(whole)):
        folder = tmp_path / str(end)
        folder.mkdir()
        (folder / SEGMENT).write_bytes(whole[:end])
        with EventLog(folder, fsync="never") as log:
            assert (cut_bytes(log), numbers(log)) == (end - start, [0, 1])
            assert log.cut is None or log.cut.n_records == (end - start > HEAD)
            log.append([{"n": 7}])
            assert numbers(log) == [0, 1, 7]


@pytest.mark.parametrize("tail", [bytes(500), b"\xf5fs\xf5", b"\xf5fs\xf5" + b"\xff" * 100, b"{}"])
def test_a_tail_of_zeros_or_noise_is_truncated(tail: bytes, tmp_path: Path) -> None:
    path = filled(tmp_path) / SEGMENT
    path.write_bytes(path.read_bytes() + tail)
    with EventLog(tmp_path) as log:
        assert (cut_bytes(log), numbers(log)) == (len(tail), [0, 1, 2])


@pytest.mark.parametrize("start", [b"", HEADER[:5], bytes(len(HEADER))])
def test_a_segment_without_a_complete_header_is_restarted(start: bytes, tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "0000000002.log").write_bytes(start)
    with EventLog(tmp_path) as log:
        log.append([{"n": 3}])
        assert (numbers(log), cut_bytes(log)) == ([0, 1, 2, 3], len(start))


def test_damage_before_the_last_record_is_an_error_with_file_and_offset(tmp_path: Path) -> None:
    path = filled(tmp_path) / SEGMENT
    whole, one = path.read_bytes(), (filled(tmp_path / "one", 1) / SEGMENT).stat().st_size
    two = 2 * one - len(HEADER)
    for offset in range(one, two):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        with pytest.raises(StateError, match=rf"{SEGMENT}: the record at byte {one} is damaged\. Restore"):
            EventLog(tmp_path, fsync="never")
    assert whole[one:].startswith(b"\xf5fs\xf5")
    assert HEAD == 40


def test_a_cut_says_its_bytes_records_and_time(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with EventLog(tmp_path) as log:
        log.append([{"n": 0}])
        start = log.nbytes
        log.append([{"n": 1}, {"n": 2}, {"n": 3}])
        stop = log.nbytes
    path = tmp_path / SEGMENT
    path.write_bytes(path.read_bytes()[:-12])  # two complete lines and a part of the third
    with EventLog(tmp_path) as log:
        assert log.cut is not None
        assert log.cut[:2] == (stop - start - 12, 2)
        assert before <= log.cut.at <= datetime.now(UTC)
    with EventLog(tmp_path) as log:
        assert log.cut is None


def parts_of(folder: Path) -> tuple[bytes, list[bytes]]:
    """Return the first line of a segment and its frames."""
    whole = (folder / SEGMENT).read_bytes()
    head, *frames = whole.split(MARKER)
    return head, [MARKER + frame for frame in frames]


@pytest.mark.parametrize("order", [(0, 2, 1), (0, 1, 2, 2), (0, 0, 1, 2), (1, 2), (0, 2), (2, 1, 0)])
def test_moved_copied_and_removed_frames_are_damage(order: tuple[int, ...], tmp_path: Path) -> None:
    head, frames = parts_of(filled(tmp_path))
    (tmp_path / SEGMENT).write_bytes(head + b"".join(frames[place] for place in order))
    with pytest.raises(StateError, match=rf"{SEGMENT}: the record at byte \d+ is damaged"):
        EventLog(tmp_path)


def test_exchanged_segments_are_damage(tmp_path: Path) -> None:
    filled(tmp_path, 2, segment_bytes=1)
    one, two = tmp_path / "0000000002.log", tmp_path / "0000000003.log"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    with (
        EventLog(tmp_path) as log,
        pytest.raises(StateError, match=r"0000000002\.log: the record at byte 17 is damaged"),
    ):
        list(log.replay())
    two.write_bytes(first)
    with pytest.raises(StateError, match=r"0000000003\.log: the record at byte 17 is damaged"):
        EventLog(tmp_path)


def test_a_segment_that_ends_too_early_is_damage(tmp_path: Path) -> None:
    """Its last frames are missing, but later segments exist."""
    filled(tmp_path, 9, segment_bytes=300)
    path = tmp_path / SEGMENT
    head, *frames = path.read_bytes().split(MARKER)
    path.write_bytes(head + b"".join(MARKER + frame for frame in frames[:-1]))
    with EventLog(tmp_path) as log, pytest.raises(StateError, match=f"{SEGMENT}: the record at byte .* is damaged"):
        list(log.replay())


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b'{"n": 1}\n', b""])
def test_a_frame_without_json_lines_is_damage(content: bytes, tmp_path: Path) -> None:
    filled(tmp_path, 0)
    (tmp_path / SEGMENT).write_bytes(HEADER + frame(content, 1, len(HEADER)))
    with EventLog(tmp_path) as log, pytest.raises(StateError, match=f"{SEGMENT}: the record at byte 17 is damaged"):
        list(log.replay())


def test_many_heads_of_frames_are_searched_in_linear_time(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    heads = (MARKER + PLACE.pack(0, 1, 17, 40 * (400_000 - number)) + bytes(4) for number in range(400_000))
    (tmp_path / SEGMENT).write_bytes(HEADER + b"".join(heads))
    began = time.process_time()
    with EventLog(tmp_path) as log:
        assert numbers(log) == []
    assert time.process_time() - began < 10  # about 0.3 s; it took minutes


def test_an_empty_segment_can_be_used_further(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log:
        assert [log.rotate(unless_empty=True), log.rotate()] == [1, 2]
        log.append([{"n": 1}])
        assert [log.rotate(unless_empty=True), log.rotate(unless_empty=True)] == [3, 3]


def test_damage_in_an_older_segment_is_found_when_it_is_read(tmp_path: Path) -> None:
    path = filled(tmp_path, 2, segment_bytes=1) / SEGMENT
    path.write_bytes(path.read_bytes()[:-1])
    with EventLog(tmp_path) as log, pytest.raises(StateError, match=f"{SEGMENT}: the record at byte 17 is damaged"):
        list(log.replay())


def test_other_files_and_missing_segments_are_rejected(tmp_path: Path) -> None:
    filled(tmp_path, 3, segment_bytes=1)
    (tmp_path / "0000000002.log").unlink()
    with pytest.raises(StateError, match=r"0000000002.log: is missing, but later segments exist"):
        EventLog(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / SEGMENT).write_text("some other text")
    with pytest.raises(StateError, match="is not a log of this version"):
        EventLog(tmp_path / "other")


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
