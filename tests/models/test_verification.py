"""Verification of a model folder: the checks are listed, and what does not score soundly is rejected."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.verification import verify


def test_the_checks_are_listed(fitted: Any) -> None:
    verified = verify(fitted.folder, digest=fitted.model.digest)
    assert (verified.name, verified.subject, verified.digest) == (fitted.model.name, "message", fitted.model.digest)
    assert verified.pinned
    assert verified.notes == ()
    checks = dict(verified.checks)
    assert checks["booster"].startswith(f"{fitted.model.ensemble.booster.num_trees()} trees")
    assert checks["columns"].startswith(f"{len(fitted.model.matrix.columns)}, ")
    assert checks["files"].startswith("5, ")


def test_without_a_pinned_digest_there_is_a_note(binary: Any) -> None:
    verified = verify(binary.folder)
    assert not verified.pinned
    assert verified.notes[0].startswith("the digest is not pinned")


def test_other_versions_of_libraries_are_noted(binary: Any, tmp_path: Path) -> None:
    shutil.copytree(binary.folder, tmp_path / "m")
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))
    for libraries, note in (({"numpy": "0.1"}, "numpy 0.1 (here"), ("x", "numpy None (here")):
        manifest["libraries"] = libraries
        (tmp_path / "m" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        assert note in verify(tmp_path / "m").notes[-1]


def test_another_digest_is_rejected(binary: Any) -> None:
    with pytest.raises(ArtifactError, match="expected digest 00, got"):
        verify(binary.folder, digest="00")
