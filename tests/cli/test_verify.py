"""``fraudsieve verify``: checks, refusals, and no need of MLflow."""

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.cli.conftest import Run


def test_verify_says_what_was_checked_and_refuses_what_is_damaged(model: Path, run: Run, tmp_path: Path) -> None:
    code, said, error = run("verify", model)
    assert (code, said["pinned"]) == (0, False)
    assert "the digest is not pinned" in error
    code, again, error = run("verify", model, "--digest", said["digest"])
    assert (code, again["pinned"], again["notes"], error) == (0, True, [], "")
    assert {"digest", "versions", "files", "booster", "arrays"} <= set(again["checks"])
    shown = CliRunner().invoke(app, ["verify", str(model)]).stdout
    assert "checked booster" in shown
    code, refused, _ = run("verify", model, "--digest", "0" * 64)
    assert (code, "expected digest 000" in refused["error"]) == (2, True)
    shutil.copytree(model, tmp_path / "copy")
    (tmp_path / "copy" / "booster.txt").write_text("tree", "utf-8")
    code, refused, _ = run("verify", tmp_path / "copy")
    assert (code, "booster.txt: its content does not match the manifest" in refused["error"]) == (2, True)
    assert run("verify", tmp_path / "nothing")[0] == 2


def test_verify_of_a_folder_needs_no_mlflow(model: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fraudsieve.models.flavor", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert run("verify", model)[0] == 0
    code, refused, _ = run("verify", "models:/nobody@champion")
    assert (code, "mlflow is not installed" in refused["error"]) == (2, True)
