"""Model folders of every kind that an earlier commit wrote have the same scores today, or are refused by version.

CONTRIBUTING.md ("Change the format") has the rule, and ``python -m scripts.golden_models`` writes the folders.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.artifact import folder as artifact
from fraudsieve.models.artifact.folder import read_manifest
from scripts import bare_scoring
from scripts.golden_models import GOLDEN, KINDS, write_golden
from tests.messages import refused

ROOT = Path(__file__).parents[2]
OTHER_SETTINGS = {"TZ": "Asia/Shanghai", "LC_ALL": "C"}
HERE = {"lightgbm": "4.7.0", "processor": "znver4"}


def scores(log_odds: float, label: str = "fraud", **environment: str) -> dict[str, Any]:
    """Return what a folder holds about one score."""
    return {"environment": HERE | environment, "digest": "d", "scores": [{"label": label, "log_odds": [log_odds]}]}


def test_every_kind_has_a_folder_of_the_current_versions() -> None:
    problem = f"Run python -m scripts.golden_models: it writes the folders of these versions to {GOLDEN}."
    assert (ROOT / GOLDEN).exists(), problem
    assert sorted(path.name for path in (ROOT / GOLDEN).iterdir()) == sorted(KINDS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "options"), [({}, ()), (OTHER_SETTINGS, ("--cores", "1"))], ids=["as here", "one core, other zone"]
)
def test_another_process_has_the_scores_that_were_written(settings: dict[str, str], options: tuple[str, ...]) -> None:
    command = [sys.executable, "scripts/bare_scoring.py", *options, str(GOLDEN.parent)]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)
    advice = (
        "A change that gives other numbers for the same record raises FEATURES_VERSION: see 'Change the format' in "
        "CONTRIBUTING.md."
    )
    assert result.returncode == 0, f"{result.stdout}{result.stderr}{advice}"
    assert result.stdout.count(" scores ") == len(KINDS)
    assert result.stdout.count("refused: expected features of version ") == 1
    sys.stdout.write(result.stdout)


@pytest.mark.parametrize(
    ("name", "change", "expected", "fix"),
    [
        ("FORMAT", 1, "expected format {ours}, got {theirs}", "Train the model again."),
        ("FORMAT", -1, "expected format {ours}, got {theirs}", "Upgrade fraudsieve."),
        ("FEATURES_VERSION", 1, "expected features of version {ours}, got {theirs}", "Train the model again."),
        ("FEATURES_VERSION", -1, "expected features of version {ours}, got {theirs}", "Upgrade fraudsieve."),
    ],
)
def test_a_folder_of_another_version_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, change: int, expected: str, fix: str
) -> None:
    theirs = getattr(artifact, name)
    for module in (artifact, bare_scoring):
        monkeypatch.setattr(module, name, theirs + change)
    words = expected.format(ours=theirs + change, theirs=theirs)
    folder = ROOT / GOLDEN / "accounts"
    with bare_scoring.unpacked(folder) as model, pytest.raises(ArtifactError, match=words) as refused:
        read_manifest(model)
    assert fix in str(refused.value)
    assert bare_scoring.check_folder(folder) == f"refused: {words}"


def test_other_scores_are_noticed_in_the_environment_that_wrote_them() -> None:
    assert bare_scoring.compare(scores(1.5), scores(1.5)) == "1 scores equal to the last bit"
    with refused(AssertionError):
        bare_scoring.compare(scores(1.5), scores(1.5000000000000002))


def test_elsewhere_the_last_bits_may_differ_and_nothing_else() -> None:
    elsewhere = scores(1.5000000000000002, lightgbm="4.6.0")
    described = bare_scoring.compare(scores(1.5), elsewhere)
    assert described == "1 scores differ by 2.2e-16, with another lightgbm"
    with pytest.raises(AssertionError, match="expected at most 1e-12"):
        bare_scoring.compare(scores(1.5), scores(1.5 + 1e-11, lightgbm="4.6.0"))
    with pytest.raises(AssertionError, match="differ by inf"):
        bare_scoring.compare(scores(1.5), scores(1.5, label="legitimate", lightgbm="4.6.0"))


@pytest.mark.slow
def test_another_record_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "accounts"
    shutil.copytree(ROOT / GOLDEN / "accounts", folder)
    inputs = json.loads((folder / bare_scoring.RECORDS).read_text("utf-8"))
    inputs["records"][0]["as_of"] = "2026-01-02T00:00:00Z"
    (folder / bare_scoring.RECORDS).write_text(json.dumps(inputs), "utf-8")
    with pytest.raises(AssertionError, match="scores differ by"):
        bare_scoring.check_folder(folder)


def test_folders_are_never_replaced(tmp_path: Path) -> None:
    for name in KINDS:
        (tmp_path / name).mkdir()
    with refused(FileExistsError):
        write_golden(tmp_path)


@pytest.mark.slow
def test_only_missing_folders_are_written(tmp_path: Path) -> None:
    (tmp_path / "messages").mkdir()
    write_golden(tmp_path, {name: KINDS[name] for name in ("messages", "accounts")})
    assert not list((tmp_path / "messages").iterdir())
    assert bare_scoring.check_folder(tmp_path / "accounts") == "24 scores equal to the last bit"
