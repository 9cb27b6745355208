"""The file of looks: a line a run, whatever the scheme of a set."""

import json
from pathlib import Path

import pytest
from benchmarks import looks
from benchmarks.machine import code_commit


def test_each_look_is_a_line_with_its_benchmark_and_the_commit() -> None:
    assert looks.looks_by_set() == {}
    looks.count_look("fbs_sms.campaign", "contest")
    looks.count_look("fbs_sms", "detection")
    looks.count_look("s_ffsd", "contest")
    assert looks.looks_by_set() == {"fbs_sms": 2, "s_ffsd": 1}
    first = json.loads(looks.LOOKS.read_text().splitlines()[0])
    assert first == {"set": "fbs_sms", "benchmark": "contest", "commit": looks.COMMIT}


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_commit() == ""
