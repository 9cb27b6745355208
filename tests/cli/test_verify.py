"""``fraudsieve verify``: checks, failures, and use without MLflow."""

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.models import Scorer
from tests.cli.conftest import Run, error_of


@pytest.mark.slow
def test_verify_lists_checks_and_rejects_a_damaged_folder(model: Path, run: Run, tmp_path: Path) -> None:
    code, answer, error = run("verify", "--model", model)
    assert (code, answer["pinned"]) == (0, False)
    assert "the digest is not pinned" in error
    code, again, error = run("verify", "--model", model, "--digest", answer["digest"])
    assert (code, again["pinned"]) == (0, True)
    assert error.splitlines() == [f"note: {note}" for note in again["notes"]]
    assert {"digest", "versions", "files", "booster", "arrays"} <= set(again["checks"])
    shown = CliRunner().invoke(app, ["verify", "--model", str(model)]).stdout
    assert "checked booster" in shown
    rows = Scorer.load(model).model.training["rows"]["train"]
    assert answer["trained_on"] == f"{rows:,} messages, of unknown times"
    assert answer["trained_on"] in shown
    assert "expected digest 000" in error_of(run, "verify", "--model", model, "--digest", "0" * 64)
    shutil.copytree(model, tmp_path / "copy")
    (tmp_path / "copy" / "booster.txt").write_text("tree", "utf-8")
    assert "booster.txt: its content does not match the manifest" in error_of(
        run, "verify", "--model", tmp_path / "copy"
    )
    assert run("verify", "--model", tmp_path / "nothing")[0] == 2


@pytest.mark.slow
def test_verify_of_a_folder_needs_no_mlflow(model: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fraudsieve.models.flavor", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert run("verify", "--model", model)[0] == 0
    assert "mlflow is not installed" in error_of(run, "verify", "--model", "models:/nobody@champion")
