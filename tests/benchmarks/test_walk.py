"""The benchmark of the walk, without the real tables."""

from pathlib import Path

import pytest
from benchmarks import walk


def test_missing_data_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRAUDSIEVE_DATA", str(tmp_path))
    monkeypatch.setattr("tests.shared._root", tmp_path, raising=False)
    assert walk.main(["exais_sms", "--json"]) == 0
    assert "Skipped exais_sms" in capsys.readouterr().out
