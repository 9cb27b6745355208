"""The sample of a shadow: lines are whole, private and bounded."""

import json
import stat
from pathlib import Path

import pytest

from fraudsieve.service.shadow import SampleFile


def test_a_full_file_is_rotated_and_both_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "shadow.jsonl"
    file = SampleFile(path, 2000)
    for number in range(200):
        file.write([{"number": number}, {"number": -number}])
    older = tmp_path / "shadow.jsonl.1"
    assert older.stat().st_size + path.stat().st_size <= 2000 + 40
    numbers = [json.loads(line)["number"] for line in (older.read_text() + path.read_text()).splitlines()]
    newest = [sign * number for number in range(200) for sign in (1, -1)]
    assert numbers == newest[-len(numbers) :]
    assert len(numbers) > 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_moved_away_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "shadow.jsonl"
    file = SampleFile(path, 1 << 20)
    file.write([{"number": 1}])
    path.rename(tmp_path / "moved")
    file.write([{"number": 2}])
    assert json.loads(path.read_text()) == {"number": 2}
    SampleFile(path, 1 << 20).write([{"number": 3}])
    assert len(path.read_text().splitlines()) == 2


def test_a_place_that_cannot_be_written_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        SampleFile(tmp_path, 1000)
    (tmp_path / "file").touch()
    with pytest.raises(PermissionError):
        SampleFile(tmp_path / "file" / "shadow.jsonl", 1000)
