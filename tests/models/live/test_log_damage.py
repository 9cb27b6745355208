"""Damage of a log: a torn tail is cut off and said, anything else is an error with file and offset."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.models.live.frames import HEAD, MARKER, PLACE, frame
from fraudsieve.models.live.log import EventLog
from fraudsieve.models.live.segments import HEADER

from .test_log import SEGMENT, cut_bytes, filled, numbers


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
