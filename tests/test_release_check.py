"""The check of a release runs its parts, keeps what each did, and goes on where it stopped."""

from pathlib import Path

import pytest

from scripts import release_check
from scripts.release_check import Part, main


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the results in a folder of the test, of a commit and parts of its own."""
    parts = (
        Part("good", ("touch", str(tmp_path / "good")), "x"),
        Part("bad", ("test", "-e", str(tmp_path / "x")), "y"),
    )
    monkeypatch.setattr(release_check, "PARTS", parts)
    monkeypatch.setattr(release_check, "ROOT", tmp_path)
    monkeypatch.setattr(release_check, "FOLDER", tmp_path / "build")
    monkeypatch.setattr(release_check, "RESULTS", tmp_path / "build" / "results.jsonl")
    monkeypatch.setattr(release_check, "git_version", lambda: "1a2b")


def test_it_goes_on_with_what_has_not_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "good               0  passed",
        "bad                0  FAILED",
        "all                0  FAILED",
    ]
    (tmp_path / "good").unlink()
    (tmp_path / "x").touch()
    assert main([]) == 0
    assert not (tmp_path / "good").exists()
    assert main(["good", "--again"]) == 0
    assert (tmp_path / "good").exists()


def test_another_commit_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["good"]) == 0
    (tmp_path / "good").unlink()
    monkeypatch.setattr(release_check, "git_version", lambda: "3c4d")
    assert main(["good"]) == 0
    assert (tmp_path / "good").exists()


def test_an_unknown_part_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["none"])
    assert "good, bad" in capsys.readouterr().err.replace("'", "")
