"""Looks at made-up test rows do not count."""

from pathlib import Path

import pytest
from benchmarks import looks


@pytest.fixture(autouse=True)
def _looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LOOKS", tmp_path / "looks.jsonl")
